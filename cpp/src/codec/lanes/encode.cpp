#include <algorithm>
#include <array>
#include <cstring>

#include "codec/entry.h"
#include "codec/escape.h"
#include "codec/lanes/common.h"
#include "codec/lanes/lanes.h"
#include "imgcomp/error.h"

namespace imgcomp::codec::lanes {
namespace {

// Bytes that are written from the end backwards.
class BackwardBytes {
 public:
  explicit BackwardBytes(size_t expected) : bytes_(expected), next_(bytes_.size()) {}

  // Makes room for that many bytes more; returns the place below which they go.
  uint8_t* reserve(size_t more) {
    if (next_ < more) {
      std::vector<uint8_t> larger(2 * bytes_.size() + more);
      const size_t used = bytes_.size() - next_;
      const size_t place = larger.size() - used;
      if (used > 0) {
        std::memcpy(larger.data() + place, bytes_.data() + next_, used);
      }
      bytes_ = std::move(larger);
      next_ = place;
    }
    return bytes_.data() + next_;
  }
  void written_down_to(const uint8_t* place) { next_ = static_cast<size_t>(place - bytes_.data()); }
  std::vector<uint8_t> take() const {
    return {bytes_.begin() + static_cast<ptrdiff_t>(next_), bytes_.end()};
  }

 private:
  std::vector<uint8_t> bytes_;
  size_t next_;
};

// The loops of any processor, and the frame of the others. Everything runs backwards: what is
// encoded last is decoded first.
template <int kLanes>
class Encoder {
 public:
  Encoder(const CodingTables& coding, const TablePattern& pattern, std::span<const int32_t> symbols,
          uint64_t first)
      : coding_(coding),
        pattern_(pattern),
        symbols_(symbols),
        first_(first),
        bytes_(symbols.size() + 64 * kLanes) {
    states_.fill(kLowest);
  }

  std::vector<uint8_t> run(const Kernels* kernels) {
    size_t step = symbols_.size() / kLanes;
    run_step(step * kLanes, static_cast<int>(symbols_.size() % kLanes));
    while (step > 0) {
      if (kernels != nullptr) {
        step -= run_kernel(*kernels, step);
      }
      if (step > 0) {
        --step;
        run_step(step * kLanes, kLanes);
      }
    }
    uint8_t* next = bytes_.reserve(4 * kLanes);
    for (int lane = kLanes - 1; lane >= 0; --lane) {
      put16(next, states_[lane] >> 16);
      put16(next, states_[lane]);
    }
    bytes_.written_down_to(next);
    return bytes_.take();
  }

 private:
  // The steps before the given one, as many as the kernel can do at once.
  size_t run_kernel(const Kernels& kernels, size_t step) {
    const size_t last = step - 1;
    const PatternPlace place(pattern_, first_ + last * kLanes);
    const size_t steps = std::min<size_t>(place.steps_backwards(step, kLanes), kStepsAtOnce);
    EncodeSteps work{.tables = pointers(coding_, pattern_),
                     .pattern = place.data(),
                     .states = states_.data(),
                     .next = bytes_.reserve(2 * kLanes * steps),
                     .symbols = symbols_.data() + last * kLanes,
                     .steps = steps};
    const size_t done = kernels.encode(work);
    bytes_.written_down_to(work.next);
    return done;
  }

  void run_step(size_t begin, int lanes) {
    uint8_t* next = bytes_.reserve(kMostBytes * kLanes);
    for (int lane = lanes - 1; lane >= 0; --lane) {
      encode_symbol(next, states_[lane], pattern_[first_ + begin + lane], symbols_[begin + lane]);
    }
    bytes_.written_down_to(next);
  }

  void encode_symbol(uint8_t*& next, uint32_t& state, uint32_t table, int32_t symbol) {
    const size_t number = entry_of(coding_, table, symbol);
    const Entry entry(coding_.entries[number]);
    if (entry.is_escape) [[unlikely]] {
      if (entry.frequency == 0) {
        refuse_symbol(coding_, table, symbol);
      }
      const EscapeFields fields(symbol, coding_.smallest[table], coding_.sizes[table]);
      for (const auto* field = fields.end(); field-- != fields.begin();) {
        renormalize(next, state, 1ULL << (32 - field->bits));
        state = (state << field->bits) | field->value;
      }
    }
    renormalize(next, state, uint64_t{entry.frequency} << (32 - coding_.precision));
    // The product with the rounded reciprocal is the quotient or one less.
    auto quotient = static_cast<uint32_t>((uint64_t{state} * coding_.reciprocals[number]) >> 32);
    uint32_t rest = state - quotient * entry.frequency;
    const bool less = rest >= entry.frequency;
    quotient += less ? 1 : 0;
    rest -= less ? entry.frequency : 0;
    state = (quotient << coding_.precision) + rest + entry.start;
  }

  // Makes the state less than `limit`.
  static void renormalize(uint8_t*& next, uint32_t& state, uint64_t limit) {
    if (state >= limit) {
      put16(next, state);
      state >>= 16;
    }
  }
  static void put16(uint8_t*& next, uint32_t word) {
    *--next = static_cast<uint8_t>(word >> 8);
    *--next = static_cast<uint8_t>(word);
  }

  // So that room is made for little more than is written.
  static constexpr size_t kStepsAtOnce = 1024;
  // A word for the symbol and for each of an escape's fields.
  static constexpr size_t kMostBytes = 2 * (1 + 36);

  const CodingTables& coding_;
  const TablePattern& pattern_;
  std::span<const int32_t> symbols_;
  uint64_t first_;
  BackwardBytes bytes_;
  alignas(64) std::array<uint32_t, kLanes> states_;
};

}  // namespace

std::vector<uint8_t> encode(const CodingTables& coding, const TablePattern& pattern,
                            std::span<const int32_t> symbols, uint64_t first, int lanes,
                            const Kernels* kernels) {
  if (lanes == kWide) {
    return Encoder<kWide>(coding, pattern, symbols, first).run(kernels);
  }
  return Encoder<kNarrow>(coding, pattern, symbols, first).run(nullptr);
}

}  // namespace imgcomp::codec::lanes

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

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
  explicit BackwardBytes(size_t expected)
      : size_(expected), next_(size_), bytes_(new uint8_t[size_]) {}

  // Makes room for that many bytes more; returns the place below which they go.
  uint8_t* reserve(size_t more) {
    if (next_ < more) {
      const size_t used = size_ - next_, larger = 2 * size_ + more;
      std::unique_ptr<uint8_t[]> bytes(new uint8_t[larger]);
      std::copy_n(bytes_.get() + next_, used, bytes.get() + larger - used);
      bytes_ = std::move(bytes);
      size_ = larger;
      next_ = larger - used;
    }
    return bytes_.get() + next_;
  }
  void written_down_to(const uint8_t* place) { next_ = static_cast<size_t>(place - bytes_.get()); }
  std::vector<uint8_t> take() const { return {bytes_.get() + next_, bytes_.get() + size_}; }

 private:
  size_t size_, next_;
  std::unique_ptr<uint8_t[]> bytes_;  // not a vector, which would fill it with zeros first
};

// The loops of any processor, and the frame of the others. Everything runs backwards: what is
// encoded last is decoded first.
template <int kLanes>
class Encoder {
 public:
  Encoder(const CodingTables& coding, const TablePattern& pattern, std::span<const int32_t> symbols,
          uint64_t first, size_t expected)
      : coding_(coding),
        pattern_(pattern),
        symbols_(symbols),
        first_(first),
        bytes_(expected + 4096) {
    states_.fill(kLowest);
  }

  std::vector<uint8_t> run(const Kernels* kernels) {
    size_t step = symbols_.size() / kLanes;
    run_rest(step * kLanes);
    while (step > 0) {
      if (kernels != nullptr) {
        step -= run_kernel(*kernels, step);
      }
      // Before a kernel goes on, the one step that it left; without any, all.
      const size_t more = std::min<size_t>(step, kernels != nullptr ? 1 : kScalarSteps);
      step -= more;
      if (pattern_.only() >= 0) {
        run_steps<false>(step, more);
      } else {
        run_steps<true>(step, more);
      }
    }
    uint8_t* next = bytes_.reserve(4 * kLanes + 1);
    for (int lane = kLanes - 1; lane >= 0; --lane) {
      put16(next, states_[lane] >> 16);
      put16(next, states_[lane]);
    }
    *--next = kLanes;
    bytes_.written_down_to(next);
    return bytes_.take();
  }

 private:
  // The steps before the given one, as many as the kernel can do at once.
  size_t run_kernel(const Kernels& kernels, size_t step) {
    const size_t last = step - 1;
    const PatternPlace place(pattern_, first_ + last * kLanes);
    const size_t steps = std::min<size_t>(place.steps_backwards(step, kLanes), kKernelSteps);
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

  // The symbols behind the last whole step.
  void run_rest(size_t begin) {
    uint8_t* next = bytes_.reserve(kMostBytes * kLanes);
    for (size_t i = symbols_.size(); i-- > begin;) {
      encode_symbol(next, states_[i - begin], pattern_[first_ + i], symbols_[i]);
    }
    bytes_.written_down_to(next);
  }

  // Everything that changes is kept in local variables, because a store of a byte might otherwise
  // change it.
  template <bool kSeveral>
  void run_steps(size_t begin, size_t steps) {
    const TablePointers tables = pointers(coding_, pattern_);
    const int headroom = 32 - tables.precision;
    std::array<uint32_t, kLanes> states = states_;
    uint8_t* next = bytes_.reserve(kMostBytes * kLanes * steps);
    const int32_t* in = symbols_.data() + (begin + steps) * kLanes;
    size_t place = kSeveral ? (first_ + (begin + steps) * kLanes) % pattern_.period() : 0;
    const uint16_t* numbers = pattern_.data();
    for (size_t step = 0; step < steps; ++step) {
      in -= kLanes;
      if constexpr (kSeveral) {
        place += place < kLanes ? pattern_.period() : 0;
        place -= kLanes;
      }
      for (int lane = kLanes - 1; lane >= 0; --lane) {
        const uint32_t table = kSeveral ? numbers[place + lane] : 0;
        const uint32_t first = kSeveral ? tables.first_entry[table] : 0;
        const uint32_t symbol =
            static_cast<uint32_t>(in[lane]) - static_cast<uint32_t>(tables.smallest[table]);
        const size_t number = size_t{first} + std::min(symbol, tables.sizes[table]);
        const Entry entry(tables.entries[number]);
        uint32_t state = states[lane];
        if (entry.is_escape) [[unlikely]] {
          uint8_t* at = next;
          encode_symbol(at, state, kSeveral ? table : static_cast<uint32_t>(pattern_.only()),
                        in[lane]);
          next = at;
          states[lane] = state;
          continue;
        }
        // Written in any case, kept where the state would overflow: whether it does is hard to
        // predict. Where the limit is 2^32, it never does.
        const bool is_full = state > (entry.frequency << headroom) - 1;
        next[-1] = static_cast<uint8_t>(state >> 8);
        next[-2] = static_cast<uint8_t>(state);
        next -= is_full ? 2 : 0;
        state = is_full ? state >> 16 : state;
        states[lane] = encoded(state, entry, tables.reciprocals[number], tables.precision);
      }
    }
    bytes_.written_down_to(next);
    states_ = states;
  }

  // One symbol, escapes and all.
  void encode_symbol(uint8_t*& next, uint32_t& state, uint32_t table, int32_t symbol) const {
    const size_t number = entry_of(coding_, table, symbol);
    const Entry entry(coding_.entries[number]);
    if (entry.is_escape) {
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
    state = encoded(state, entry, coding_.reciprocals[number], coding_.precision);
  }

  static uint32_t encoded(uint32_t state, const Entry& entry, uint32_t reciprocal, int precision) {
    // The product with the rounded reciprocal is the quotient or one less.
    const auto quotient = static_cast<uint32_t>((uint64_t{state} * reciprocal) >> 32);
    const uint32_t rest = state - quotient * entry.frequency;
    const bool is_less = rest >= entry.frequency;
    return ((quotient + (is_less ? 1 : 0)) << precision) + rest - (is_less ? entry.frequency : 0) +
           entry.start;
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
  static constexpr size_t kKernelSteps = 1024, kScalarSteps = 64;
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
                            size_t expected, const Kernels* kernels) {
  if (lanes == kWide) {
    return Encoder<kWide>(coding, pattern, symbols, first, expected).run(kernels);
  }
  return Encoder<kNarrow>(coding, pattern, symbols, first, expected).run(nullptr);
}

}  // namespace imgcomp::codec::lanes

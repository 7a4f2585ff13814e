#include <algorithm>
#include <array>

#include "codec/entry.h"
#include "codec/escape.h"
#include "codec/lanes/common.h"
#include "codec/lanes/lanes.h"
#include "imgcomp/error.h"

namespace imgcomp::codec::lanes {
namespace {

uint32_t load16(const uint8_t* bytes) {
  return uint32_t{bytes[0]} | (uint32_t{bytes[1]} << 8);
}

// The loops of any processor, and the frame of the others.
template <int kLanes>
class Decoder {
 public:
  Decoder(const CodingTables& coding, const TablePattern& pattern, std::span<const uint8_t> stream,
          std::span<int32_t> symbols, uint64_t first)
      : coding_(coding),
        pattern_(pattern),
        next_(stream.data()),
        end_(stream.data() + stream.size()),
        symbols_(symbols),
        first_(first) {
    if (stream.size() < 4 * kLanes) {
      throw CorruptStreamError(concat("a stream in ", kLanes, " lanes has at least ", 4 * kLanes,
                                      " bytes, not ", stream.size()));
    }
    for (uint32_t& state : states_) {
      state = load16(next_) | (load16(next_ + 2) << 16);
      next_ += 4;
    }
  }

  void run(const Kernels* kernels) {
    const size_t steps = symbols_.size() / kLanes;
    size_t step = 0;
    while (step < steps) {
      if (kernels != nullptr) {
        step += run_kernel(*kernels, step, steps - step);
      }
      if (step < steps) {
        run_step(step * kLanes, kLanes);
        ++step;
      }
    }
    run_step(step * kLanes, static_cast<int>(symbols_.size() % kLanes));
    check_end();
  }

 private:
  size_t run_kernel(const Kernels& kernels, size_t step, size_t steps) {
    const PatternPlace place(pattern_, first_ + step * kLanes);
    DecodeSteps work{.tables = pointers(coding_, pattern_),
                     .pattern = place.data(),
                     .states = states_.data(),
                     .next = next_,
                     .end = end_,
                     .symbols = symbols_.data() + step * kLanes,
                     .steps = place.steps_forwards(steps, kLanes)};
    const size_t done = kernels.decode(work);
    next_ = work.next;
    return done;
  }

  void run_step(size_t begin, int lanes) {
    if (pattern_.only() >= 0) {
      const auto table = static_cast<uint32_t>(pattern_.only());
      for (int lane = 0; lane < lanes; ++lane) {
        symbols_[begin + lane] = decode_symbol(states_[lane], table);
      }
    } else {
      for (int lane = 0; lane < lanes; ++lane) {
        symbols_[begin + lane] = decode_symbol(states_[lane], pattern_[first_ + begin + lane]);
      }
    }
  }

  int32_t decode_symbol(uint32_t& state, uint32_t table) {
    const int precision = coding_.precision;
    const uint32_t slot = state & ((1U << precision) - 1);
    const uint32_t place = coding_.slots[(size_t{table} << precision) + slot];
    const Entry entry(coding_.entries[size_t{coding_.first_entry[table]} + place]);
    state = entry.frequency * (state >> precision) + slot - entry.start;
    renormalize(state);
    if (entry.is_escape) [[unlikely]] {
      const auto raw = [&](int bits) {
        const uint32_t value = state & ((1U << bits) - 1);
        state >>= bits;
        renormalize(state);
        return value;
      };
      return read_escape(raw, coding_.smallest[table], coding_.sizes[table]);
    }
    return static_cast<int32_t>(static_cast<uint32_t>(coding_.smallest[table]) + place);
  }

  void renormalize(uint32_t& state) {
    if (state < kLowest) {
      if (end_ - next_ < 2) [[unlikely]] {
        throw CorruptStreamError(
            concat("the stream ends before the last of its ", symbols_.size(), " symbols"));
      }
      state = (state << 16) | load16(next_);
      next_ += 2;
    }
  }

  void check_end() const {
    if (next_ != end_ || std::any_of(states_.begin(), states_.end(),
                                     [](uint32_t state) { return state != kLowest; })) {
      throw CorruptStreamError(concat("the stream is not one of ", symbols_.size(), " symbols"));
    }
  }

  const CodingTables& coding_;
  const TablePattern& pattern_;
  const uint8_t *next_, *end_;
  std::span<int32_t> symbols_;
  uint64_t first_;
  alignas(64) std::array<uint32_t, kLanes> states_;
};

}  // namespace

void decode(const CodingTables& coding, const TablePattern& pattern,
            std::span<const uint8_t> stream, std::span<int32_t> symbols, uint64_t first, int lanes,
            const Kernels* kernels) {
  if (lanes == kWide) {
    Decoder<kWide>(coding, pattern, stream, symbols, first).run(kernels);
  } else {
    Decoder<kNarrow>(coding, pattern, stream, symbols, first).run(nullptr);
  }
}

}  // namespace imgcomp::codec::lanes

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
      // After a kernel the one step that it left; without any, all.
      const size_t more = std::min(steps - step, kernels != nullptr ? 1 : steps);
      if (pattern_.only() >= 0) {
        run_steps<false>(step, more);
      } else {
        run_steps<true>(step, more);
      }
      step += more;
    }
    for (size_t i = steps * kLanes; i < symbols_.size(); ++i) {
      symbols_[i] = decode_symbol(next_, states_[i - steps * kLanes], pattern_[first_ + i]);
    }
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

  // Everything that changes is kept in local variables, because a store of a symbol might otherwise
  // change it.
  template <bool kSeveral>
  void run_steps(size_t begin, size_t steps) {
    const TablePointers tables = pointers(coding_, pattern_);
    const uint32_t mask = (1U << tables.precision) - 1;
    const uint8_t* next = next_;
    std::array<uint32_t, kLanes> states = states_;
    int32_t* out = symbols_.data() + begin * kLanes;
    size_t place = kSeveral ? (first_ + begin * kLanes) % pattern_.period() : 0;
    const uint16_t* numbers = pattern_.data();
    for (size_t step = 0; step < steps; ++step) {
      // Each symbol takes a word at most, if it is no escape.
      bool is_room = end_ - next >= 2 * kLanes;
      for (int lane = 0; lane < kLanes; ++lane) {
        const uint32_t table = kSeveral ? numbers[place + lane] : 0;
        const uint32_t first = kSeveral ? tables.first_entry[table] : 0;
        const uint32_t slot = states[lane] & mask;
        const uint32_t entry = kSeveral ? place_of(coding_, table, slot) : tables.slots[slot];
        const Entry found(tables.entries[size_t{first} + entry]);
        if (found.is_escape || !is_room) [[unlikely]] {
          uint32_t state = states[lane];
          const uint8_t* at = next;
          out[lane] =
              decode_symbol(at, state, kSeveral ? table : static_cast<uint32_t>(pattern_.only()));
          states[lane] = state;
          next = at;
          is_room = end_ - next >= 2 * kLanes;
          continue;
        }
        const uint32_t state =
            found.frequency * (states[lane] >> tables.precision) + slot - found.start;
        const bool is_low = state < kLowest;
        states[lane] = is_low ? (state << 16) | load16(next) : state;
        next += is_low ? 2 : 0;
        out[lane] = static_cast<int32_t>(static_cast<uint32_t>(tables.smallest[table]) + entry);
      }
      out += kLanes;
      if constexpr (kSeveral) {
        place += kLanes;
        place -= place >= pattern_.period() ? pattern_.period() : 0;
      }
    }
    next_ = next;
    states_ = states;
  }

  // One symbol, with every check.
  int32_t decode_symbol(const uint8_t*& next, uint32_t& state, uint32_t table) const {
    const int precision = coding_.precision;
    const uint32_t slot = state & ((1U << precision) - 1);
    const uint32_t place = place_of(coding_, table, slot);
    const Entry entry(coding_.entries[size_t{coding_.first_entry[table]} + place]);
    state = entry.frequency * (state >> precision) + slot - entry.start;
    renormalize(next, state);
    if (!entry.is_escape) {
      return static_cast<int32_t>(static_cast<uint32_t>(coding_.smallest[table]) + place);
    }
    const auto raw = [&](int bits) {
      const uint32_t value = state & ((1U << bits) - 1);
      state >>= bits;
      renormalize(next, state);
      return value;
    };
    return read_escape(raw, coding_.smallest[table], coding_.sizes[table]);
  }

  void renormalize(const uint8_t*& next, uint32_t& state) const {
    if (state < kLowest) {
      if (end_ - next < 2) [[unlikely]] {
        throw CorruptStreamError(
            concat("the stream ends before the last of its ", symbols_.size(), " symbols"));
      }
      state = (state << 16) | load16(next);
      next += 2;
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

// What encoding and decoding in lanes share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "codec/lanes/kernels.h"
#include "imgcomp/codec/symbol_coder.h"

namespace imgcomp::codec::lanes {

// States lie in kLowest … 2^32 − 1, and start at kLowest.
inline constexpr uint32_t kLowest = 1U << 16;

inline TablePointers pointers(const CodingTables& coding, const TablePattern& pattern) {
  const size_t table = pattern.only() >= 0 ? static_cast<size_t>(pattern.only()) : 0;
  const size_t entry = pattern.only() >= 0 ? coding.first_entry[table] : 0;
  return {.entries = coding.entries.data() + entry,
          .reciprocals = coding.reciprocals.data() + entry,
          .slots = coding.slots.data() + (table << coding.precision),
          .first_entry = coding.first_entry.data(),
          .smallest = coding.smallest.data() + table,
          .sizes = coding.sizes.data() + table,
          .precision = coding.precision};
}

// Symbols by which a kernel may go at once along the pattern, and where in it they begin.
class PatternPlace {
 public:
  PatternPlace(const TablePattern& pattern, uint64_t symbol)
      : place_(pattern.only() >= 0 ? 0 : symbol % pattern.period()), pattern_(pattern) {}

  const uint16_t* data() const { return pattern_.only() >= 0 ? nullptr : pattern_.data() + place_; }
  // Whole steps before the pattern begins again, of at most `steps`.
  size_t steps_forwards(size_t steps, size_t lanes) const {
    return pattern_.only() >= 0 ? steps
                                : std::min(steps, (pattern_.period() - place_ + lanes - 1) / lanes);
  }
  size_t steps_backwards(size_t steps, size_t lanes) const {
    return pattern_.only() >= 0 ? steps : std::min(steps, place_ / lanes + 1);
  }

 private:
  size_t place_;
  const TablePattern& pattern_;
};

}  // namespace imgcomp::codec::lanes

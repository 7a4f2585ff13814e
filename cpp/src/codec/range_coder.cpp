#include "imgcomp/codec/range_coder.h"

#include <utility>

namespace imgcomp::codec {

using range_coder::kWhole;
using range_coder::kWindow;

std::vector<uint8_t> RangeEncoder::finish() {
  // Any number of the last interval will do: the one that ends in the most zeros.
  int zeros = kWindow;
  uint64_t number = 0;
  for (;; zeros -= 8) {
    const uint64_t unit = uint64_t{1} << zeros;
    number = (low_ + unit - 1) & ~(unit - 1);
    if (number - low_ < range_) {
      break;
    }
  }
  low_ = number;
  settle_carry();
  for (int place = kWindow - 8; place >= zeros; place -= 8) {
    bytes_.push_back(static_cast<uint8_t>(low_ >> place));
  }
  while (!bytes_.empty() && bytes_.back() == 0) {
    bytes_.pop_back();
  }
  low_ = 0;
  range_ = kWhole;
  return std::exchange(bytes_, {});
}

size_t cut_at(const RangeEncoder::Mark& mark, std::span<const uint8_t> stream) {
  // The stream is a number of at least the mark's lower end; so must be what is left of it.
  const auto byte = [&](size_t i) { return i < stream.size() ? stream[i] : uint8_t{0}; };
  uint64_t window = 0;
  for (size_t i = 0; i < kWindow / 8; ++i) {
    window = (window << 8) | byte(mark.bytes + i);
  }
  size_t length = mark.bytes;
  // A window below the mark's means that a carry came later: the bytes before it suffice.
  if (window >= mark.low) {
    for (int zeros = kWindow; zeros > 0 && (window >> zeros << zeros) < mark.low; zeros -= 8) {
      ++length;
    }
  }
  length = std::min(length, stream.size());
  while (length > 0 && stream[length - 1] == 0) {
    --length;
  }
  return length;
}

}  // namespace imgcomp::codec

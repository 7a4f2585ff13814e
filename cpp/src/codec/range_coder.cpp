#include "imgcomp/codec/range_coder.h"

#include <utility>

namespace imgcomp::codec {

using range_coder::kWhole;
using range_coder::kWindow;

namespace {

// The number in an interval that ends in the most zeros, by whole bytes.
struct LastNumber {
  LastNumber(uint64_t low, uint64_t range) {
    for (zeros = kWindow;; zeros -= 8) {
      const uint64_t unit = uint64_t{1} << zeros;
      number = (low + unit - 1) & ~(unit - 1);
      if (number - low < range) {
        return;
      }
    }
  }
  uint64_t number;
  int zeros;
};

}  // namespace

std::vector<uint8_t> RangeEncoder::finish() {
  const LastNumber last(low_, range_);
  low_ = last.number;
  settle_carry();
  for (int place = kWindow - 8; place >= last.zeros; place -= 8) {
    bytes_.push_back(static_cast<uint8_t>(low_ >> place));
  }
  while (!bytes_.empty() && bytes_.back() == 0) {
    bytes_.pop_back();
  }
  low_ = 0;
  range_ = kWhole;
  return std::exchange(bytes_, {});
}

bool RangeDecoder::at_end() const {
  if (is_foreign_ || next_ < bytes_.size() || (!bytes_.empty() && bytes_.back() == 0)) {
    return false;
  }
  // The window that the code was read from, less the code, is the interval's lower end.
  uint64_t window = 0;
  for (size_t i = next_ - kWindow / 8; i < next_; ++i) {
    window = (window << 8) | (i < bytes_.size() ? bytes_[i] : 0);
  }
  const uint64_t low = (window - code_) & (kWhole - 1);
  return (LastNumber(low, range_).number & (kWhole - 1)) == window;
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

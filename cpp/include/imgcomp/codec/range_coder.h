// A range coder with carry: first in, first out, and not a byte more than the stream needs. Short
// streams of symbols and streams of adaptive bits are written by it; docs/bitstream.md specifies
// it.
//
// An interval of 56 bits shrinks with each symbol; two bytes leave at its upper end whenever its
// size falls below 2^40. Beyond the end of a stream there are zeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace imgcomp::codec {

namespace range_coder {
inline constexpr int kWindow = 56;
inline constexpr uint64_t kWhole = uint64_t{1} << kWindow;
inline constexpr uint64_t kSmallest = uint64_t{1} << (kWindow - 16);
}  // namespace range_coder

class RangeEncoder {
 public:
  // The part [start, start + size) of 2^bits equal ones, bits ≤ 16.
  void encode(uint32_t start, uint32_t size, int bits) {
    const uint64_t unit = range_ >> bits;
    low_ += unit * start;
    range_ = unit * size;
    renormalize();
  }

  // A bit whose probability of being 1 is `one` / 65536, 0 < one < 65536.
  void encode_bit(bool bit, uint32_t one) {
    const uint64_t bound = (range_ >> 16) * one;
    low_ += bit ? 0 : bound;
    range_ = bit ? bound : range_ - bound;
    renormalize();
  }

  // A state of the encoder, to find out later where the finished stream may be cut.
  struct Mark {
    size_t bytes;
    uint64_t low;
  };
  Mark mark() {
    settle_carry();
    return {bytes_.size(), low_};
  }

  // Ends the stream with the fewest bytes that decode, and begins a new one.
  std::vector<uint8_t> finish();

 private:
  void renormalize() {
    if (range_ < range_coder::kSmallest) {
      settle_carry();
      bytes_.push_back(static_cast<uint8_t>(low_ >> (range_coder::kWindow - 8)));
      bytes_.push_back(static_cast<uint8_t>(low_ >> (range_coder::kWindow - 16)));
      low_ = (low_ << 16) & (range_coder::kWhole - 1);
      range_ <<= 16;
    }
  }
  void settle_carry() {
    if (low_ >= range_coder::kWhole) {
      low_ -= range_coder::kWhole;
      for (size_t i = bytes_.size(); i-- > 0 && ++bytes_[i] == 0;) {
      }
    }
  }

  std::vector<uint8_t> bytes_;
  uint64_t low_ = 0, range_ = range_coder::kWhole;
};

// The fewest first bytes of a finished stream that, with zeros after them, give everything that was
// encoded before the mark.
size_t cut_at(const RangeEncoder::Mark& mark, std::span<const uint8_t> stream);

// Gives some symbols for any bytes. The bytes must live as long as the decoder.
class RangeDecoder {
 public:
  explicit RangeDecoder(std::span<const uint8_t> bytes) : bytes_(bytes) {
    for (int i = 0; i < range_coder::kWindow; i += 8) {
      code_ = (code_ << 8) | next_byte();
    }
  }

  // In which of 2^bits equal parts the stream lies; take() must follow with the part that holds it.
  uint32_t find(int bits) {
    unit_ = range_ >> bits;
    const uint64_t part = code_ / unit_;
    const uint64_t last = (uint64_t{1} << bits) - 1;
    // Beyond the last part lie only bytes that no encoder wrote.
    if (part > last) [[unlikely]] {
      is_foreign_ = true;
      return static_cast<uint32_t>(last);
    }
    return static_cast<uint32_t>(part);
  }
  void take(uint32_t start, uint32_t size) {
    code_ -= unit_ * start;
    range_ = unit_ * size;
    renormalize();
  }
  uint32_t raw(int bits) {
    const uint32_t value = find(bits);
    take(value, 1);
    return value;
  }

  bool decode_bit(uint32_t one) {
    const uint64_t bound = (range_ >> 16) * one;
    const bool bit = code_ < bound;
    code_ -= bit ? 0 : bound;
    range_ = bit ? bound : range_ - bound;
    renormalize();
    return bit;
  }

  // Whether an encoder that had encoded what was decoded so far, and nothing more, would have
  // finished with just these bytes. If not, the stream belongs to something else.
  bool at_end() const;

  // Whether everything so far would be the same with any bytes after the given ones. A stream that
  // was cut somewhere is good as far as this holds.
  bool is_certain() const {
    const size_t missing = next_ - std::min(next_, bytes_.size());
    return missing == 0 || (missing < 7 && code_ + ((uint64_t{1} << (8 * missing)) - 1) < range_);
  }

 private:
  uint64_t next_byte() {
    const uint64_t byte = next_ < bytes_.size() ? bytes_[next_] : 0;
    ++next_;
    return byte;
  }
  void renormalize() {
    if (range_ < range_coder::kSmallest) {
      code_ = (code_ << 8) | next_byte();
      code_ = (code_ << 8) | next_byte();
      range_ <<= 16;
    }
  }

  std::span<const uint8_t> bytes_;
  size_t next_ = 0;
  uint64_t code_ = 0, range_ = range_coder::kWhole, unit_ = 0;
  bool is_foreign_ = false;
};

}  // namespace imgcomp::codec

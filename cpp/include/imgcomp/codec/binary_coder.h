// Streams of bits with adaptive probabilities: for binary codes, progressive ones too.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "imgcomp/codec/range_coder.h"

namespace imgcomp::codec {

// How likely the next bit of a context is 1: the mean of a quick and a slow estimate, which begin
// as the same average over all bits so far. Integers only.
class AdaptiveBit {
 public:
  // Of 65536; 71 … 65465.
  uint32_t one() const { return (uint32_t{quick_} + slow_) >> 1; }
  void update(bool bit);

 private:
  uint16_t quick_ = 1U << 15, slow_ = 1U << 15;
  uint16_t seen_ = 0;
};

// Bits come in any number of calls, each with the number of its context; decoding must follow with
// the same calls. Contexts learn across calls.
class BinaryEncoder {
 public:
  // Contexts 0 … contexts − 1, at most 2^24.
  explicit BinaryEncoder(int64_t contexts);

  int64_t contexts() const { return static_cast<int64_t>(contexts_.size()); }

  // bits: anything but 0 counts as 1; one context for each of them.
  void encode(std::span<const uint8_t> bits, std::span<const int32_t> contexts);
  // The lowest `bits` (1 … 32) of each value, at exactly that price.
  void encode_raw(std::span<const uint32_t> values, int bits);

  // Ends a part: finish() tells how many bytes suffice for everything up to here.
  void end_part();

  struct Stream {
    std::vector<uint8_t> bytes;
    std::vector<int64_t> parts;  // bytes up to the end of each part; the last part may lie below
                                 // the stream's length where more was encoded after it
  };
  // The finished stream. The encoder begins anew, with fresh contexts.
  Stream finish();

 private:
  RangeEncoder coder_;
  std::vector<AdaptiveBit> contexts_;
  std::vector<RangeEncoder::Mark> marks_;
};

// Gives some bits for any bytes, and never an error. The bytes must live as long as the decoder.
class BinaryDecoder {
 public:
  BinaryDecoder(std::span<const uint8_t> stream, int64_t contexts);

  int64_t contexts() const { return static_cast<int64_t>(contexts_.size()); }

  void decode(std::span<const int32_t> contexts, std::span<uint8_t> bits);
  void decode_raw(int bits, std::span<uint32_t> values);

  // See RangeDecoder.
  bool at_end() const { return coder_.at_end(); }
  bool is_certain() const { return coder_.is_certain(); }

 private:
  RangeDecoder coder_;
  std::vector<AdaptiveBit> contexts_;
};

}  // namespace imgcomp::codec

// How a number that its table does not have follows the escape, as raw bits: on which side of the
// table it lies, then its distance from it in Elias' gamma code.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "imgcomp/error.h"

namespace imgcomp::codec {

// The fields in the order of decoding. At most the side, 32 zeros, a one, two halves of the rest.
class EscapeFields {
 public:
  struct Field {
    uint16_t value;
    uint8_t bits;
  };

  EscapeFields(int32_t symbol, int32_t smallest, uint32_t size) {
    const int64_t above = int64_t{symbol} - smallest - size;
    const bool below = symbol < smallest;
    const uint64_t number =
        1 + static_cast<uint64_t>(below ? int64_t{smallest} - 1 - symbol : above);
    const int zeros = std::bit_width(number) - 1;
    add(below ? 1 : 0, 1);
    for (int i = 0; i < zeros; ++i) {
      add(0, 1);
    }
    if (zeros < 32) {
      add(1, 1);
    }
    if (zeros > 16) {
      add((number >> 16) & ((uint64_t{1} << (zeros - 16)) - 1), zeros - 16);
    }
    if (zeros > 0) {
      const int low = zeros < 16 ? zeros : 16;
      add(number & ((uint64_t{1} << low) - 1), low);
    }
  }

  const Field* begin() const { return fields_.data(); }
  const Field* end() const { return fields_.data() + count_; }
  int bits() const {
    int sum = 0;
    for (const Field& field : *this) {
      sum += field.bits;
    }
    return sum;
  }

 private:
  void add(uint64_t value, int bits) {
    fields_[count_++] = {static_cast<uint16_t>(value), static_cast<uint8_t>(bits)};
  }

  std::array<Field, 36> fields_;
  size_t count_ = 0;
};

// Reads such a number; raw(bits) gives the next bits. CorruptStreamError where it would have more
// than 32 bits.
template <class Raw>
int32_t read_escape(Raw&& raw, int32_t smallest, uint32_t size) {
  const bool below = raw(1) != 0;
  int zeros = 0;
  while (zeros < 32 && raw(1) == 0) {
    ++zeros;
  }
  int64_t number = 1;
  if (zeros > 16) {
    number = (number << (zeros - 16)) | raw(zeros - 16);
  }
  if (zeros > 0) {
    const int low = zeros < 16 ? zeros : 16;
    number = (number << low) | raw(low);
  }
  const int64_t symbol = below ? smallest - number : int64_t{smallest} + size - 1 + number;
  if (symbol != static_cast<int32_t>(symbol)) {
    throw CorruptStreamError(concat("a symbol must fit into 32 bits, but one is ", symbol));
  }
  return static_cast<int32_t>(symbol);
}

}  // namespace imgcomp::codec

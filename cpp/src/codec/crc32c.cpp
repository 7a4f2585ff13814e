#include "imgcomp/codec/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace imgcomp::codec {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // reflected
constexpr size_t kSlices = 8;

// kTables[s][b]: what byte b does to the sum, s bytes before the last of a group.
constexpr auto kTables = [] {
  std::array<std::array<uint32_t, 256>, kSlices> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) {
      sum = (sum >> 1) ^ ((sum & 1) != 0 ? kPolynomial : 0);
    }
    tables[0][byte] = sum;
  }
  for (size_t slice = 1; slice < kSlices; ++slice) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_sse(std::span<const uint8_t> bytes,
                                                      uint32_t before) {
  uint64_t sum = ~before;
  const uint8_t* next = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, next += 8) {
    uint64_t eight = 0;
    std::memcpy(&eight, next, 8);
    sum = _mm_crc32_u64(sum, eight);
  }
  auto result = static_cast<uint32_t>(sum);
  for (; left > 0; --left, ++next) {
    result = _mm_crc32_u8(result, *next);
  }
  return ~result;
}
#endif

}  // namespace

uint32_t crc32c_portable(std::span<const uint8_t> bytes, uint32_t before) {
  uint32_t sum = ~before;
  const uint8_t* next = bytes.data();
  size_t left = bytes.size();
  for (; left >= kSlices; left -= kSlices, next += kSlices) {
    uint32_t group = 0;
    for (size_t i = 0; i < kSlices; ++i) {
      const uint32_t byte = next[i] ^ (i < 4 ? (sum >> (8 * i)) & 0xFF : 0);
      group ^= kTables[kSlices - 1 - i][byte];
    }
    sum = group;
  }
  for (; left > 0; --left, ++next) {
    sum = (sum >> 8) ^ kTables[0][(sum ^ *next) & 0xFF];
  }
  return ~sum;
}

uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t before) {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("sse4.2");
  if (has) {
    return crc32c_sse(bytes, before);
  }
#endif
  return crc32c_portable(bytes, before);
}

}  // namespace imgcomp::codec

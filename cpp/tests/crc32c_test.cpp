#include "imgcomp/codec/crc32c.h"

#include <doctest/doctest.h>

#include <numeric>
#include <string_view>
#include <vector>

using namespace imgcomp::codec;

TEST_CASE("crc32c of published examples") {
  // RFC 3720, B.4, and the usual check value.
  std::vector<uint8_t> rising(32), falling(32);
  std::iota(rising.begin(), rising.end(), uint8_t{0});
  std::iota(falling.rbegin(), falling.rend(), uint8_t{0});
  const std::string_view digits = "123456789";
  for (const auto sum : {&crc32c, &crc32c_portable}) {
    CHECK(sum(std::vector<uint8_t>(digits.begin(), digits.end()), 0) == 0xE3069283);
    CHECK(sum(std::vector<uint8_t>(32, 0), 0) == 0x8A9136AA);
    CHECK(sum(std::vector<uint8_t>(32, 0xFF), 0) == 0x62A8AB43);
    CHECK(sum(rising, 0) == 0x46DD794E);
    CHECK(sum(falling, 0) == 0x113FDB5C);
    CHECK(sum({}, 0) == 0);
  }
}

TEST_CASE("crc32c goes on, and is the same by instruction and by tables") {
  std::vector<uint8_t> bytes(1000);
  uint32_t random = 1;
  for (uint8_t& byte : bytes) {
    random = random * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(random >> 24);
  }
  const std::span<const uint8_t> all(bytes);
  const uint32_t whole = crc32c(all);
  for (size_t cut = 0; cut <= bytes.size(); cut += 37) {
    CHECK(crc32c(all.subspan(cut), crc32c(all.first(cut))) == whole);
    CHECK(crc32c_portable(all.subspan(cut), crc32c_portable(all.first(cut))) == whole);
    CHECK(crc32c(all.subspan(cut)) == crc32c_portable(all.subspan(cut)));
  }
}

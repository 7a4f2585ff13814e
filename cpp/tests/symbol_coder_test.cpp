#include "imgcomp/codec/symbol_coder.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>

#include "codec/lanes/lanes.h"
#include "imgcomp/error.h"

using namespace imgcomp;
using namespace imgcomp::codec;

namespace {

using Bytes = std::vector<uint8_t>;
using Symbols = std::vector<int32_t>;

constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
constexpr int32_t kMax = std::numeric_limits<int32_t>::max();

FrequencyTables uniform(int precision, int bits) {
  return FrequencyTables(
      {{0, std::vector<uint32_t>(size_t{1} << bits, 1U << (precision - bits)), 0}}, precision);
}

// Tables of several widths, each with an escape.
FrequencyTables laplacian(int count, int precision) {
  std::vector<FrequencyTable> tables;
  for (int i = 0; i < count; ++i) {
    std::vector<int64_t> counts;
    for (int s = -3 - i; s <= 3 + i; ++s) {
      counts.push_back(1 +
                       static_cast<int64_t>(1000000 * std::exp(-std::abs(s) / (0.3 + 0.4 * i))));
    }
    tables.push_back(fit_table(counts, -3 - i, 50, precision));
  }
  return FrequencyTables(std::move(tables), precision);
}

// Symbols as likely as their tables have it; the escape gives an outlier.
Symbols draw(const FrequencyTables& tables, const TablePattern& pattern, size_t count,
             uint64_t first = 0) {
  std::mt19937 random(static_cast<uint32_t>(count));
  Symbols symbols;
  for (size_t i = 0; i < count; ++i) {
    const FrequencyTable& table = tables.tables()[pattern[first + i]];
    uint32_t slot = static_cast<uint32_t>(random()) >> (32 - tables.precision());
    size_t place = 0;
    while (place < table.frequencies.size() && slot >= table.frequencies[place]) {
      slot -= table.frequencies[place++];
    }
    symbols.push_back(table.smallest + static_cast<int32_t>(place));
    if (place == table.frequencies.size()) {
      const auto distance = static_cast<int32_t>(random() % 1000);
      symbols.back() =
          random() % 2 == 0 ? symbols.back() + distance : table.smallest - 1 - distance;
    }
  }
  return symbols;
}

TablePattern pattern_of(const FrequencyTables& tables, std::vector<int32_t> pattern) {
  return TablePattern(pattern, tables.size());
}

Symbols decoded(const FrequencyTables& tables, const TablePattern& pattern, const Bytes& stream,
                size_t count, uint64_t first = 0) {
  Symbols symbols(count, -77);
  decode(tables, pattern, stream, symbols, first);
  return symbols;
}

std::vector<const lanes::Kernels*> all_kernels() {
  std::vector<const lanes::Kernels*> kernels{nullptr};
  for (const lanes::Kernels* each : {lanes::avx2_kernels(), lanes::avx512_kernels()}) {
    if (each != nullptr) {
      kernels.push_back(each);
    }
  }
  return kernels;
}

}  // namespace

TEST_CASE("streams by hand") {
  const FrequencyTables nibbles = uniform(12, 4);
  const TablePattern only = pattern_of(nibbles, {0});
  // Nothing but the digits, and no zeros at the end.
  CHECK(encode(nibbles, only, Symbols{1, 2, 3, 4}) == Bytes{0x12, 0x34});
  CHECK(encode(nibbles, only, Symbols{15, 0, 0, 0, 0}) == Bytes{0xF0});
  CHECK(encode(nibbles, only, Symbols{0, 0, 0}).empty());
  CHECK(encode(nibbles, only, Symbols{}).empty());
  CHECK(decoded(nibbles, only, {0x12, 0x34}, 5) == Symbols{1, 2, 3, 4, 0});
  CHECK_THROWS_AS(encode(nibbles, only, Symbols{16}), CodecError);
  CHECK_THROWS_AS(encode(nibbles, only, Symbols{-1}), CodecError);

  const FrequencyTables with_escape({{10, {1, 1}, 2}}, 2);
  const TablePattern one = pattern_of(with_escape, {0});
  CHECK(encode(with_escape, one, Symbols{10, 11, 10, 11}) == Bytes{0x11});
  // The escape is the upper half; then the side, and the distance plus one as 1, 010, 011, …
  CHECK(encode(with_escape, one, Symbols{12}) == Bytes{0b1'0'1'00000});
  CHECK(encode(with_escape, one, Symbols{9}) == Bytes{0b1'1'1'00000});
  CHECK(encode(with_escape, one, Symbols{7}) == Bytes{0b1'1'011'000});
}

TEST_CASE("a payload of 16 bytes stays one") {
  for (const int bits : {1, 2, 4, 8}) {
    const FrequencyTables tables = uniform(14, bits);
    const TablePattern only = pattern_of(tables, {0});
    for (uint32_t seed = 0; seed < 40; ++seed) {
      std::mt19937 random(seed);
      Symbols symbols(static_cast<size_t>(128 / bits));
      for (int32_t& symbol : symbols) {
        symbol = static_cast<int32_t>(random() >> (32 - bits));
      }
      const Bytes stream = encode(tables, only, symbols);
      CHECK(stream.size() <= 16);
      CHECK(decoded(tables, only, stream, symbols.size()) == symbols);
    }
  }
}

TEST_CASE("any number comes back through the escape") {
  const FrequencyTables tables({{-2, {5, 6, 4}, 1}, {kMax - 1, {15}, 1}, {kMin, {3, 12}, 1}}, 4);
  const TablePattern pattern = pattern_of(tables, {0, 1, 2, 0, 2});
  const Symbols symbols{kMin,  kMin,   kMin,  kMax, kMax,     kMax, kMax,     0,    1,    -3,
                        65536, -65536, 65533, 2,    kMin + 1, kMin, kMax - 1, kMax, kMax, 131071};
  const Bytes stream = encode(tables, pattern, symbols, 3);
  CHECK(decoded(tables, pattern, stream, symbols.size(), 3) == symbols);
  for (const int lanes : {lanes::kNarrow, lanes::kWide}) {
    const Bytes words = lanes::encode(tables.coding(), pattern, symbols, 3, lanes, 9);
    Symbols found(symbols.size());
    lanes::decode(tables.coding(), pattern, std::span(words).subspan(1), found, 3, lanes);
    CHECK(found == symbols);
  }
}

TEST_CASE("every instruction set gives the same bytes and the same symbols") {
  for (const int precision : {8, 12, 14}) {
    const FrequencyTables tables = laplacian(7, precision);
    std::vector<std::vector<int32_t>> patterns{{3}, {0, 1, 2, 3, 4, 5, 6}, {}};
    for (int i = 0; i < 5000; ++i) {
      patterns.back().push_back(i * i % 7);
    }
    for (const std::vector<int32_t>& tables_of_symbols : patterns) {
      const TablePattern pattern = pattern_of(tables, tables_of_symbols);
      for (const size_t count : {0, 1, 31, 32, 33, 4096, 20011}) {
        const Symbols symbols = draw(tables, pattern, count, 5);
        const Bytes expected =
            lanes::encode(tables.coding(), pattern, symbols, 5, lanes::kWide, 0, nullptr);
        for (const lanes::Kernels* kernels : all_kernels()) {
          CHECK(lanes::encode(tables.coding(), pattern, symbols, 5, lanes::kWide, 9, kernels) ==
                expected);
          Symbols found(count);
          lanes::decode(tables.coding(), pattern, std::span(expected).subspan(1), found, 5,
                        lanes::kWide, kernels);
          CHECK(found == symbols);
        }
      }
    }
  }
}

TEST_CASE("lanes without escapes, and a table of one symbol") {
  std::vector<FrequencyTable> list{{4, {1U << 14}, 0}, {-8, std::vector<uint32_t>(1U << 14, 1), 0}};
  const FrequencyTables tables(list, 14);
  for (const TablePattern& pattern :
       {pattern_of(tables, {0}), pattern_of(tables, {1}), pattern_of(tables, {0, 1, 1})}) {
    const Symbols symbols = draw(tables, pattern, 5000);
    const Bytes expected =
        lanes::encode(tables.coding(), pattern, symbols, 0, lanes::kWide, 0, nullptr);
    for (const lanes::Kernels* kernels : all_kernels()) {
      CHECK(lanes::encode(tables.coding(), pattern, symbols, 0, lanes::kWide, 9, kernels) ==
            expected);
      Symbols found(symbols.size());
      lanes::decode(tables.coding(), pattern, std::span(expected).subspan(1), found, 0,
                    lanes::kWide, kernels);
      CHECK(found == symbols);
    }
  }
}

TEST_CASE("the length is the information and little more, at every size") {
  for (const int precision : {10, 14}) {
    const FrequencyTables tables = laplacian(9, precision);
    for (const std::vector<int32_t>& list : {std::vector<int32_t>{0}, {8}, {0, 3, 8}}) {
      const TablePattern pattern = pattern_of(tables, list);
      for (size_t count = 0; count < 600000; count = count * 3 / 2 + 1) {
        const Symbols symbols = draw(tables, pattern, count);
        const double bytes = information(tables, pattern, symbols) / 8;
        const Bytes stream = encode(tables, pattern, symbols);
        CHECK(static_cast<double>(stream.size()) <= bytes * 1.001 + 4);
        CHECK(static_cast<double>(stream.size()) >= bytes * 0.999 - 1);
        CHECK(decoded(tables, pattern, stream, count) == symbols);
      }
    }
  }
}

TEST_CASE("fewer lanes where the symbols take less than expected") {
  const FrequencyTables tables = laplacian(9, 14);
  const TablePattern pattern = pattern_of(tables, {8});
  for (const size_t count : {100000, 400000}) {
    const Symbols symbols(count, 0);  // the likeliest alone
    const double bytes = information(tables, pattern, symbols) / 8;
    const Bytes stream = encode(tables, pattern, symbols);
    CHECK(static_cast<double>(stream.size()) <= bytes * 1.001 + 4);
    CHECK(decoded(tables, pattern, stream, count) == symbols);
  }
}

TEST_CASE("several streams at once are those of each") {
  const FrequencyTables tables = laplacian(5, 12);
  const TablePattern pattern = pattern_of(tables, {0, 1, 2, 3, 4, 2});
  for (const size_t length : {0, 1, 700, 60000}) {
    for (const size_t count : {1, 2, 5}) {
      const Symbols symbols = draw(tables, pattern, count * length, 4);
      const std::span<const int32_t> all(symbols);
      std::vector<Bytes> streams;
      for (size_t i = 0; i < count; ++i) {
        streams.push_back(encode(tables, pattern, all.subspan(i * length, length), 4 + i * length));
      }
      const std::vector<std::span<const uint8_t>> views(streams.begin(), streams.end());
      Symbols found(symbols.size());
      decode_several(tables, pattern, views, found, length, 4);
      CHECK(found == symbols);
    }
  }
}

TEST_CASE("altered streams give symbols or CorruptStreamError, and nothing beside their place") {
  const FrequencyTables tables = laplacian(5, 12);
  const TablePattern pattern = pattern_of(tables, {0, 1, 2, 3, 4});
  std::mt19937 random(3);
  for (const size_t count : {3, 50, 30000, 200000}) {
    const Symbols symbols = draw(tables, pattern, count);
    const Bytes stream = encode(tables, pattern, symbols);
    for (int round = 0; round < 60; ++round) {
      Bytes altered = stream;
      if (round % 3 == 0) {
        altered.resize(random() % (stream.size() + 1));
      } else if (round % 3 == 1) {
        altered[random() % altered.size()] ^= static_cast<uint8_t>(1U << (random() % 8));
      } else {
        altered.push_back(static_cast<uint8_t>(random() % 256));
      }
      Symbols found(count + 2, -77);
      try {
        decode(tables, pattern, altered, std::span(found).first(count));
      } catch (const CorruptStreamError&) {
      }
      CHECK(found[count] == -77);
      CHECK(found[count + 1] == -77);
    }
  }
  Symbols none;
  CHECK_THROWS_AS(decode(tables, pattern, Bytes{1}, none), CorruptStreamError);
  CHECK_THROWS_AS(decode(tables, pattern, Bytes{0}, none), CorruptStreamError);
  CHECK_THROWS_AS(decode(tables, pattern, Bytes(20000, 7), none), CorruptStreamError);
}

TEST_CASE("patterns that do not fit") {
  CHECK_THROWS_AS(TablePattern(std::vector<int32_t>{}, 3), UsageError);
  CHECK_THROWS_AS(TablePattern(std::vector<int32_t>{0, 3}, 3), UsageError);
  CHECK_THROWS_AS(TablePattern(std::vector<int32_t>{-1}, 3), UsageError);
  const FrequencyTables tables = laplacian(2, 12);
  CHECK_THROWS_AS(encode(tables, TablePattern(std::vector<int32_t>{2}, 3), Symbols{0}), UsageError);
}

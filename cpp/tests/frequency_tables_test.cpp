#include "imgcomp/codec/frequency_tables.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "imgcomp/error.h"

using namespace imgcomp;
using namespace imgcomp::codec;

namespace {

double bits(const std::vector<int64_t>& counts, const std::vector<uint32_t>& frequencies) {
  double sum = 0.0;
  for (size_t i = 0; i < counts.size(); ++i) {
    sum -= static_cast<double>(counts[i]) * std::log2(frequencies[i]);
  }
  return sum;
}

// The fewest bits of all ways to share `left` units among the counts from `next` on.
double fewest_bits(const std::vector<int64_t>& counts, std::vector<uint32_t>& frequencies,
                   size_t next, uint32_t left) {
  if (next + 1 == counts.size()) {
    frequencies[next] = left;
    return bits(counts, frequencies);
  }
  double best = 1e300;
  for (uint32_t f = 1; f + (counts.size() - next - 1) <= left; ++f) {
    frequencies[next] = f;
    best = std::min(best, fewest_bits(counts, frequencies, next + 1, left - f));
  }
  return best;
}

}  // namespace

TEST_CASE("frequencies by hand") {
  using Frequencies = std::vector<uint32_t>;
  const auto fitted = [](std::vector<int64_t> counts, int precision) {
    return fit_frequencies(counts, precision);
  };
  CHECK(fitted({1, 1}, 1) == Frequencies{1, 1});
  CHECK(fitted({7}, 3) == Frequencies{8});
  CHECK(fitted({0, 0, 0, 0}, 4) == Frequencies{4, 4, 4, 4});
  CHECK(fitted({3, 1}, 2) == Frequencies{3, 1});
  CHECK(fitted({1000, 0, 0}, 4) == Frequencies{14, 1, 1});
  CHECK(fitted({1, 1, 1}, 2) == Frequencies{2, 1, 1});
  CHECK(fitted({int64_t{1} << 40, 1}, 14) == Frequencies{16383, 1});
  CHECK_THROWS_AS(fitted({}, 4), UsageError);
  CHECK_THROWS_AS(fitted({1, 1, 1}, 1), UsageError);
  CHECK_THROWS_AS(fitted({-1, 1}, 4), UsageError);
  CHECK_THROWS_AS(fitted({1, 1}, 15), UsageError);
}

TEST_CASE("no other frequencies cost fewer bits") {
  uint64_t random = 1;
  for (int round = 0; round < 60; ++round) {
    std::vector<int64_t> counts(4);
    for (int64_t& count : counts) {
      random = random * 6364136223846793005ULL + 1442695040888963407ULL;
      count = static_cast<int64_t>((random >> 40) % (round % 2 == 0 ? 30 : 4000));
    }
    counts[0] += 1;
    const std::vector<uint32_t> found = fit_frequencies(counts, 5);
    CHECK(std::accumulate(found.begin(), found.end(), 0U) == 32);
    std::vector<uint32_t> other(4);
    CHECK(bits(counts, found) <= fewest_bits(counts, other, 0, 32) + 1e-6);
  }
}

TEST_CASE("integer_log2") {
  CHECK(integer_log2(1, 8) == 0);
  CHECK(integer_log2(2, 8) == 256);
  CHECK(integer_log2(3, 8) == 405);  // 1.58496 · 256 = 405.75
  CHECK(integer_log2(16383, 0) == 13);
  CHECK(integer_log2(uint64_t{1} << 63, 4) == 63 * 16);
}

TEST_CASE("tables in coding form") {
  const FrequencyTables tables({{-1, {4, 2, 1}, 1}, {5, {8}, 0}}, 3);
  const CodingTables& coding = tables.coding();
  const uint32_t escape = CodingTables::kEscapeFlag;
  CHECK(coding.entries == std::vector<uint32_t>{4 << 16, (2 << 16) | 4, (1 << 16) | 6,
                                                escape | (1 << 16) | 7, 8 << 16, escape | 8});
  CHECK(coding.reciprocals == std::vector<uint32_t>{1U << 30, 1U << 31, ~0U, ~0U, 1U << 29, ~0U});
  CHECK(coding.slots == std::vector<uint16_t>{0, 0, 0, 0, 1, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  CHECK(coding.first_entry == std::vector<uint32_t>{0, 4});
  CHECK(coding.sizes == std::vector<uint32_t>{3, 1});
  CHECK(coding.mean_bits == std::vector<uint32_t>{448, 0});  // 1.75 bits
  CHECK(tables.size() == 2);
  CHECK(tables.precision() == 3);
}

TEST_CASE("tables that do not fit") {
  using Tables = std::vector<FrequencyTable>;
  const auto refused = [](const Tables& tables, int precision) {
    CHECK_THROWS_AS(FrequencyTables(tables, precision), UsageError);
  };
  refused({}, 3);
  refused({{0, {}, 8}}, 3);
  refused({{0, {8, 0}, 0}}, 3);
  refused({{0, {4, 3}, 0}}, 3);
  refused({{0, {4, 4}, 1}}, 3);
  refused({{0, {0xFFFFFFFF, 9}, 0}}, 3);
  refused({{0, {1}, 0}}, 0);
  refused({{0, {32768}, 0}}, 15);
  refused({{2147483647, {4, 4}, 0}}, 3);
  CHECK_NOTHROW(FrequencyTables({{2147483646, {4, 4}, 0}}, 3));
}

TEST_CASE("a fitted table with an escape") {
  const std::vector<int64_t> counts{6, 1};
  const FrequencyTable with = fit_table(counts, -3, 1, 3);
  CHECK(with.smallest == -3);
  CHECK(with.frequencies == std::vector<uint32_t>{6, 1});
  CHECK(with.escape == 1);
  const FrequencyTable without = fit_table(counts, -3, {}, 3);
  CHECK(without.frequencies == std::vector<uint32_t>{7, 1});
  CHECK(without.escape == 0);
}

#include "imgcomp/codec/frequency_tables.h"

#include <limits>
#include <utility>

#include "imgcomp/error.h"

namespace imgcomp::codec {
namespace {

void check_table(const FrequencyTable& table, size_t number, int precision) {
  const uint64_t total = uint64_t{1} << precision;
  if (table.frequencies.empty()) {
    throw UsageError(concat("table ", number, " has no symbols"));
  }
  uint64_t sum = table.escape;
  for (size_t i = 0; i < table.frequencies.size(); ++i) {
    if (table.frequencies[i] == 0 || table.frequencies[i] > total) {
      throw UsageError(concat("frequencies must lie in 1 … ", total, ", but that of symbol ", i,
                              " in table ", number, " is ", table.frequencies[i]));
    }
    sum += table.frequencies[i];
  }
  if (sum != total) {
    throw UsageError(concat("the frequencies of table ", number, " must sum up to ", total,
                            " with the escape, not to ", sum));
  }
  const int64_t largest = table.smallest + static_cast<int64_t>(table.frequencies.size()) - 1;
  if (largest > std::numeric_limits<int32_t>::max()) {
    throw UsageError(
        concat("the symbols of table ", number, " must fit into 32 bits, but reach ", largest));
  }
}

uint32_t reciprocal(uint32_t frequency) {
  if (frequency < 2) {
    return std::numeric_limits<uint32_t>::max();
  }
  return static_cast<uint32_t>((uint64_t{1} << 32) / frequency);
}

class Preparation {
 public:
  Preparation(CodingTables& coding) : coding_(coding) {}

  void add_table(const FrequencyTable& table) {
    coding_.first_entry.push_back(static_cast<uint32_t>(coding_.entries.size()));
    coding_.smallest.push_back(table.smallest);
    coding_.sizes.push_back(static_cast<uint32_t>(table.frequencies.size()));
    start_ = 0;
    place_ = 0;
    surprise_ = 0;
    for (const uint32_t frequency : table.frequencies) {
      add_entry(frequency, 0);
    }
    add_entry(table.escape, CodingTables::kEscapeFlag);
    coding_.mean_bits.push_back(static_cast<uint32_t>(surprise_ >> coding_.precision));
  }

 private:
  void add_entry(uint32_t frequency, uint32_t flag) {
    coding_.entries.push_back(flag | (frequency << 16) | start_);
    coding_.reciprocals.push_back(reciprocal(frequency));
    coding_.slots.insert(coding_.slots.end(), frequency, place_);
    if (frequency != 0) {
      const uint64_t whole = static_cast<uint64_t>(coding_.precision) << 8;
      surprise_ += frequency * (whole - integer_log2(frequency, 8));
    }
    start_ += frequency;
    ++place_;
  }

  CodingTables& coding_;
  uint32_t start_ = 0;
  uint16_t place_ = 0;
  uint64_t surprise_ = 0;
};

}  // namespace

FrequencyTables::FrequencyTables(std::vector<FrequencyTable> tables, int precision)
    : tables_(std::move(tables)) {
  if (precision < 1 || precision > kMaxPrecision) {
    throw UsageError(concat("precision must lie in 1 … ", kMaxPrecision, ", not ", precision));
  }
  if (tables_.empty() || size() > kMaxTables) {
    throw UsageError(concat("there must be 1 … ", kMaxTables, " tables, not ", size()));
  }
  coding_.precision = precision;
  coding_.slots.reserve((tables_.size() << precision) + 1);
  Preparation preparation(coding_);
  for (size_t i = 0; i < tables_.size(); ++i) {
    check_table(tables_[i], i, precision);
    preparation.add_table(tables_[i]);
  }
  coding_.slots.push_back(0);
  add_buckets();
}

void FrequencyTables::add_buckets() {
  // Half of a usual second-level cache.
  constexpr size_t kCached = size_t{1} << 19;
  const int bits = precision() - CodingTables::kBucketBits;
  if (bits <= 0 || coding_.slots.size() * sizeof(uint16_t) <= kCached) {
    return;
  }
  for (size_t slot = 0; slot + 1 < coding_.slots.size(); slot += size_t{1} << bits) {
    coding_.buckets.push_back(coding_.slots[slot]);
  }
}

}  // namespace imgcomp::codec

// Static probabilities of whole-numbered symbols, as integers: what a stream means never depends on
// floating-point arithmetic.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace imgcomp::codec {

// One distribution over the symbols smallest, smallest + 1, … and the escape, which stands for all
// other int32 numbers.
struct FrequencyTable {
  int32_t smallest = 0;
  std::vector<uint32_t> frequencies;  // one for each symbol, each at least 1
  uint32_t escape = 0;                // 0: other numbers cannot be coded
};

// The tables in the form that the coders read, one after the other. An entry is a symbol or the
// escape of one table.
struct CodingTables {
  static constexpr uint32_t kEscapeFlag = uint32_t{1} << 31;
  static constexpr int kBucketBits = 7;

  int precision = 0;
  std::vector<uint32_t> entries;      // escape flag, frequency (bits 16 … 30), start (bits 0 … 15)
  std::vector<uint32_t> reciprocals;  // of an entry's frequency: ⌊2³² / f⌋, at most 2³² − 1
  std::vector<uint16_t> slots;        // slot s of table t: its entry's place in the table, at
                                      // t · 2^precision + s; one more, for loads of 32 bits
  std::vector<uint16_t> buckets;      // the first entry of each 2^(precision − kBucketBits) slots
                                      // of a table, of many tables; empty where the slots fit the
                                      // caches
  std::vector<uint32_t> first_entry;  // for each table
  std::vector<int32_t> smallest;
  std::vector<uint32_t> sizes;      // symbols without the escape, whose entry follows them
  std::vector<uint32_t> mean_bits;  // entropy of the table, in 1/256 bit, by integer arithmetic
};

// An immutable set of tables that sum up to 2^precision each. Prepared once, then shared by any
// number of threads.
class FrequencyTables {
 public:
  // Above, a 32-bit state would lose more than 0.03 % of a stream's length.
  static constexpr int kMaxPrecision = 14;
  static constexpr int64_t kMaxTables = 65536;

  // Checks every table: UsageError where a sum or a frequency does not fit.
  FrequencyTables(std::vector<FrequencyTable> tables, int precision);

  int precision() const { return coding_.precision; }
  int64_t size() const { return static_cast<int64_t>(tables_.size()); }
  const std::vector<FrequencyTable>& tables() const { return tables_; }
  const CodingTables& coding() const { return coding_; }

 private:
  void add_buckets();

  std::vector<FrequencyTable> tables_;
  CodingTables coding_;
};

// The frequencies f ≥ 1 of sum 2^precision for which Σ counts · log2(1 / f) is smallest, found by
// integer arithmetic alone; all-zero counts give a uniform table. A gain in bits is taken as
// counts · (l(f + 1) − l(f)), with l the logarithm to 32 binary places, cut off; between equal
// gains the lower index wins. At least one count, at most 2^precision, each in 0 … 2^40.
std::vector<uint32_t> fit_frequencies(std::span<const int64_t> counts, int precision);

// A table of symbols from `smallest` on, fitted to counts. `escape` is how often the escape
// occurred; without a value the table has none.
FrequencyTable fit_table(std::span<const int64_t> counts, int32_t smallest,
                         std::optional<int64_t> escape, int precision);

// log2(value) in units of 2^−places, cut off; value at least 1, places at most 32.
uint64_t integer_log2(uint64_t value, int places);

}  // namespace imgcomp::codec

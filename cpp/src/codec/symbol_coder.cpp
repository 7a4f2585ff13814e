#include "imgcomp/codec/symbol_coder.h"

#include <algorithm>
#include <cmath>

#include "codec/entry.h"
#include "codec/escape.h"
#include "codec/lanes/lanes.h"
#include "codec/short_stream.h"
#include "imgcomp/error.h"

namespace imgcomp::codec {
namespace {

// A lane costs up to 4 bytes; with so many bytes for each that is less than 0.1 %.
constexpr size_t kBytesPerLane = 4096;
// Streams of at least so many bytes begin with a byte that says how many lanes they have.
constexpr size_t kLongStream = lanes::kNarrow * kBytesPerLane;

// Tables must repeat for at least so many symbols, so that loops along them are long.
constexpr size_t kLeastPeriod = 4096;

// About how many bytes the symbols will take, by the entropy of their tables, some of which are
// looked at. It only decides which number of lanes is tried first.
size_t expected_bytes(const CodingTables& coding, const TablePattern& pattern, size_t symbols) {
  if (pattern.only() >= 0) {
    return symbols * coding.mean_bits[static_cast<size_t>(pattern.only())] / (256 * 8);
  }
  constexpr size_t kLooks = 256;
  uint64_t bits = 0;
  for (size_t i = 0; i < kLooks; ++i) {
    bits += coding.mean_bits[pattern[i * pattern.period() / kLooks]];
  }
  return symbols * bits / (256 * 8 * kLooks);
}

int lanes_for(size_t bytes) {
  for (const int lanes : {lanes::kWide, lanes::kNarrow}) {
    if (bytes >= kBytesPerLane * static_cast<size_t>(lanes)) {
      return lanes;
    }
  }
  return 1;
}

}  // namespace

void check_pattern(const FrequencyTables& tables, const TablePattern& pattern) {
  if (pattern.tables() > tables.size()) {
    throw UsageError(
        concat("the pattern is for ", pattern.tables(), " tables, there are ", tables.size()));
  }
}

TablePattern::TablePattern(std::span<const int32_t> pattern, int64_t tables) : tables_(tables) {
  if (pattern.empty()) {
    throw UsageError("a pattern of tables must not be empty");
  }
  bool all_equal = true;
  for (const int32_t table : pattern) {
    if (table < 0 || table >= tables) {
      throw UsageError(concat("tables must lie in 0 … ", tables - 1, ", got ", table));
    }
    all_equal = all_equal && table == pattern.front();
  }
  if (all_equal) {
    only_ = pattern.front();
    return;
  }
  const size_t times = (kLeastPeriod + pattern.size() - 1) / pattern.size();
  period_ = pattern.size() * times;
  repeated_.resize(period_ + lanes::kWide);
  for (size_t begin = 0; begin < repeated_.size(); begin += pattern.size()) {
    const size_t count = std::min(pattern.size(), repeated_.size() - begin);
    std::transform(pattern.begin(), pattern.begin() + static_cast<ptrdiff_t>(count),
                   repeated_.begin() + static_cast<ptrdiff_t>(begin),
                   [](int32_t table) { return static_cast<uint16_t>(table); });
  }
}

std::vector<uint8_t> encode(const FrequencyTables& tables, const TablePattern& pattern,
                            std::span<const int32_t> symbols, uint64_t first) {
  check_pattern(tables, pattern);
  const CodingTables& coding = tables.coding();
  const size_t expected = expected_bytes(coding, pattern, symbols.size());
  int lanes = lanes_for(expected);
  // Where the symbols take much less than expected, there were too many lanes.
  while (lanes > 1) {
    std::vector<uint8_t> stream = lanes::encode(coding, pattern, symbols, first, lanes, expected);
    const int fitting = lanes_for(stream.size());
    if (fitting >= lanes) {
      return stream;
    }
    lanes = fitting;
  }
  std::vector<uint8_t> stream = encode_short(coding, pattern, symbols, first);
  if (stream.size() >= kLongStream) {
    stream.insert(stream.begin(), 1);
  }
  return stream;
}

void decode(const FrequencyTables& tables, const TablePattern& pattern,
            std::span<const uint8_t> stream, std::span<int32_t> symbols, uint64_t first) {
  check_pattern(tables, pattern);
  const CodingTables& coding = tables.coding();
  if (stream.size() < kLongStream) {
    decode_short(coding, pattern, stream, symbols, first);
    return;
  }
  const int lanes = stream.front();
  const std::span<const uint8_t> rest = stream.subspan(1);
  if (lanes == 1) {
    decode_short(coding, pattern, rest, symbols, first);
  } else if (lanes == lanes::kNarrow || lanes == lanes::kWide) {
    lanes::decode(coding, pattern, rest, symbols, first, lanes);
  } else {
    throw CorruptStreamError(
        concat("a stream has 1, ", lanes::kNarrow, " or ", lanes::kWide, " lanes, not ", lanes));
  }
}

void decode_several(const FrequencyTables& tables, const TablePattern& pattern,
                    std::span<const std::span<const uint8_t>> streams, std::span<int32_t> symbols,
                    size_t length, uint64_t first) {
  check_pattern(tables, pattern);
  for (size_t i = 0; i < streams.size(); ++i) {
    const uint64_t here = first + i * length;
    if (i + 1 < streams.size() && streams[i].size() < kLongStream &&
        streams[i + 1].size() < kLongStream) {
      decode_short_pair(tables.coding(), pattern, streams.subspan(i).first<2>(),
                        symbols.subspan(i * length, 2 * length), here);
      ++i;
    } else {
      decode(tables, pattern, streams[i], symbols.subspan(i * length, length), here);
    }
  }
}

double information(const FrequencyTables& tables, const TablePattern& pattern,
                   std::span<const int32_t> symbols, uint64_t first) {
  check_pattern(tables, pattern);
  const CodingTables& coding = tables.coding();
  // By number of occurrences, so that a logarithm is taken for each entry and not each symbol.
  std::vector<uint64_t> occurrences(coding.entries.size());
  double bits = 0.0;
  for (size_t i = 0; i < symbols.size(); ++i) {
    const uint32_t table = pattern[first + i];
    const size_t number = entry_of(coding, table, symbols[i]);
    const Entry entry(coding.entries[number]);
    if (entry.is_escape) {
      if (entry.frequency == 0) {
        refuse_symbol(coding, table, symbols[i]);
      }
      bits += EscapeFields(symbols[i], coding.smallest[table], coding.sizes[table]).bits();
    }
    ++occurrences[number];
  }
  for (size_t i = 0; i < occurrences.size(); ++i) {
    if (occurrences[i] != 0) {
      bits += static_cast<double>(occurrences[i]) *
              (coding.precision - std::log2(Entry(coding.entries[i]).frequency));
    }
  }
  return bits;
}

void refuse_symbol(const CodingTables& coding, uint32_t table, int32_t symbol) {
  const int64_t smallest = coding.smallest[table];
  throw CodecError(concat("table ", table, " has the symbols ", smallest, " … ",
                          smallest + coding.sizes[table] - 1, " and no escape, and cannot code ",
                          symbol));
}

}  // namespace imgcomp::codec

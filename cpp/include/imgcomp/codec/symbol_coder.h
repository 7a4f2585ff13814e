// Streams of whole numbers under static tables; docs/bitstream.md specifies them.
//
// Short streams are written by a range coder, to the byte what they need; longer ones by rANS in 2
// or 32 interleaved lanes, these by vector instructions where the processor has them.
// The bytes are the same with any instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "imgcomp/codec/frequency_tables.h"

namespace imgcomp::codec {

// Which table each symbol of a stream goes by: a pattern that repeats.
class TablePattern {
 public:
  // Symbol i goes by table pattern[i % pattern.size()], each less than `tables`. The pattern is not
  // empty.
  TablePattern(std::span<const int32_t> pattern, int64_t tables);

  // The table of all symbols, or -1 where there are several.
  int64_t only() const { return only_; }
  int64_t tables() const { return tables_; }
  // After these many symbols the repeated pattern begins again; 0 where there is one table only.
  size_t period() const { return period_; }
  // The first `period` tables and some more, so that vectors can be loaded across the end.
  const uint16_t* data() const { return repeated_.data(); }
  uint32_t operator[](uint64_t symbol) const {
    return only_ >= 0 ? static_cast<uint32_t>(only_) : repeated_[symbol % period_];
  }

 private:
  int64_t only_ = -1, tables_ = 0;
  size_t period_ = 0;
  std::vector<uint16_t> repeated_;
};

// UsageError where the pattern has more tables than there are.
void check_pattern(const FrequencyTables& tables, const TablePattern& pattern);

// The stream of the symbols, of which the first is number `first` of the pattern. No symbols make
// an empty stream. CodecError where a table without an escape does not have a symbol.
std::vector<uint8_t> encode(const FrequencyTables& tables, const TablePattern& pattern,
                            std::span<const int32_t> symbols, uint64_t first = 0);

// Fills `symbols` from a stream of exactly as many. CorruptStreamError where it cannot be one; a
// stream carries no check of its own, so that altered bytes may also give other symbols.
void decode(const FrequencyTables& tables, const TablePattern& pattern,
            std::span<const uint8_t> stream, std::span<int32_t> symbols, uint64_t first = 0);

// The same for streams of `length` symbols each, one after the other in `symbols`; quicker than one
// at a time where they are short.
void decode_several(const FrequencyTables& tables, const TablePattern& pattern,
                    std::span<const std::span<const uint8_t>> streams, std::span<int32_t> symbols,
                    size_t length, uint64_t first = 0);

// The bits that the symbols cost under their tables, escapes included.
double information(const FrequencyTables& tables, const TablePattern& pattern,
                   std::span<const int32_t> symbols, uint64_t first = 0);

// Many streams of equally many symbols, one after the other in `symbols`; the first symbol of
// stream i is number i · symbols.size() / streams of the pattern. They are spread over ATen's
// threads, whose number changes nothing.
std::vector<std::vector<uint8_t>> encode_batch(const FrequencyTables& tables,
                                               const TablePattern& pattern,
                                               std::span<const int32_t> symbols, size_t streams);
void decode_batch(const FrequencyTables& tables, const TablePattern& pattern,
                  std::span<const std::span<const uint8_t>> streams, std::span<int32_t> symbols);

}  // namespace imgcomp::codec

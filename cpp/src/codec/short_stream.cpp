#include "codec/short_stream.h"

#include "codec/entry.h"
#include "codec/escape.h"
#include "imgcomp/codec/range_coder.h"
#include "imgcomp/error.h"

namespace imgcomp::codec {
namespace {

// Walks over the tables of consecutive symbols without a division for each.
class Tables {
 public:
  Tables(const TablePattern& pattern, uint64_t first)
      : only_(pattern.only() >= 0),
        table_(pattern[first]),
        begin_(pattern.data()),
        next_(only_ ? nullptr : begin_ + first % pattern.period()),
        end_(begin_ + pattern.period()) {}

  uint32_t next() {
    if (only_) {
      return table_;
    }
    const uint32_t table = *next_++;
    next_ = next_ == end_ ? begin_ : next_;
    return table;
  }

 private:
  bool only_;
  uint32_t table_;
  const uint16_t *begin_, *next_, *end_;
};

}  // namespace

std::vector<uint8_t> encode_short(const CodingTables& coding, const TablePattern& pattern,
                                  std::span<const int32_t> symbols, uint64_t first) {
  RangeEncoder encoder;
  Tables tables(pattern, first);
  for (const int32_t symbol : symbols) {
    const uint32_t table = tables.next();
    const Entry entry(coding.entries[entry_of(coding, table, symbol)]);
    if (entry.frequency == 0) {
      refuse_symbol(coding, table, symbol);
    }
    encoder.encode(entry.start, entry.frequency, coding.precision);
    if (entry.is_escape) {
      for (const auto& field : EscapeFields(symbol, coding.smallest[table], coding.sizes[table])) {
        encoder.encode(field.value, 1, field.bits);
      }
    }
  }
  return encoder.finish();
}

void decode_short(const CodingTables& coding, const TablePattern& pattern,
                  std::span<const uint8_t> stream, std::span<int32_t> symbols, uint64_t first) {
  RangeDecoder decoder(stream);
  Tables tables(pattern, first);
  const int precision = coding.precision;
  for (int32_t& symbol : symbols) {
    const uint32_t table = tables.next();
    const uint32_t slot = decoder.find(precision);
    const uint32_t place = coding.slots[(size_t{table} << precision) + slot];
    const Entry entry(coding.entries[size_t{coding.first_entry[table]} + place]);
    decoder.take(entry.start, entry.frequency);
    symbol = entry.is_escape
                 ? read_escape([&](int bits) { return decoder.raw(bits); }, coding.smallest[table],
                               coding.sizes[table])
                 : static_cast<int32_t>(static_cast<uint32_t>(coding.smallest[table]) + place);
  }
  if (!decoder.at_end()) {
    throw CorruptStreamError(
        concat("a stream of ", stream.size(), " bytes is not one of ", symbols.size(), " symbols"));
  }
}

}  // namespace imgcomp::codec

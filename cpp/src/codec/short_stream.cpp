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

// One stream that is being decoded.
class ShortDecoder {
 public:
  ShortDecoder(const CodingTables& coding, RangeDecoder& decoder)
      : coding_(coding), precision_(coding.precision), decoder_(decoder) {}

  int32_t next(uint32_t table) {
    const uint32_t slot = decoder_.find(precision_);
    const uint32_t place = place_of(coding_, table, slot);
    const Entry entry(coding_.entries[size_t{coding_.first_entry[table]} + place]);
    decoder_.take(entry.start, entry.frequency);
    if (entry.is_escape) [[unlikely]] {
      return read_escape([this](int bits) { return decoder_.raw(bits); }, coding_.smallest[table],
                         coding_.sizes[table]);
    }
    return static_cast<int32_t>(static_cast<uint32_t>(coding_.smallest[table]) + place);
  }

 private:
  const CodingTables& coding_;
  int precision_;
  RangeDecoder& decoder_;
};

}  // namespace

void check_end(const RangeDecoder& decoder, size_t bytes, uint64_t symbols) {
  if (!decoder.at_end()) {
    throw CorruptStreamError(
        concat("a stream of ", bytes, " bytes is not one of ", symbols, " symbols"));
  }
}

void decode_some(const CodingTables& coding, const TablePattern& pattern, RangeDecoder& decoder,
                 std::span<int32_t> symbols, uint64_t first) {
  RangeDecoder here = decoder;  // a copy stays in registers
  ShortDecoder symbol_decoder(coding, here);
  Tables tables(pattern, first);
  for (int32_t& symbol : symbols) {
    symbol = symbol_decoder.next(tables.next());
  }
  decoder = here;
}

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
  decode_some(coding, pattern, decoder, symbols, first);
  check_end(decoder, stream.size(), symbols.size());
}

void decode_short_pair(const CodingTables& coding, const TablePattern& pattern,
                       std::span<const std::span<const uint8_t>, 2> streams,
                       std::span<int32_t> symbols, uint64_t first) {
  const size_t length = symbols.size() / 2;
  RangeDecoder decoders[]{RangeDecoder(streams[0]), RangeDecoder(streams[1])};
  ShortDecoder one(coding, decoders[0]), other(coding, decoders[1]);
  Tables tables(pattern, first), other_tables(pattern, first + length);
  int32_t* const out = symbols.data();
  for (size_t i = 0; i < length; ++i) {
    const int32_t symbol = one.next(tables.next());
    out[length + i] = other.next(other_tables.next());
    out[i] = symbol;
  }
  check_end(decoders[0], streams[0].size(), length);
  check_end(decoders[1], streams[1].size(), length);
}

}  // namespace imgcomp::codec

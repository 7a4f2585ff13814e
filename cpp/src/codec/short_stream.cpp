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
  ShortDecoder(const CodingTables& coding, const TablePattern& pattern,
               std::span<const uint8_t> stream, uint64_t first)
      : coding_(coding), precision_(coding.precision), decoder_(stream), tables_(pattern, first) {}

  int32_t next() {
    const uint32_t table = tables_.next();
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

  void check_end(size_t bytes, size_t symbols) const {
    if (!decoder_.at_end()) {
      throw CorruptStreamError(
          concat("a stream of ", bytes, " bytes is not one of ", symbols, " symbols"));
    }
  }

 private:
  const CodingTables& coding_;
  int precision_;
  RangeDecoder decoder_;
  Tables tables_;
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
  ShortDecoder decoder(coding, pattern, stream, first);
  for (int32_t& symbol : symbols) {
    symbol = decoder.next();
  }
  decoder.check_end(stream.size(), symbols.size());
}

void decode_short_pair(const CodingTables& coding, const TablePattern& pattern,
                       std::span<const std::span<const uint8_t>, 2> streams,
                       std::span<int32_t> symbols, uint64_t first) {
  const size_t length = symbols.size() / 2;
  ShortDecoder one(coding, pattern, streams[0], first);
  ShortDecoder other(coding, pattern, streams[1], first + length);
  int32_t* const out = symbols.data();
  for (size_t i = 0; i < length; ++i) {
    const int32_t symbol = one.next();
    out[length + i] = other.next();
    out[i] = symbol;
  }
  one.check_end(streams[0].size(), length);
  other.check_end(streams[1].size(), length);
}

}  // namespace imgcomp::codec

// Batches of independent streams.
#include "codec/for_streams.h"
#include "imgcomp/codec/symbol_coder.h"

namespace imgcomp::codec {

std::vector<std::vector<uint8_t>> encode_batch(const FrequencyTables& tables,
                                               const TablePattern& pattern,
                                               std::span<const int32_t> symbols, size_t streams) {
  std::vector<std::vector<uint8_t>> result(streams);
  for_streams(streams, symbols.size(), [&](size_t begin, size_t count, size_t length) {
    for (size_t i = begin; i < begin + count; ++i) {
      result[i] = encode(tables, pattern, symbols.subspan(i * length, length), i * length);
    }
  });
  return result;
}

void decode_batch(const FrequencyTables& tables, const TablePattern& pattern,
                  std::span<const std::span<const uint8_t>> streams, std::span<int32_t> symbols) {
  for_streams(streams.size(), symbols.size(), [&](size_t begin, size_t count, size_t length) {
    decode_several(tables, pattern, streams.subspan(begin, count),
                   symbols.subspan(begin * length, count * length), length, begin * length);
  });
}

}  // namespace imgcomp::codec

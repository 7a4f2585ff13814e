// Streams of few bytes: one range coder, no header, a length to the byte.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "imgcomp/codec/range_coder.h"
#include "imgcomp/codec/symbol_coder.h"

namespace imgcomp::codec {

std::vector<uint8_t> encode_short(const CodingTables& coding, const TablePattern& pattern,
                                  std::span<const int32_t> symbols, uint64_t first);
void decode_short(const CodingTables& coding, const TablePattern& pattern,
                  std::span<const uint8_t> stream, std::span<int32_t> symbols, uint64_t first);

// Some symbols of a stream, going on where its decoder is.
void decode_some(const CodingTables& coding, const TablePattern& pattern, RangeDecoder& decoder,
                 std::span<int32_t> symbols, uint64_t first);
// CorruptStreamError unless the decoder has come to the end of its stream of these many bytes with
// these many symbols.
void check_end(const RangeDecoder& decoder, size_t bytes, uint64_t symbols);

// Two streams of equally many symbols at once, one after the other in `symbols`: a symbol must wait
// for the one before it, but not for those of another stream.
void decode_short_pair(const CodingTables& coding, const TablePattern& pattern,
                       std::span<const std::span<const uint8_t>, 2> streams,
                       std::span<int32_t> symbols, uint64_t first);

}  // namespace imgcomp::codec

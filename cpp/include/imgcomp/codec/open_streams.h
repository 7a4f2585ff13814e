// Short streams of symbols that are decoded in several goes, where what was decoded decides by
// which tables the next symbols go.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "imgcomp/codec/range_coder.h"
#include "imgcomp/codec/symbol_coder.h"

namespace imgcomp::codec {

class OpenStreams {
 public:
  // The bytes must live as long as the object.
  OpenStreams(std::shared_ptr<const FrequencyTables> tables,
              std::span<const std::span<const uint8_t>> streams);

  size_t size() const { return decoders_.size(); }

  // The next symbols, equally many of each stream, one stream after the other in `symbols` and in
  // the pattern. Gives some symbols for any bytes.
  void decode(const TablePattern& pattern, std::span<int32_t> symbols);

  // CorruptStreamError unless every stream is one of just the symbols that were decoded.
  void check_end() const;

 private:
  std::shared_ptr<const FrequencyTables> tables_;
  std::vector<RangeDecoder> decoders_;
  std::vector<size_t> bytes_;
  uint64_t decoded_ = 0;  // of each stream
};

}  // namespace imgcomp::codec

#include "imgcomp/codec/open_streams.h"

#include <utility>

#include "codec/for_streams.h"
#include "codec/short_stream.h"

namespace imgcomp::codec {

OpenStreams::OpenStreams(std::shared_ptr<const FrequencyTables> tables,
                         std::span<const std::span<const uint8_t>> streams)
    : tables_(std::move(tables)) {
  for (const std::span<const uint8_t>& stream : streams) {
    decoders_.emplace_back(stream);
    bytes_.push_back(stream.size());
  }
}

void OpenStreams::decode(const TablePattern& pattern, std::span<int32_t> symbols) {
  check_pattern(*tables_, pattern);
  for_streams(size(), symbols.size(), [&](size_t begin, size_t count, size_t length) {
    for (size_t i = begin; i < begin + count; ++i) {
      decode_some(tables_->coding(), pattern, decoders_[i], symbols.subspan(i * length, length),
                  i * length);
    }
  });
  decoded_ += size() == 0 ? 0 : symbols.size() / size();
}

void OpenStreams::check_end() const {
  for (size_t i = 0; i < size(); ++i) {
    codec::check_end(decoders_[i], bytes_[i], decoded_);
  }
}

}  // namespace imgcomp::codec

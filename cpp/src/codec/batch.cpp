// Independent streams over ATen's threads.
#include <ATen/Parallel.h>

#include "imgcomp/codec/symbol_coder.h"
#include "imgcomp/error.h"

namespace imgcomp::codec {
namespace {

// A thread is only worth waking for some work.
constexpr int64_t kSymbolsPerTask = 8192;

// Calls work(first stream, streams, symbols of each) for parts of the batch.
template <class Work>
void for_streams(size_t streams, size_t symbols, const Work& work) {
  if (streams == 0 ? symbols != 0 : symbols % streams != 0) {
    throw UsageError(concat(symbols, " symbols cannot be ", streams, " streams of one length"));
  }
  const size_t length = streams == 0 ? 0 : symbols / streams;
  const int64_t grain = 1 + kSymbolsPerTask / (1 + static_cast<int64_t>(length));
  at::parallel_for(0, static_cast<int64_t>(streams), grain, [&](int64_t begin, int64_t end) {
    work(static_cast<size_t>(begin), static_cast<size_t>(end - begin), length);
  });
}

}  // namespace

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

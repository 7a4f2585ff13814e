// Independent streams over ATen's threads.
#pragma once

#include <ATen/Parallel.h>

#include <cstddef>
#include <cstdint>

#include "imgcomp/error.h"

namespace imgcomp::codec {

// Calls work(first stream, streams, symbols of each) for parts of a batch of streams that have
// equally many of the symbols.
template <class Work>
void for_streams(size_t streams, size_t symbols, const Work& work) {
  // A thread is only worth waking for some work.
  constexpr int64_t kSymbolsPerTask = 8192;
  if (streams == 0 ? symbols != 0 : symbols % streams != 0) {
    throw UsageError(concat(symbols, " symbols cannot be ", streams, " streams of one length"));
  }
  const size_t length = streams == 0 ? 0 : symbols / streams;
  const int64_t grain = 1 + kSymbolsPerTask / (1 + static_cast<int64_t>(length));
  at::parallel_for(0, static_cast<int64_t>(streams), grain, [&](int64_t begin, int64_t end) {
    work(static_cast<size_t>(begin), static_cast<size_t>(end - begin), length);
  });
}

}  // namespace imgcomp::codec

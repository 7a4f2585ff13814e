// The steps of recurrent cells on the GPU: one thread for each channel of each pixel.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "models/recurrent/cells_kernel.h"

namespace imgcomp::recurrent {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = int64_t{1} << 20;

// Index: 32 bits wherever they suffice, since every value costs a division.
template <class Index, class Step>
__global__ void cell_kernel(int64_t begin, Index count, Index channels, Step step) {
  const Index stride = static_cast<Index>(gridDim.x) * blockDim.x;
  for (Index i = static_cast<Index>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    const Index pixel = i / channels;
    step(static_cast<int64_t>(channels), begin + static_cast<int64_t>(pixel),
         static_cast<int64_t>(i - pixel * channels));
  }
}

}  // namespace

template <class Step>
void launch(int64_t begin, int64_t end, int64_t channels, const Step& step, void* stream) {
  const int64_t count = (end - begin) * channels;
  if (count <= 0) {
    return;
  }
  const auto blocks =
      static_cast<unsigned>(std::min((count + kThreads - 1) / kThreads, kMaxBlocks));
  const auto on = static_cast<cudaStream_t>(stream);
  // Half of the range is left for the last step beyond the end.
  if (count <= INT32_MAX) {
    cell_kernel<<<blocks, kThreads, 0, on>>>(begin, static_cast<uint32_t>(count),
                                             static_cast<uint32_t>(channels), step);
  } else {
    cell_kernel<<<blocks, kThreads, 0, on>>>(begin, count, channels, step);
  }
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string("recurrent cell kernel: ") + cudaGetErrorString(status));
  }
}

template void launch(int64_t, int64_t, int64_t, const LstmForward<true>&, void*);
template void launch(int64_t, int64_t, int64_t, const LstmForward<false>&, void*);
template void launch(int64_t, int64_t, int64_t, const LstmBackward<true>&, void*);
template void launch(int64_t, int64_t, int64_t, const LstmBackward<false>&, void*);
template void launch(int64_t, int64_t, int64_t, const AssociativeForward<true>&, void*);
template void launch(int64_t, int64_t, int64_t, const AssociativeForward<false>&, void*);
template void launch(int64_t, int64_t, int64_t, const AssociativeBackward<true>&, void*);
template void launch(int64_t, int64_t, int64_t, const AssociativeBackward<false>&, void*);
template void launch(int64_t, int64_t, int64_t, const GruResetForward&, void*);
template void launch(int64_t, int64_t, int64_t, const GruResetBackward&, void*);
template void launch(int64_t, int64_t, int64_t, const GruForward<true>&, void*);
template void launch(int64_t, int64_t, int64_t, const GruForward<false>&, void*);
template void launch(int64_t, int64_t, int64_t, const GruBackward<true>&, void*);
template void launch(int64_t, int64_t, int64_t, const GruBackward<false>&, void*);

}  // namespace imgcomp::recurrent

// Gather and scale on the GPU: one thread per output value, grid-stride.
#include <cuda_runtime.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "preprocess/gather_kernel.h"
#include "preprocess/pixel.h"

namespace imgcomp::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 4096;

__global__ void gather_scale_kernel(GatherArguments a) {
  const int64_t per_image = a.channels * a.area;
  const int64_t total = a.batch * per_image;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < total;
       i += stride) {
    const int64_t image = i / per_image;
    int64_t within = i - image * per_image;
    if (a.channels_last) {
      const int64_t pixel = within / a.channels;
      within = (within - pixel * a.channels) * a.area + pixel;
    }
    a.output[i] = scale_byte(a.images[a.index[image] * per_image + within], a.span, a.low);
  }
}

}  // namespace

void launch_gather_scale(const GatherArguments& arguments, void* stream) {
  const int64_t total = arguments.batch * arguments.channels * arguments.area;
  const int64_t blocks = std::min((total + kThreads - 1) / kThreads, kMaxBlocks);
  gather_scale_kernel<<<static_cast<unsigned>(blocks), kThreads, 0,
                        static_cast<cudaStream_t>(stream)>>>(arguments);
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string("gather_scale kernel: ") + cudaGetErrorString(status));
  }
}

}  // namespace imgcomp::cuda

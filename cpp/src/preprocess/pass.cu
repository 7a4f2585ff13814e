// A pipeline's pass on the GPU: one block for each channel of each image, which keeps the plane in
// shared memory between the two axes' products; larger planes go through global memory.
#include <cuda_runtime.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "preprocess/pass_kernel.h"

namespace imgcomp::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = int64_t{1} << 20;
constexpr int64_t kMaxPieces = 64;           // blocks for one plane
constexpr int64_t kSharedBytes = 48 * 1024;  // what every GPU gives without asking

__device__ inline int64_t planes(const PassArguments& a) {
  return a.count * a.channels;
}

// The threads of all blocks with the same blockIdx.x work on one plane.
__device__ inline int64_t first_of_plane() {
  return static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t stride_of_plane() {
  return static_cast<int64_t>(gridDim.y) * blockDim.x;
}

// No operator: value by value.
__global__ void pointwise_kernel(PassArguments a) {
  const int64_t area = static_cast<int64_t>(a.height) * a.width;
  for (int64_t plane = blockIdx.x; plane < planes(a); plane += gridDim.x) {
    const int64_t image = plane / a.channels;
    const int64_t channel = plane % a.channels;
    const Placement placement = place_image(a, image);
    for (int64_t i = first_of_plane(); i < area; i += stride_of_plane()) {
      const auto y = static_cast<int32_t>(i / a.width);
      const auto x = static_cast<int32_t>(i % a.width);
      store_value(a, image, channel, i, input_value(a, image, channel, placement, y, x));
    }
  }
}

// Both products of a plane in one block.
__global__ void shared_kernel(PassArguments a) {
  extern __shared__ float memory[];
  const int32_t in_area = a.in_height * a.in_width;
  const int32_t strip_area = a.height * a.in_width;
  const int32_t area = a.height * a.width;
  float* input = memory;
  float* strip = memory + in_area;
  for (int64_t plane = blockIdx.x; plane < planes(a); plane += gridDim.x) {
    const int64_t image = plane / a.channels;
    const int64_t channel = plane % a.channels;
    const Placement placement = place_image(a, image);
    for (int32_t i = threadIdx.x; i < in_area; i += blockDim.x) {
      input[i] = input_value(a, image, channel, placement, i / a.in_width, i % a.in_width);
    }
    __syncthreads();
    for (int32_t i = threadIdx.x; i < strip_area; i += blockDim.x) {
      strip[i] = dot_band(a.rows, i / a.in_width, input + i % a.in_width, a.in_width);
    }
    __syncthreads();
    for (int32_t i = threadIdx.x; i < area; i += blockDim.x) {
      store_value(a, image, channel, i,
                  dot_band(a.columns, i % a.width, strip + i / a.width * a.in_width, 1));
    }
    // The next plane's values may only come once all have read this one's.
    __syncthreads();
  }
}

// The rows' product of a large plane, into a.strip.
__global__ void down_kernel(PassArguments a) {
  const int64_t strip_area = static_cast<int64_t>(a.height) * a.in_width;
  for (int64_t plane = blockIdx.x; plane < planes(a); plane += gridDim.x) {
    const int64_t image = plane / a.channels;
    const int64_t channel = plane % a.channels;
    const Placement placement = place_image(a, image);
    for (int64_t i = first_of_plane(); i < strip_area; i += stride_of_plane()) {
      const auto r = static_cast<int32_t>(i / a.in_width);
      const auto x = static_cast<int32_t>(i % a.in_width);
      const float* weights = a.rows.weights + static_cast<int64_t>(r) * a.rows.width;
      float sum = 0.0f;
      for (int32_t k = 0; k < a.rows.width; ++k) {
        sum += weights[k] * input_value(a, image, channel, placement, a.rows.begin[r] + k, x);
      }
      a.strip[plane * strip_area + i] = sum;
    }
  }
}

// The columns' product of a large plane.
__global__ void across_kernel(PassArguments a) {
  const int64_t area = static_cast<int64_t>(a.height) * a.width;
  const int64_t strip_area = static_cast<int64_t>(a.height) * a.in_width;
  for (int64_t plane = blockIdx.x; plane < planes(a); plane += gridDim.x) {
    for (int64_t i = first_of_plane(); i < area; i += stride_of_plane()) {
      const float* row = a.strip + plane * strip_area + i / a.width * a.in_width;
      store_value(a, plane / a.channels, plane % a.channels, i,
                  dot_band(a.columns, static_cast<int32_t>(i % a.width), row, 1));
    }
  }
}

int64_t shared_bytes(const PassArguments& a) {
  const int64_t values =
      (static_cast<int64_t>(a.in_height) + a.height) * static_cast<int64_t>(a.in_width);
  return values * static_cast<int64_t>(sizeof(float));
}

// Blocks for all planes, and for each as many as its values keep busy.
dim3 grid(const PassArguments& a, int64_t values) {
  const int64_t pieces = std::clamp<int64_t>(values / (4 * kThreads), 1, kMaxPieces);
  const int64_t blocks = std::min(a.count * a.channels, kMaxBlocks);
  return dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(pieces));
}

void check(const char* kernel) {
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string(kernel) + " kernel: " + cudaGetErrorString(status));
  }
}

}  // namespace

bool use_shared(const PassArguments& arguments) {
  return shared_bytes(arguments) <= kSharedBytes;
}

void launch_pass(const PassArguments& a, void* stream) {
  const auto on = static_cast<cudaStream_t>(stream);
  const int64_t area = static_cast<int64_t>(a.height) * a.width;
  if (!a.has_operator) {
    pointwise_kernel<<<grid(a, area), kThreads, 0, on>>>(a);
    check("preprocessing");
    return;
  }
  if (use_shared(a)) {
    const dim3 blocks(static_cast<unsigned>(std::min(a.count * a.channels, kMaxBlocks)));
    shared_kernel<<<blocks, kThreads, static_cast<size_t>(shared_bytes(a)), on>>>(a);
    check("preprocessing");
    return;
  }
  down_kernel<<<grid(a, static_cast<int64_t>(a.height) * a.in_width), kThreads, 0, on>>>(a);
  check("preprocessing (rows)");
  across_kernel<<<grid(a, area), kThreads, 0, on>>>(a);
  check("preprocessing (columns)");
}

}  // namespace imgcomp::cuda

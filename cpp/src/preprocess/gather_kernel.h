// The launcher of the CUDA kernel in gather.cu. It takes raw pointers, so that the kernel file
// needs the CUDA runtime alone and can be compiled beside a torch without CUDA.
#pragma once

#include <cstdint>

namespace imgcomp::cuda {

struct GatherArguments {
  const uint8_t* images;          // (N, C, H, W)
  const int64_t* index;           // (batch,), values in [0, N)
  float* output;                  // (batch, C, H, W), or (batch, H, W, C) where channels_last
  int64_t batch, channels, area;  // area = H · W
  float span, low;
  bool channels_last;
};

// stream: a cudaStream_t. Throws std::runtime_error with CUDA's message if the launch fails.
void launch_gather_scale(const GatherArguments& arguments, void* stream);

}  // namespace imgcomp::cuda

// Convolution with stride 1, its bias, and where they follow relu and 2×2 max pooling, as one
// operation on channels-last float32 images on the CPU, with its gradient.
//
// The library's convolutions run small images at half to three quarters of the speed that the
// processor multiplies with, and relu and pooling around them read and write everything again. Here
// the sums stay in registers, what follows is done while they are in the cache, and the gradient of
// a pooled convolution skips the three quarters that are zero.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace imgcomp::direct {

// What follows a convolution.
struct Epilogue {
  bool relu = false;
  bool max_pool = false;  // 2×2, stride 2, after relu only
};

// Whether convolve takes these: float32 on the CPU, channels_last, no autocast, a processor with
// vectors, a padding smaller than the kernel, and an output that is not empty.
bool applies(const at::Tensor& x, const at::Tensor& weight, std::array<int64_t, 2> stride,
             std::array<int64_t, 2> padding, std::array<int64_t, 2> dilation);

// The same by ATen's operations, one after another, for everything that applies() refuses.
at::Tensor convolve_by_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            std::array<int64_t, 2> stride, std::array<int64_t, 2> padding,
                            std::array<int64_t, 2> dilation, Epilogue epilogue);

// x: (N, C, H, W); weight: (C', C, kh, kw); bias: (C') or undefined. Returns (N, C', H', W')
// channels_last, with a gradient that can itself be derived again (slowly, by ATen).
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    std::array<int64_t, 2> padding, Epilogue epilogue);

}  // namespace imgcomp::direct

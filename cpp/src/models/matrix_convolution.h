// Transposed convolution of small channels_last images as a matrix product, with its gradient:
// several times as fast on the CPU as the library's for few channels.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace imgcomp {

// Whether the function below takes these: float32 on the CPU, x channels_last, no autocast.
bool matrix_convolution_applies(const at::Tensor& x, const at::Tensor& weight);

// As at::conv_transpose2d without dilation and groups. x: (N, C, H, W); weight: (C, C', kh, kw);
// bias: (C') or undefined. Returns (N, C', H', W') channels_last.
at::Tensor matrix_conv_transpose2d(const at::Tensor& x, const at::Tensor& weight,
                                   const at::Tensor& bias, std::array<int64_t, 2> stride,
                                   std::array<int64_t, 2> padding,
                                   std::array<int64_t, 2> output_padding);

}  // namespace imgcomp

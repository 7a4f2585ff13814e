// Measures of how good an output is, on whole batches.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace imgcomp {

// Mean squared error of each image, float64 (N,): a and b are floating-point (N, …) of one shape.
at::Tensor mse_per_image(const at::Tensor& a, const at::Tensor& b);

// The same on the 8-bit scale: a and b, in the data range, are first brought to bytes as
// to_bytes does. Result in squared grey levels, 0 … 65025.
at::Tensor mse_per_image_8bit(const at::Tensor& a, const at::Tensor& b,
                              std::array<double, 2> data_range);

// 10 · log10(peak² / mse) in decibels, float64; infinite where mse is 0.
at::Tensor psnr_from_mse(const at::Tensor& mse, double peak);

// Whether every image of a batch (N, …) gives almost the same output: the standard deviation over
// the batch is below `threshold` times that of the targets. False for fewer than 2 images.
bool reconstruction_has_collapsed(const at::Tensor& output, const at::Tensor& target,
                                  double threshold = 0.01);

// Whether logits (N, K) name one class only although the labels (N,) hold several.
bool classifier_has_collapsed(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace imgcomp

// Structural similarity of batches of images (Wang et al., 2004), with gradients.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace imgcomp {

// Side of the Gaussian window, in pixels; no side of an image may be smaller.
inline constexpr int64_t kSsimWindow = 11;

// SSIM of each image, float64 (N,): x and y are (N, C, H, W) of one shape, `data_range` is the
// distance between black and white. Gaussian window of 11×11 with σ = 1.5, only where it lies
// inside the image; population variances; K₁ = 0.01, K₂ = 0.03; mean over positions and planes.
// Computed in float64 whatever comes in; gradients flow to both inputs. UsageError for shapes that
// do not fit.
at::Tensor ssim(const at::Tensor& x, const at::Tensor& y, double data_range);

}  // namespace imgcomp

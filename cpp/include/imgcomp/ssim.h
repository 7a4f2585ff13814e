// Structural similarity of batches of images, at one scale (Wang et al., 2004) and at several
// (Wang et al., 2003), with gradients.
//
// All of it is computed in float64 whatever comes in; gradients flow to both inputs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace imgcomp {

// Side of the usual Gaussian window, in pixels.
inline constexpr int64_t kSsimWindow = 11;

// Window and number of scales of the renormalised MS-SSIM where nothing else is asked for.
inline constexpr int64_t kMsSsimWindow = 7;
inline constexpr int64_t kMsSsimScales = 3;

// SSIM of each image, float64 (N,): x and y are (N, C, H, W) of one shape, `data_range` is the
// distance between black and white. Gaussian window of 11×11 with σ = 1.5, only where it lies
// inside the image; population variances; K₁ = 0.01, K₂ = 0.03; mean over positions and planes.
// UsageError for shapes that do not fit.
at::Tensor ssim(const at::Tensor& x, const at::Tensor& y, double data_range);

// How several scales are looked at. Between scales, means over 2×2 pixels; the last row or column
// of an odd side counts twice there.
struct MsSsimVariant {
  std::string name;             // for messages
  int64_t window;               // side of the Gaussian window
  bool shrinks;                 // the window with its σ, where a scale is smaller
  std::vector<double> weights;  // one exponent per scale, the finest first

  // What a side of an image must have at least.
  int64_t least_side() const;
};

// "adaptive": five scales, windows of min(11, h, w) pixels with σ = 1.5 · side / 11;
// "standard": five scales, windows of 11; both with the five usual exponents.
// "renormalised": `scales` scales, windows of `window` with σ = 1.5, and the first of the usual
// exponents divided by their sum. UsageError for other names, or scales outside 1 … 5.
MsSsimVariant ms_ssim_variant(const std::string& name, int64_t window, int64_t scales);

// MS-SSIM of each image, float64 (N,): for each plane, contrast–structure at all scales but the
// coarsest and SSIM there, each a mean over positions, raised to the scales' exponents and
// multiplied; factors below 0 count as 0. Then the mean over planes.
at::Tensor ms_ssim(const at::Tensor& x, const at::Tensor& y, const MsSsimVariant& variant,
                   double data_range);

}  // namespace imgcomp

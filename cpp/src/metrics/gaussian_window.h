// Gaussian filtering of whole batches where the window lies inside the image.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace imgcomp {

// n weights of a Gaussian around the middle of n pixels, of sum 1.
std::vector<double> gaussian_weights(int64_t n, double sigma);

// Filters maps (…, H, W) along both axes with weights (n,), n ≤ H, W. Returns the transposed maps,
// (…, W − n + 1, H − n + 1), which saves a copy where only their means are wanted.
at::Tensor filtered_transposed(const at::Tensor& maps, const at::Tensor& weights);

}  // namespace imgcomp

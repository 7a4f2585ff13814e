// Means and standard deviations of a set of images.
#pragma once

#include <ATen/core/Tensor.h>

namespace imgcomp {

struct Statistics {
  at::Tensor mean, deviation;  // float64 (C, H, W), or (C, 1, 1); population standard deviation
};

// images: uint8 or float32 or float64 (N, C, H, W), contiguous. One pass over the images. Bytes are
// summed exactly, as whole numbers; floats in float64, less the first image's values, so that a
// pixel that never changes has a deviation of exactly 0. The result does not depend on the number
// of threads. UsageError for no images, other types, and values that are not finite.
Statistics image_statistics(const at::Tensor& images, bool per_channel);

}  // namespace imgcomp

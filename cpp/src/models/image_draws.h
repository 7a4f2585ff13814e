// Random numbers that belong to images, so that they are the same however a batch is cut.
#pragma once

#include "imgcomp/layer.h"

namespace imgcomp {

// float32 in [−1, 1), for each value of each image by its place, of the shape of x (N, …); N images
// as `draws` has them. Counts as one more draw made.
at::Tensor draw_uniform(const at::Tensor& x, ForwardContext::ImageDraws& draws);

}  // namespace imgcomp

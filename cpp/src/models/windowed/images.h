// Convolutions as matrix products over the windows of the images, laid out as rows: for what the
// methods of one pixel after another do not take, larger strides and uneven padding, and for
// products of bfloat16 numbers, which the windows are rounded to part by part.
#pragma once

#include <optional>

#include "models/fused/plan.h"
#include "models/fused/weight_memory.h"

namespace imgcomp::windowed {

// Takes any plan with nothing but relu around it.
void forward_images(const fused::Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result);

fused::Gradients backward_images(const fused::Plan& plan, const at::Tensor& x,
                                 const at::Tensor& weight, const fused::Incoming& incoming,
                                 fused::WeightMemory* memory);

}  // namespace imgcomp::windowed

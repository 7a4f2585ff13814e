// Convolutions of tiny images as one matrix product over all images: the weight written out for
// every pair of an output and an input pixel. Where the kernel covers most of the image there is a
// tap for most pairs, and rows of pixels are too short for any other method's loops.
#pragma once

#include <optional>

#include "models/fused/plan.h"
#include "models/fused/weight_memory.h"

namespace imgcomp::unrolled {

// Few pixels, most pairs with a tap, nothing but relu around it, and images enough to pay for
// writing the weight out.
bool takes(const fused::Plan& plan);

void forward_images(const fused::Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result,
                    fused::WeightMemory* memory);

fused::Gradients backward_images(const fused::Plan& plan, const at::Tensor& x,
                                 const at::Tensor& weight, const fused::Incoming& incoming,
                                 fused::WeightMemory* memory);

}  // namespace imgcomp::unrolled

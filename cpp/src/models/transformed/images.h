// Convolutions of 3×3 kernels by the transforms of schemes.h, images by the cacheful.
#pragma once

#include <optional>

#include "models/fused/plan.h"
#include "models/fused/weight_memory.h"

namespace imgcomp::transformed {

// 3×3, at least one vector of channels on both sides; after upsampling with padding 1 only.
bool takes(const fused::Plan& plan);

// Multiply–adds that take as long as one image, in one direction.
int64_t cost(const fused::Plan& plan);

// choice: which of four was the maximum; undefined where nothing is pooled.
void forward_images(const fused::Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice,
                    fused::WeightMemory* memory);

fused::Gradients backward_images(const fused::Plan& plan, const at::Tensor& x,
                                 const at::Tensor& weight, const fused::Incoming& incoming,
                                 fused::WeightMemory* memory);

}  // namespace imgcomp::transformed

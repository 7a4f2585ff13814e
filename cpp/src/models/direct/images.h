// The convolution as sums of products, all of them, image by image; and the gradient of a pooled
// convolution through the one of four outputs that has any.
#pragma once

#include <optional>

#include "models/fused/plan.h"

namespace imgcomp::direct {

// choice: which of four was the maximum; undefined where nothing is pooled.
void forward_images(const fused::Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice);

fused::Gradients backward_images(const fused::Plan& plan, const at::Tensor& x,
                                 const at::Tensor& weight, const fused::Incoming& incoming);

// Whether backward_pooled takes the plan: whole vectors in and out, pooled, no padding.
bool pooled_applies(const fused::Plan& plan);

fused::Gradients backward_pooled(const fused::Plan& plan, const at::Tensor& x,
                                 const at::Tensor& weight, const fused::Incoming& incoming);

}  // namespace imgcomp::direct

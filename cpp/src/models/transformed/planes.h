// Convolutions with few output channels: the products of all pixels with all taps first, one matrix
// product, then the sums over shifted planes. Vectors would be mostly empty the other way round.
// After upsampling the products are those of the smaller image.
#pragma once

#include <optional>

#include "models/fused/plan.h"

namespace imgcomp::transformed {

// Whether this is less work than filling vectors with output channels.
bool planes_take(const fused::Plan& plan);

// choice: which of four was the maximum; undefined where nothing is pooled.
void forward_planes(const fused::Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice);

fused::Gradients backward_planes(const fused::Plan& plan, const at::Tensor& x,
                                 const at::Tensor& weight, const fused::Incoming& incoming);

}  // namespace imgcomp::transformed

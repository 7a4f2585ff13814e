// Sizes, weights and images in the order in which the loops of kernels.h read them.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include "models/direct/kernels.h"
#include "models/fused/plan.h"

namespace imgcomp::direct {

inline Shape shape_of(const fused::Plan& plan) {
  return {plan.in_channels,    plan.height,
          plan.padding[0],     (plan.width + 2 * plan.padding[1]) * plan.in_channels,
          plan.kernel[0],      plan.kernel[1],
          plan.out_height,     plan.out_width,
          plan.padded_channels};
}

// One thread's; images with the columns of zeros that the loops want at both ends of each row.
class PaddedInput {
 public:
  explicit PaddedInput(const fused::Plan& plan);
  const float* of(const float* image) const;

 private:
  const fused::Plan& plan_;
  fused::Scratch scratch_;
};

// Weights in blocks of one vector of output channels, each (kernel_height, row_taps, vector),
// missing channels 0.
template <class WeightOf>
at::Tensor packed(int64_t vector, int64_t outputs, int64_t taps,
                  const WeightOf& weight_of /* (output, tap) → float */) {
  const int64_t padded = fused::round_up(outputs, vector);
  at::Tensor result = at::empty({padded * taps}, at::TensorOptions(at::kFloat));
  auto* to = result.mutable_data_ptr<float>();
  for (int64_t block = 0; block < padded; block += vector) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t i = block; i < block + vector; ++i) {
        *to++ = i < outputs ? weight_of(i, tap) : 0.0F;
      }
    }
  }
  return result;
}

}  // namespace imgcomp::direct

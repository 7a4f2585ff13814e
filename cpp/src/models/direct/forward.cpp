// The convolution, image by image.
#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

#include "models/direct/images.h"
#include "models/direct/layout.h"
#include "models/fused/epilogue.h"

namespace imgcomp::direct {

PaddedInput::PaddedInput(const fused::Plan& plan)
    : plan_(plan),
      scratch_(plan.padding[1] == 0
                   ? 0
                   : plan.height * (plan.width + 2 * plan.padding[1]) * plan.in_channels) {}

const float* PaddedInput::of(const float* image) const {
  const int64_t edge = plan_.padding[1] * plan_.in_channels;
  if (edge == 0) {
    return image;
  }
  const int64_t inner = plan_.width * plan_.in_channels;
  float* to = scratch_.data;
  for (int64_t y = 0; y < plan_.height; ++y) {
    std::memset(to, 0, static_cast<size_t>(edge) * sizeof(float));
    std::memcpy(to + edge, image + y * inner, static_cast<size_t>(inner) * sizeof(float));
    std::memset(to + edge + inner, 0, static_cast<size_t>(edge) * sizeof(float));
    to += inner + 2 * edge;
  }
  return scratch_.data;
}

void forward_images(const fused::Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice) {
  const Kernels& kernels = *best_kernels();
  const Shape s = shape_of(plan);
  const at::Tensor filters = weight.permute({0, 2, 3, 1}).contiguous();
  const auto* filter = filters.const_data_ptr<float>();
  const int64_t taps = plan.taps();
  const at::Tensor pack =
      packed(kernels.width, plan.out_channels, taps,
             [&](int64_t output, int64_t tap) { return filter[output * taps + tap]; });
  const at::Tensor offset = at::zeros({s.out_channels}, at::TensorOptions(at::kFloat));
  if (bias) {
    offset.narrow(0, 0, plan.out_channels).copy_(bias->detach());
  }
  const auto* weights = pack.const_data_ptr<float>();
  const auto* offsets = offset.const_data_ptr<float>();
  const auto* images = x.const_data_ptr<float>();
  auto* results = result.mutable_data_ptr<float>();
  auto* choices = choice.defined() ? choice.mutable_data_ptr<uint8_t>() : nullptr;
  // What is pooled goes two rows at a time; an odd last one is in no pool.
  const int64_t step = plan.around.max_pool ? 2 : s.out_height;
  const int64_t last = plan.around.max_pool ? s.out_height / 2 * 2 : s.out_height;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const PaddedInput padded(plan);
    const fused::RowFinisher finisher(plan, kernels, s.out_channels, step);
    for (int64_t i = begin; i < end; ++i) {
      const float* input = padded.of(images + i * plan.image_size());
      float* to = results + i * plan.result_floats();
      uint8_t* chosen = choices == nullptr ? nullptr : choices + i * plan.result_floats();
      for (int64_t y = 0; y < last; y += step) {
        kernels.convolve(s, input, weights, offsets, y, y + step, finisher.rows(y, to));
        finisher.finish(y, step, to, chosen);
      }
    }
  });
}

}  // namespace imgcomp::direct

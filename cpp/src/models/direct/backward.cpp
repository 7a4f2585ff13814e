// The gradients, image by image: through all outputs, or where these were pooled through one of
// four.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <cstring>

#include "models/direct/images.h"
#include "models/direct/layout.h"
#include "models/fused/epilogue.h"

namespace imgcomp::direct {
namespace {

using fused::Gradients;
using fused::Incoming;
using fused::Plan;

void add_pooled_bias(const float* gradient, const uint8_t* choice, int64_t pixels, int64_t channels,
                     float* sums) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t at = pixel * channels + c;
      sums[c] += choice[at] < 4 ? gradient[at] : 0.0F;
    }
  }
}

}  // namespace

bool pooled_applies(const Plan& plan) {
  return plan.around.max_pool && plan.padded_channels == plan.out_channels &&
         plan.kernel[1] * plan.in_channels % plan.vector == 0 && plan.padding == fused::Pair{0, 0};
}

Gradients backward_pooled(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                          const Incoming& incoming) {
  const Kernels& kernels = *best_kernels();
  const Shape s = shape_of(plan);
  const at::Tensor filters = weight.permute({0, 2, 3, 1}).contiguous();
  fused::Sums sums(plan.out_channels * plan.taps(), plan.out_channels);
  Gradients result;
  if (incoming.with_input) {
    result.input = fused::empty_images(plan.n, plan.in_channels, plan.height, plan.width);
  }
  const auto* images = x.const_data_ptr<float>();
  const auto* gradients = incoming.gradient.const_data_ptr<float>();
  const auto* choices = incoming.choice.const_data_ptr<uint8_t>();
  const auto* filter = filters.const_data_ptr<float>();
  auto* inputs = incoming.with_input ? result.input.mutable_data_ptr<float>() : nullptr;
  const int64_t size = plan.result_floats();
  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    float* weight_sums = sums.weight_of(at::get_thread_num());
    float* bias_sums = sums.bias_of(at::get_thread_num());
    for (int64_t i = begin; i < end; ++i) {
      float* to = inputs == nullptr ? nullptr : inputs + i * plan.image_size();
      if (to != nullptr) {
        std::memset(to, 0, static_cast<size_t>(plan.image_size()) * sizeof(float));
      }
      kernels.pooled_gradients(s, images + i * plan.image_size(), filter, gradients + i * size,
                               choices + i * size, weight_sums, to);
      add_pooled_bias(gradients + i * size, choices + i * size, size / plan.out_channels,
                      plan.out_channels, bias_sums);
    }
  });
  result.weight = fused::Sums::total(sums.weight)
                      .view({plan.out_channels, plan.kernel[0], plan.kernel[1], plan.in_channels})
                      .permute({0, 3, 1, 2});
  result.bias = fused::Sums::total(sums.bias);
  return result;
}

Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                          const Incoming& incoming) {
  const Kernels& kernels = *best_kernels();
  const Shape s = shape_of(plan);
  const bool with_input = incoming.with_input;
  // The input's gradient is a convolution of the output's with the kernel turned round.
  const int64_t edge = with_input ? plan.kernel[1] - 1 - plan.padding[1] : 0;
  const Shape back{s.out_channels,
                   s.out_height,
                   plan.kernel[0] - 1 - plan.padding[0],
                   (s.out_width + 2 * edge) * s.out_channels,
                   plan.kernel[0],
                   plan.kernel[1],
                   plan.height,
                   plan.width,
                   fused::round_up(plan.in_channels, plan.vector)};
  at::Tensor turned;
  Gradients result;
  if (with_input) {
    const at::Tensor filters = weight.contiguous();
    const auto* filter = filters.const_data_ptr<float>();
    const int64_t area = plan.kernel[0] * plan.kernel[1];
    turned = packed(
        plan.vector, plan.in_channels, area * s.out_channels, [&](int64_t input, int64_t tap) {
          const int64_t place = tap / s.out_channels;
          const int64_t out = tap - place * s.out_channels;
          return out < plan.out_channels
                     ? filter[(out * plan.in_channels + input) * area + area - 1 - place]
                     : 0.0F;
        });
    result.input = fused::empty_images(plan.n, plan.in_channels, plan.height, plan.width);
  }
  const at::Tensor no_bias = at::zeros({back.out_channels}, at::TensorOptions(at::kFloat));
  fused::Sums sums(incoming.with_weight ? plan.taps() * s.out_channels : 0, s.out_channels);

  const auto* images = x.const_data_ptr<float>();
  const auto* turned_weights = with_input ? turned.const_data_ptr<float>() : nullptr;
  const auto* zeros = no_bias.const_data_ptr<float>();
  auto* inputs = with_input ? result.input.mutable_data_ptr<float>() : nullptr;
  const bool narrow = with_input && back.out_channels != plan.in_channels;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const PaddedInput padded(plan);
    const fused::GradientExpander expander(plan, kernels, s.out_channels, edge);
    const fused::Scratch expanded(expander.floats());
    const fused::Scratch wide(narrow ? plan.height * plan.width * back.out_channels : 0);
    float* weight_sums = sums.weight_of(at::get_thread_num());
    float* bias_sums = sums.bias_of(at::get_thread_num());
    for (int64_t i = begin; i < end; ++i) {
      expander.expand(incoming, i, expanded.data);
      if (incoming.with_weight) {
        kernels.weight_gradient(s, padded.of(images + i * plan.image_size()),
                                expanded.data + edge * s.out_channels, back.row_stride,
                                weight_sums);
      }
      kernels.add_pixels(expanded.data, expander.floats() / s.out_channels, s.out_channels,
                         bias_sums);
      if (with_input) {
        float* to = inputs + i * plan.image_size();
        kernels.convolve(back, expanded.data, turned_weights, zeros, 0, plan.height,
                         narrow ? wide.data : to);
        if (narrow) {
          fused::narrow_pixels(wide.data, plan.height * plan.width, back.out_channels,
                               plan.in_channels, to);
        }
      }
    }
  });
  if (incoming.with_weight) {
    result.weight = fused::Sums::total(sums.weight)
                        .view({plan.kernel[0], plan.kernel[1], plan.in_channels, s.out_channels})
                        .narrow(3, 0, plan.out_channels)
                        .permute({3, 2, 0, 1});
  }
  result.bias = fused::Sums::total(sums.bias).narrow(0, 0, plan.out_channels);
  return result;
}

}  // namespace imgcomp::direct

#include "models/transformed/planes.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

#include "models/fused/epilogue.h"
#include "models/transformed/kernels.h"

namespace imgcomp::transformed {
namespace {

using fused::Plan;
using fused::Scratch;

int64_t planes_of(const Plan& plan) {
  return plan.kernel[0] * plan.kernel[1] * plan.out_channels;
}

// Matrices in the order in which multiply reads: (columns / vector, depth, vector).
at::Tensor in_blocks(const at::Tensor& matrix, int64_t padded, int64_t vector) {
  const at::Tensor whole = at::zeros({matrix.size(0), padded}, at::TensorOptions(at::kFloat));
  whole.narrow(1, 0, matrix.size(1)).copy_(matrix);
  return whole.view({matrix.size(0), padded / vector, vector}).permute({1, 0, 2}).contiguous();
}

// Calls visit(plane, y, x, count, source): from output pixel (y, x) on, `count` of a row, tap
// `plane` (without channels) reads the pixels from `source` on. With upsampling each source pixel
// serves the outputs of one parity, every second pixel of a row.
template <class Visit>
void each_shift(const Plan& plan, const Visit& visit) {
  const int64_t factor = plan.around.upsample ? 2 : 1;
  const int64_t height = factor * plan.height, width = factor * plan.width;
  for (int64_t dy = 0; dy < plan.kernel[0]; ++dy) {
    for (int64_t dx = 0; dx < plan.kernel[1]; ++dx) {
      const int64_t left = dx - plan.padding[1];  // of the pixel that output 0 reads
      for (int64_t y = 0; y < plan.out_height; ++y) {
        const int64_t row = y + dy - plan.padding[0];
        if (row < 0 || row >= height) {
          continue;
        }
        for (int64_t phase = 0; phase < factor; ++phase) {
          // Outputs phase, phase + factor, … whose pixel lies in the image.
          int64_t x = phase;
          while (x + left < 0) {
            x += factor;
          }
          const int64_t end = std::min(plan.out_width, width - left);
          const int64_t count = x < end ? (end - x + factor - 1) / factor : 0;
          visit(dy * plan.kernel[1] + dx, y, x, count,
                row / factor * plan.width + (x + left) / factor);
        }
      }
    }
  }
}

}  // namespace

bool planes_take(const Plan& plan) {
  const int64_t area = plan.kernel[0] * plan.kernel[1];
  const int64_t planes = fused::round_up(planes_of(plan), plan.vector);
  return best_kernels() != nullptr && area > 1 && planes <= 4 * plan.vector &&
         2 * planes <= area * plan.padded_channels && plan.in_channels >= 4;
}

void forward_planes(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice) {
  const Kernels& kernels = *best_kernels();
  const int64_t channels = plan.out_channels, in = plan.in_channels;
  const int64_t planes = fused::round_up(planes_of(plan), plan.vector);
  const int64_t factor = plan.around.upsample ? 2 : 1;
  // (in, planes), planes ordered (tap, channel).
  const at::Tensor matrix =
      in_blocks(weight.permute({1, 2, 3, 0}).reshape({in, planes_of(plan)}), planes, plan.vector);
  const at::Tensor offset =
      bias ? bias->detach().contiguous() : at::zeros({channels}, at::TensorOptions(at::kFloat));
  const auto* weights = matrix.const_data_ptr<float>();
  const auto* offsets = offset.const_data_ptr<float>();
  const auto* images = x.const_data_ptr<float>();
  auto* results = result.mutable_data_ptr<float>();
  auto* choices = choice.defined() ? choice.mutable_data_ptr<uint8_t>() : nullptr;
  const int64_t pixels = plan.height * plan.width;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const Scratch products(pixels * planes);
    const fused::RowFinisher finisher(plan, *direct::best_kernels(), channels, plan.out_height);
    for (int64_t i = begin; i < end; ++i) {
      kernels.multiply(pixels, in, planes, images + i * plan.image_size(), in, weights,
                       products.data, planes);
      const int64_t at = i * plan.result_floats();
      float* rows = finisher.rows(0, results + at);
      for (int64_t pixel = 0; pixel < plan.out_pixels(); ++pixel) {
        std::memcpy(rows + pixel * channels, offsets,
                    static_cast<size_t>(channels) * sizeof(float));
      }
      each_shift(plan, [&](int64_t tap, int64_t y, int64_t left, int64_t count, int64_t source) {
        float* to = rows + (y * plan.out_width + left) * channels;
        const float* from = products.data + source * planes + tap * channels;
        for (int64_t pixel = 0; pixel < count; ++pixel) {
          for (int64_t c = 0; c < channels; ++c) {
            to[c] += from[c];
          }
          to += factor * channels;
          from += planes;
        }
      });
      finisher.finish(0, plan.out_height, results + at,
                      choices == nullptr ? nullptr : choices + at);
    }
  });
}

fused::Gradients backward_planes(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                                 const fused::Incoming& incoming) {
  const Kernels& kernels = *best_kernels();
  const int64_t channels = plan.out_channels, in = plan.in_channels;
  const int64_t depth = planes_of(plan);
  const int64_t planes = fused::round_up(depth, plan.vector);
  const int64_t padded_in = fused::round_up(in, plan.vector);
  const int64_t factor = plan.around.upsample ? 2 : 1;
  const bool narrow = padded_in != in;
  fused::Gradients result;
  at::Tensor matrix;  // (planes, in)
  if (incoming.with_input) {
    matrix = in_blocks(weight.permute({2, 3, 0, 1}).reshape({depth, in}), padded_in, plan.vector);
    result.input = fused::empty_images(plan.n, in, plan.height, plan.width);
  }
  fused::Sums sums(in * planes, channels);
  const auto* weights = incoming.with_input ? matrix.const_data_ptr<float>() : nullptr;
  const auto* images = x.const_data_ptr<float>();
  auto* inputs = incoming.with_input ? result.input.mutable_data_ptr<float>() : nullptr;
  const int64_t pixels = plan.height * plan.width;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const fused::GradientExpander expander(plan, *direct::best_kernels(), channels, 0);
    const Scratch expanded(expander.floats());
    const Scratch products(pixels * planes);
    const Scratch wide(narrow && inputs != nullptr ? pixels * padded_in : 0);
    float* weight_sums = sums.weight_of(at::get_thread_num());
    float* bias_sums = sums.bias_of(at::get_thread_num());
    for (int64_t i = begin; i < end; ++i) {
      expander.expand(incoming, i, expanded.data);
      direct::best_kernels()->add_pixels(expanded.data, plan.out_pixels(), channels, bias_sums);
      std::memset(products.data, 0, static_cast<size_t>(pixels * planes) * sizeof(float));
      each_shift(plan, [&](int64_t tap, int64_t y, int64_t left, int64_t count, int64_t source) {
        const float* from = expanded.data + (y * plan.out_width + left) * channels;
        float* to = products.data + source * planes + tap * channels;
        for (int64_t pixel = 0; pixel < count; ++pixel) {
          for (int64_t c = 0; c < channels; ++c) {
            to[c] += from[c];
          }
          from += factor * channels;
          to += planes;
        }
      });
      kernels.outer(pixels, in, planes, images + i * plan.image_size(), in, products.data, planes,
                    weight_sums);
      if (inputs != nullptr) {
        float* to = inputs + i * plan.image_size();
        kernels.multiply(pixels, depth, padded_in, products.data, planes, weights,
                         narrow ? wide.data : to, padded_in);
        if (narrow) {
          fused::narrow_pixels(wide.data, pixels, padded_in, in, to);
        }
      }
    }
  });
  result.weight = sums.weight.sum(0)
                      .view({in, planes})
                      .narrow(1, 0, depth)
                      .view({in, plan.kernel[0], plan.kernel[1], channels})
                      .permute({3, 0, 1, 2});
  result.bias = sums.bias.sum(0);
  return result;
}

}  // namespace imgcomp::transformed

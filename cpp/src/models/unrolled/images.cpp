#include "models/unrolled/images.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

namespace imgcomp::unrolled {
namespace {

using fused::Plan;

// Calls visit(output pixel, input pixel, tap's row, tap's column) for all pairs that have a tap.
template <class Visit>
void each_tap(const Plan& plan, const Visit& visit) {
  for (int64_t y = 0; y < plan.out_height; ++y) {
    for (int64_t x = 0; x < plan.out_width; ++x) {
      for (int64_t row = 0; row < plan.kernel[0]; ++row) {
        for (int64_t column = 0; column < plan.kernel[1]; ++column) {
          const int64_t top = y * plan.stride[0] + row - plan.padding[0];
          const int64_t left = x * plan.stride[1] + column - plan.padding[1];
          if (top >= 0 && top < plan.height && left >= 0 && left < plan.width) {
            visit(y * plan.out_width + x, top * plan.width + left, row, column);
          }
        }
      }
    }
  }
}

int64_t pairs(const Plan& plan) {
  return plan.out_pixels() * plan.height * plan.width;
}

// The weight's block for a pair in a matrix (output pixels · out, input pixels · in).
at::Tensor block(const at::Tensor& matrix, const Plan& plan, int64_t output, int64_t input) {
  return matrix
      .view({plan.out_pixels(), plan.out_channels, plan.height * plan.width, plan.in_channels})
      .select(2, input)
      .select(0, output);
}

// A weight's tap, (out, in).
at::Tensor tap(const at::Tensor& weight, int64_t row, int64_t column) {
  return weight.select(3, column).select(2, row);
}

at::Tensor written_out(const Plan& plan, const at::Tensor& weight) {
  at::Tensor matrix = at::zeros(
      {plan.out_pixels() * plan.out_channels, plan.height * plan.width * plan.in_channels},
      at::TensorOptions(at::kFloat));
  const at::Tensor values = weight.detach();
  each_tap(plan, [&](int64_t output, int64_t input, int64_t row, int64_t column) {
    block(matrix, plan, output, input).copy_(tap(values, row, column));
  });
  return matrix;
}

// The adjoint of written_out.
at::Tensor collected(const Plan& plan, const at::Tensor& matrix) {
  // Channels last: rows of a block are then runs of memory.
  at::Tensor weight =
      at::zeros({plan.out_channels, plan.kernel[0], plan.kernel[1], plan.in_channels},
                at::TensorOptions(at::kFloat))
          .permute({0, 3, 1, 2});
  each_tap(plan, [&](int64_t output, int64_t input, int64_t row, int64_t column) {
    tap(weight, row, column).add_(block(matrix, plan, output, input));
  });
  return weight;
}

// (N, C, H, W), channels_last → (N, H · W · C), the same memory.
at::Tensor rows(const at::Tensor& images) {
  return images.permute({0, 2, 3, 1}).reshape({images.size(0), -1});
}

}  // namespace

bool takes(const Plan& plan) {
  // Winograd's transform has 36 products for each tile.
  constexpr int64_t kMostPairs = 36, kLeastImages = 8;
  if (plan.around.upsample || plan.around.max_pool || plan.n < kLeastImages ||
      plan.in_channels < plan.vector || plan.out_channels < plan.vector ||
      pairs(plan) > kMostPairs) {
    return false;
  }
  int64_t taps = 0;
  each_tap(plan, [&](int64_t, int64_t, int64_t, int64_t) { ++taps; });
  return 5 * taps >= 2 * pairs(plan);
}

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result,
                    fused::WeightMemory* memory) {
  const at::Tensor matrix =
      fused::kept(memory, &fused::WeightMemory::forward, [&] { return written_out(plan, weight); });
  at::Tensor output = rows(result);
  at::mm_out(output, rows(x), matrix.t());
  if (bias) {
    output.view({-1, plan.out_channels}).add_(bias->detach());
  }
  if (plan.around.relu) {
    output.relu_();
  }
}

fused::Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                                 const fused::Incoming& incoming, fused::WeightMemory* memory) {
  at::Tensor gradient = rows(incoming.gradient);
  if (plan.around.relu) {
    gradient = gradient * (rows(incoming.output) > 0);
  }
  fused::Gradients result;
  if (incoming.with_input) {
    const at::Tensor matrix = fused::kept(memory, &fused::WeightMemory::forward,
                                          [&] { return written_out(plan, weight); });
    result.input = fused::empty_images(plan.n, plan.in_channels, plan.height, plan.width);
    at::Tensor input = rows(result.input);
    at::mm_out(input, gradient, matrix);
  }
  if (memory != nullptr && memory->sums_gradients) {
    if (memory->sum.defined()) {
      memory->sum.addmm_(gradient.t(), rows(x));
    } else {
      memory->sum = at::mm(gradient.t(), rows(x));
      memory->whole = [plan](const at::Tensor& sum) { return collected(plan, sum); };
    }
  } else if (incoming.with_weight) {
    result.weight = collected(plan, at::mm(gradient.t(), rows(x)));
  }
  result.bias = gradient.view({-1, plan.out_channels}).sum(0);
  return result;
}

}  // namespace imgcomp::unrolled

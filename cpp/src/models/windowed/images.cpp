#include "models/windowed/images.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>

#include "models/matrices.h"
#include "models/windows.h"

namespace imgcomp::windowed {
namespace {

using fused::Plan;

// Windows that are worked on together stay in the second-level cache.
constexpr int64_t kCacheFloats = int64_t{1} << 18;

WindowGrid grid_of(const Plan& plan) {
  return {plan.in_channels, plan.height, plan.width,  plan.out_height,
          plan.out_width,   plan.kernel, plan.stride, plan.padding};
}

// Calls visit(first image, images, their windows as an uninitialised matrix) for some images after
// the others.
template <class Visit>
void each_part(const Plan& plan, const Visit& visit) {
  const int64_t floats = plan.out_pixels() * plan.taps();
  const int64_t most =
      std::clamp<int64_t>(kCacheFloats * at::get_num_threads() / floats, 1, plan.n);
  const int64_t parts = (plan.n + most - 1) / most;
  const int64_t step = (plan.n + parts - 1) / parts;
  const at::Tensor windows =
      at::empty({step * plan.out_pixels(), plan.taps()}, at::TensorOptions(at::kFloat));
  for (int64_t first = 0; first < plan.n; first += step) {
    const int64_t count = std::min(step, plan.n - first);
    visit(first, count, windows.narrow(0, 0, count * plan.out_pixels()));
  }
}

}  // namespace

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result) {
  const WindowGrid grid = grid_of(plan);
  const at::Tensor matrix = rows_of_weight(weight.detach()).t();
  const at::Tensor output = pixels_of(result);
  const auto* images = x.const_data_ptr<float>();
  each_part(plan, [&](int64_t first, int64_t count, const at::Tensor& windows) {
    gather_windows(grid, count, images + first * plan.image_size(),
                   windows.mutable_data_ptr<float>());
    at::Tensor part = output.narrow(0, first * plan.out_pixels(), count * plan.out_pixels());
    if (bias) {
      at::addmm_out(part, bias->detach(), windows, matrix);
    } else {
      at::mm_out(part, windows, matrix);
    }
    if (plan.around.relu) {
      part.relu_();
    }
  });
}

fused::Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                                 const fused::Incoming& incoming, fused::WeightMemory* memory) {
  const WindowGrid grid = grid_of(plan);
  const at::Tensor matrix = rows_of_weight(weight.detach());
  at::Tensor gradient = pixels_of(incoming.gradient);
  if (plan.around.relu) {
    gradient = gradient * (pixels_of(incoming.output) > 0);
  }
  fused::Gradients result;
  if (incoming.with_input) {
    result.input = fused::empty_images(plan.n, plan.in_channels, plan.height, plan.width);
  }
  const bool go_on = memory != nullptr && memory->sums_gradients;
  at::Tensor sum = go_on ? memory->sum : at::Tensor();
  const auto* images = x.const_data_ptr<float>();
  each_part(plan, [&](int64_t first, int64_t count, at::Tensor windows) {
    const at::Tensor part =
        gradient.narrow(0, first * plan.out_pixels(), count * plan.out_pixels());
    gather_windows(grid, count, images + first * plan.image_size(),
                   windows.mutable_data_ptr<float>());
    if (sum.defined()) {
      sum.addmm_(part.t(), windows);
    } else {
      sum = at::mm(part.t(), windows);
    }
    if (incoming.with_input) {
      // The windows are done with: their gradients take their place.
      at::mm_out(windows, part, matrix);
      scatter_windows(grid, count, windows.const_data_ptr<float>(), nullptr,
                      result.input.mutable_data_ptr<float>() + first * plan.image_size());
    }
  });
  if (go_on) {
    memory->sum = sum;
    memory->whole = [shape = weight.sizes().vec()](const at::Tensor& total) {
      return weight_of_rows(total, shape);
    };
  } else {
    result.weight = weight_of_rows(sum, weight.sizes());
  }
  result.bias = gradient.sum(0);
  return result;
}

}  // namespace imgcomp::windowed

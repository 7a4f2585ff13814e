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

// Bytes of windows that are worked on together: they stay in the second-level cache, or, since each
// product of halves takes time to prepare, in the next one.
constexpr int64_t kCacheBytes = int64_t{1} << 20, kCacheBytesOfHalves = int64_t{1} << 22;

WindowGrid grid_of(const Plan& plan) {
  return {plan.in_channels, plan.height, plan.width,  plan.out_height,
          plan.out_width,   plan.kernel, plan.stride, plan.padding};
}

// Of the numbers that are multiplied.
at::ScalarType number(const Plan& plan) {
  return plan.around.halves ? at::kBFloat16 : at::kFloat;
}

// Calls visit(first image, images, their windows as an uninitialised matrix) for some images after
// the others.
template <class Visit>
void each_part(const Plan& plan, const Visit& visit) {
  const auto size = static_cast<int64_t>(c10::elementSize(number(plan)));
  const int64_t bytes = plan.around.halves ? kCacheBytesOfHalves : kCacheBytes;
  const int64_t most = std::clamp<int64_t>(
      bytes * at::get_num_threads() / (size * plan.out_pixels() * plan.taps()), 1, plan.n);
  const int64_t parts = (plan.n + most - 1) / most;
  const int64_t step = (plan.n + parts - 1) / parts;
  const at::Tensor windows =
      at::empty({step * plan.out_pixels(), plan.taps()}, at::TensorOptions(number(plan)));
  for (int64_t first = 0; first < plan.n; first += step) {
    const int64_t count = std::min(step, plan.n - first);
    visit(first, count, windows.narrow(0, 0, count * plan.out_pixels()));
  }
}

// The windows of some images.
void gather(const Plan& plan, const at::Tensor& x, int64_t first, int64_t count,
            const at::Tensor& windows) {
  const int64_t pixels = plan.height * plan.width;
  const at::Tensor images = pixels_of(x).narrow(0, first * pixels, count * pixels).to(number(plan));
  if (plan.around.halves) {
    gather_windows(grid_of(plan), count, images.const_data_ptr<at::BFloat16>(),
                   windows.mutable_data_ptr<at::BFloat16>());
  } else {
    gather_windows(grid_of(plan), count, images.const_data_ptr<float>(),
                   windows.mutable_data_ptr<float>());
  }
}

// The windows' gradients, added up in those of some images.
void scatter(const Plan& plan, const at::Tensor& windows, int64_t first, int64_t count,
             at::Tensor& images) {
  float* to = images.mutable_data_ptr<float>() + first * plan.image_size();
  if (plan.around.halves) {
    scatter_windows(grid_of(plan), count, windows.const_data_ptr<at::BFloat16>(), nullptr, to);
  } else {
    scatter_windows(grid_of(plan), count, windows.const_data_ptr<float>(), nullptr, to);
  }
}

}  // namespace

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result) {
  const at::Tensor matrix = rows_of_weight(weight.detach()).to(number(plan)).t();
  const at::Tensor output = pixels_of(result);
  each_part(plan, [&](int64_t first, int64_t count, const at::Tensor& windows) {
    gather(plan, x, first, count, windows);
    at::Tensor part = output.narrow(0, first * plan.out_pixels(), count * plan.out_pixels());
    if (plan.around.halves) {
      part.copy_(at::mm(windows, matrix));
      if (bias) {
        part.add_(bias->detach());
      }
    } else if (bias) {
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
  const at::Tensor matrix = rows_of_weight(weight.detach()).to(number(plan));
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
  each_part(plan, [&](int64_t first, int64_t count, at::Tensor windows) {
    const at::Tensor part =
        gradient.narrow(0, first * plan.out_pixels(), count * plan.out_pixels()).to(number(plan));
    gather(plan, x, first, count, windows);
    if (!sum.defined()) {
      sum = at::mm(part.t(), windows).to(at::kFloat);
    } else if (plan.around.halves) {
      sum.add_(at::mm(part.t(), windows));
    } else {
      sum.addmm_(part.t(), windows);
    }
    if (incoming.with_input) {
      // The windows are done with: their gradients take their place.
      at::mm_out(windows, part, matrix);
      scatter(plan, windows, first, count, result.input);
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

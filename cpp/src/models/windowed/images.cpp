#include "models/windowed/images.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>

#include <algorithm>

#include "models/halves.h"
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

// The windows over the gradient that reach an input's pixel, of a convolution without a stride.
WindowGrid grid_of_gradient(const Plan& plan) {
  return {plan.out_channels,
          plan.out_height,
          plan.out_width,
          plan.height,
          plan.width,
          plan.kernel,
          {1, 1},
          {plan.kernel[0] - 1 - plan.padding[0], plan.kernel[1] - 1 - plan.padding[1]}};
}

// Whether these windows cost less than adding up those of the input's gradient, which reads and
// writes float32 sums.
bool by_windows_of_gradient(const Plan& plan) {
  return plan.stride == fused::Pair{1, 1} && plan.out_channels <= 2 * plan.in_channels;
}

// A weight (C', C, kh, kw) as such windows are multiplied with it, (kh · kw · C', C).
at::Tensor turned(const at::Tensor& weight) {
  return weight.flip({2, 3}).permute({2, 3, 0, 1}).reshape({-1, weight.size(1)});
}

// Of the numbers that are multiplied.
at::ScalarType number(const Plan& plan) {
  return plan.around.halves ? at::kBFloat16 : at::kFloat;
}

// Some images: the first, and how many; and memory for their windows.
struct Part {
  int64_t first, count;
  at::Tensor windows;

  // Those of this part, of rows that are so many for each image.
  at::Tensor of(const at::Tensor& rows, int64_t each) const {
    return rows.narrow(0, first * each, count * each);
  }
};

// Calls visit(part) for some images after the others.
template <class Visit>
void each_part(const Plan& plan, const WindowGrid& grid, const Visit& visit) {
  const int64_t windows = grid.rows * grid.columns;
  const auto size = static_cast<int64_t>(c10::elementSize(number(plan)));
  const int64_t bytes = plan.around.halves ? kCacheBytesOfHalves : kCacheBytes;
  const int64_t most = std::clamp<int64_t>(
      bytes * at::get_num_threads() / (size * windows * grid.window_size()), 1, plan.n);
  const int64_t parts = (plan.n + most - 1) / most;
  const int64_t step = (plan.n + parts - 1) / parts;
  const at::Tensor memory =
      at::empty({step * windows, grid.window_size()}, at::TensorOptions(number(plan)));
  for (int64_t first = 0; first < plan.n; first += step) {
    const int64_t count = std::min(step, plan.n - first);
    visit(Part{first, count, memory.narrow(0, 0, count * windows)});
  }
}

// The windows of a part's images; `pixels` are those of all images.
void gather(const WindowGrid& grid, const at::Tensor& pixels, const Part& part) {
  at::Tensor images = part.of(pixels, grid.height * grid.width);
  if (part.windows.scalar_type() == at::kBFloat16) {
    images = images.scalar_type() == at::kBFloat16 ? images : to_halves(images);
    gather_windows(grid, part.count, images.const_data_ptr<at::BFloat16>(),
                   part.windows.mutable_data_ptr<at::BFloat16>());
  } else {
    gather_windows(grid, part.count, images.const_data_ptr<float>(),
                   part.windows.mutable_data_ptr<float>());
  }
}

// The windows' gradients, added up in those of a part's images.
void scatter(const WindowGrid& grid, const Part& part, at::Tensor& images) {
  float* to = images.mutable_data_ptr<float>() + part.first * grid.image_size();
  if (part.windows.scalar_type() == at::kBFloat16) {
    scatter_windows(grid, part.count, part.windows.const_data_ptr<at::BFloat16>(), nullptr, to);
  } else {
    scatter_windows(grid, part.count, part.windows.const_data_ptr<float>(), nullptr, to);
  }
}

// Into float32 rows, with a bias where there is one.
void multiply(const at::Tensor& windows, const at::Tensor& matrix,
              const std::optional<at::Tensor>& bias, bool relu, at::Tensor rows) {
  if (windows.scalar_type() == at::kBFloat16) {
    from_halves(at::mm(windows, matrix), bias, relu, rows);
    return;
  }
  if (bias) {
    at::addmm_out(rows, bias->detach(), windows, matrix);
  } else {
    at::mm_out(rows, windows, matrix);
  }
  if (relu) {
    rows.relu_();
  }
}

// sum += rowsᵀ · windows, in float32; a sum that is undefined is zero.
void add_products(const at::Tensor& rows, const at::Tensor& windows, at::Tensor& sum) {
  if (!sum.defined()) {
    sum = at::mm(rows.t(), windows).to(at::kFloat);
  } else if (windows.scalar_type() == at::kBFloat16) {
    sum.add_(at::mm(rows.t(), windows));
  } else {
    sum.addmm_(rows.t(), windows);
  }
}

}  // namespace

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result) {
  const WindowGrid grid = grid_of(plan);
  const at::Tensor matrix = rows_of_weight(weight.detach()).to(number(plan)).t();
  const at::Tensor pixels = pixels_of(x), output = pixels_of(result);
  each_part(plan, grid, [&](const Part& part) {
    gather(grid, pixels, part);
    multiply(part.windows, matrix, bias, plan.around.relu, part.of(output, plan.out_pixels()));
  });
}

fused::Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                                 const fused::Incoming& incoming, fused::WeightMemory* memory) {
  const WindowGrid grid = grid_of(plan);
  const at::Tensor pixels = pixels_of(x);
  at::Tensor gradient = pixels_of(incoming.gradient);
  if (plan.around.relu) {
    gradient = gradient * (pixels_of(incoming.output) > 0);
  }
  fused::Gradients result;
  if (plan.around.halves) {
    SummedHalves found = to_halves_with_sums(gradient);
    gradient = found.halves;
    result.bias = found.sums;
  } else {
    result.bias = gradient.sum(0);
  }
  const bool from_gradient = incoming.with_input && by_windows_of_gradient(plan);
  const bool from_sums = incoming.with_input && !from_gradient;
  at::Tensor matrix;
  if (from_sums) {
    matrix = rows_of_weight(weight.detach()).to(number(plan));
  }
  if (incoming.with_input) {
    result.input = fused::empty_images(plan.n, plan.in_channels, plan.height, plan.width);
  }
  const bool go_on = memory != nullptr && memory->sums_gradients;
  at::Tensor sum = go_on ? memory->sum : at::Tensor();
  each_part(plan, grid, [&](Part part) {
    const at::Tensor rows = part.of(gradient, plan.out_pixels());
    if (incoming.with_weight) {
      gather(grid, pixels, part);
      add_products(rows, part.windows, sum);
    }
    if (from_sums) {
      // The windows are done with: their gradients take their place.
      at::mm_out(part.windows, rows, matrix);
      scatter(grid, part, result.input);
    }
  });
  if (from_gradient) {
    const WindowGrid around = grid_of_gradient(plan);
    const at::Tensor back = turned(weight.detach()).to(number(plan));
    const at::Tensor input = pixels_of(result.input);
    each_part(plan, around, [&](const Part& part) {
      gather(around, gradient, part);
      multiply(part.windows, back, std::nullopt, false, part.of(input, plan.height * plan.width));
    });
  }
  if (go_on) {
    memory->sum = sum;
    memory->whole = [shape = weight.sizes().vec()](const at::Tensor& total) {
      return weight_of_rows(total, shape);
    };
  } else if (incoming.with_weight) {
    result.weight = weight_of_rows(sum, weight.sizes());
  }
  return result;
}

}  // namespace imgcomp::windowed

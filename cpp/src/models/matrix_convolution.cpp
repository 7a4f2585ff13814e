#include "models/matrix_convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "models/fused/plan.h"
#include "models/layers.h"
#include "models/matrices.h"
#include "models/windows.h"

namespace imgcomp {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Pair = std::array<int64_t, 2>;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

at::Tensor windows_of(const WindowGrid& grid, const at::Tensor& images) {
  const int64_t n = images.size(0);
  at::Tensor windows =
      at::empty({n * grid.rows * grid.columns, grid.window_size()}, at::TensorOptions(at::kFloat));
  gather_windows(grid, n, images.const_data_ptr<float>(), windows.mutable_data_ptr<float>());
  return windows;
}

at::Tensor added_up(const WindowGrid& grid, int64_t n, const at::Tensor& windows,
                    const std::optional<at::Tensor>& bias) {
  at::Tensor images = fused::empty_images(n, grid.channels, grid.height, grid.width);
  const at::Tensor offset = bias ? bias->contiguous() : at::Tensor();
  scatter_windows(grid, n, windows.const_data_ptr<float>(),
                  offset.defined() ? offset.const_data_ptr<float>() : nullptr,
                  images.mutable_data_ptr<float>());
  return images;
}

// Each pixel of the input makes one window of the output.
struct ConvTranspose : Function<ConvTranspose> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            Pair stride, Pair padding, Pair output_padding) {
    Pair output_size{};
    for (size_t axis = 0; axis < 2; ++axis) {
      const auto dimension = static_cast<int64_t>(axis) + 2;
      output_size[axis] = (input.size(dimension) - 1) * stride[axis] - 2 * padding[axis] +
                          weight.size(dimension) + output_padding[axis];
    }
    const at::Tensor x = input.contiguous(kChannelsLast);
    const WindowGrid grid{weight.size(1), output_size[0], output_size[1],
                          x.size(2),      x.size(3),      {weight.size(2), weight.size(3)},
                          stride,         padding};
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = c10::IntArrayRef(stride);
    context->saved_data["padding"] = c10::IntArrayRef(padding);
    context->saved_data["output_padding"] = c10::IntArrayRef(output_padding);
    context->saved_data["has_bias"] = bias.has_value();
    return added_up(grid, x.size(0), at::mm(pixels_of(x), rows_of_weight(weight)), bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1];
    const at::Tensor gradient = gradients[0].contiguous(kChannelsLast);
    const auto stride = context->saved_data["stride"].toIntVector();
    const auto padding = context->saved_data["padding"].toIntVector();
    const bool with_bias = context->saved_data["has_bias"].toBool();
    variable_list result(6);
    if (at::GradMode::is_enabled()) {
      // Second derivatives are wanted: only the library's backward can be derived again.
      const auto output_padding = context->saved_data["output_padding"].toIntVector();
      std::tie(result[0], result[1], result[2]) = at::convolution_backward(
          gradients[0], x, weight, at::OptionalIntArrayRef({weight.size(1)}), stride, padding,
          /*dilation=*/{1, 1}, /*transposed=*/true, output_padding, /*groups=*/1,
          {context->needs_input_grad(0), context->needs_input_grad(1),
           with_bias && context->needs_input_grad(2)});
      return result;
    }
    const WindowGrid grid{weight.size(1),
                          gradient.size(2),
                          gradient.size(3),
                          x.size(2),
                          x.size(3),
                          {weight.size(2), weight.size(3)},
                          {stride[0], stride[1]},
                          {padding[0], padding[1]}};
    const at::Tensor windows = windows_of(grid, gradient);
    if (context->needs_input_grad(0)) {
      at::Tensor images = fused::empty_images(x.size(0), x.size(1), x.size(2), x.size(3));
      at::Tensor flat = pixels_of(images);
      at::mm_out(flat, windows, rows_of_weight(weight).t());
      result[0] = images;
    }
    if (context->needs_input_grad(1)) {
      result[1] = weight_of_rows(at::mm(pixels_of(x).t(), windows), weight.sizes());
    }
    if (with_bias && context->needs_input_grad(2)) {
      result[2] = pixels_of(gradient).sum(0);
    }
    return result;
  }
};

}  // namespace

bool matrix_convolution_applies(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         x.is_contiguous(kChannelsLast) && !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor matrix_conv_transpose2d(const at::Tensor& x, const at::Tensor& weight,
                                   const at::Tensor& bias, Pair stride, Pair padding,
                                   Pair output_padding) {
  return ConvTranspose::apply(x, weight, if_defined(bias), stride, padding, output_padding);
}

}  // namespace imgcomp

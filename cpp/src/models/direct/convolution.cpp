#include "models/direct/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "models/direct/plan.h"
#include "models/layers.h"

namespace imgcomp::direct {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr Pair kOne{1, 1};

struct Convolution : Function<Convolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, Pair padding, bool relu,
                            bool max_pool) {
    const Plan plan(*best_kernels(), x, weight, padding, {relu, max_pool});
    const auto [rows, columns] = plan.result_size();
    at::Tensor result = empty_images(plan.n, plan.out_channels, rows, columns);
    at::Tensor choice;
    if (max_pool) {
      choice = at::empty({plan.n, plan.out_channels, rows, columns}, at::TensorOptions(at::kByte),
                         kChannelsLast);
    }
    forward_images(plan, x, weight, bias, result, choice);
    // The bias is only needed for second derivatives.
    context->save_for_backward({x, weight, bias.value_or(at::Tensor()),
                                relu && !max_pool ? result : at::Tensor(), choice});
    context->saved_data["padding"] = c10::IntArrayRef(padding);
    context->saved_data["relu"] = relu;
    context->saved_data["max_pool"] = max_pool;
    return result;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto pads = context->saved_data["padding"].toIntVector();
    const Pair padding{pads[0], pads[1]};
    const Epilogue epilogue{context->saved_data["relu"].toBool(),
                            context->saved_data["max_pool"].toBool()};
    variable_list result(6);
    if (at::GradMode::is_enabled()) {
      return derivable(context, x, weight, bias, padding, epilogue, gradients[0]);
    }
    const Plan plan(*best_kernels(), x, weight, padding, epilogue);
    const at::Tensor gradient = gradients[0].contiguous(kChannelsLast);
    const bool with_input = context->needs_input_grad(0);
    const Gradients found =
        backward_images(plan, x, weight, gradient, saved[3], saved[4], with_input);
    if (with_input) {
      result[0] = found.input;
    }
    if (context->needs_input_grad(1)) {
      // In the weight's own memory layout, as the optimiser wants it.
      result[1] = at::empty_like(weight).copy_(found.weight);
    }
    if (bias.defined() && context->needs_input_grad(2)) {
      result[2] = found.bias.contiguous();
    }
    return result;
  }

 private:
  // Second derivatives are wanted: the gradient by ATen, which can be derived again.
  static variable_list derivable(AutogradContext* context, const at::Tensor& x,
                                 const at::Tensor& weight, const at::Tensor& bias, Pair padding,
                                 Epilogue epilogue, const at::Tensor& gradient) {
    const at::Tensor output = convolve_by_aten(x, weight, bias, kOne, padding, kOne, epilogue);
    variable_list inputs;
    std::vector<size_t> places;
    for (size_t i = 0; i < 3; ++i) {
      const at::Tensor& each = i == 0 ? x : i == 1 ? weight : bias;
      if (each.defined() && context->needs_input_grad(i)) {
        inputs.push_back(each);
        places.push_back(i);
      }
    }
    const variable_list found = torch::autograd::grad({output}, inputs, {gradient},
                                                      /*retain_graph=*/true, /*create_graph=*/true);
    variable_list result(6);
    for (size_t i = 0; i < places.size(); ++i) {
      result[places[i]] = found[i];
    }
    return result;
  }
};

}  // namespace

bool applies(const at::Tensor& x, const at::Tensor& weight, Pair stride, Pair padding,
             Pair dilation) {
  const auto is_float = [](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 4;
  };
  return best_kernels() != nullptr && is_float(x) && is_float(weight) &&
         x.is_contiguous(kChannelsLast) && stride == kOne && dilation == kOne &&
         padding[0] < weight.size(2) && padding[1] < weight.size(3) && x.numel() > 0 &&
         x.size(2) + 2 * padding[0] > weight.size(2) &&
         x.size(3) + 2 * padding[1] > weight.size(3) &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor convolve_by_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            Pair stride, Pair padding, Pair dilation, Epilogue epilogue) {
  at::Tensor y = at::conv2d(x, weight, bias, stride, padding, dilation);
  if (epilogue.relu) {
    y = at::relu_(y);
  }
  return epilogue.max_pool ? at::max_pool2d(y, {2, 2}) : y;
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    Pair padding, Epilogue epilogue) {
  return Convolution::apply(x, weight, if_defined(bias), padding, epilogue.relu, epilogue.max_pool);
}

}  // namespace imgcomp::direct

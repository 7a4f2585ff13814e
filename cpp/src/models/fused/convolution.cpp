#include "models/fused/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/cpu/Utils.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "models/direct/images.h"
#include "models/direct/kernels.h"
#include "models/fused/phase.h"
#include "models/layers.h"
#include "models/transformed/images.h"
#include "models/transformed/planes.h"
#include "models/unrolled/images.h"
#include "models/windowed/images.h"

namespace imgcomp::fused {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr Pair kOne{1, 1};

// Whether the processor multiplies bfloat16 numbers faster than float32 ones.
bool halves_pay() {
  static const bool pay = [] {
    const auto capabilities = at::cpu::get_cpu_capabilities();
    const auto has = [&](const char* name) {
      const auto place = capabilities.find(name);
      return place != capabilities.end() && place->second.isBool() && place->second.toBool();
    };
    return has("avx512_bf16") || has("amx_bf16");
  }();
  return pay;
}

// Whether autocast asks for products of bfloat16 numbers. Few channels have too few products for
// what rounding costs, and methods of their own.
bool halves_wanted(const at::Tensor& weight) {
  constexpr int64_t kLeastChannels = 16;
  return at::autocast::is_autocast_enabled(at::kCPU) && weight.size(0) >= kLeastChannels &&
         weight.size(1) >= kLeastChannels;
}

bool by_unrolling(const Plan& plan) {
  return !plan.around.halves && unrolled::takes(plan);
}

// Only products of matrices: there are no loops of ours for bfloat16 numbers.
bool by_windows(const Plan& plan) {
  return plan.around.halves || !plan.plain;
}

// Whether one of the methods that read the image before it is upsampled takes the plan.
bool upsamples_itself(const Plan& plan) {
  return !plan.around.halves && (transformed::planes_take(plan) || transformed::takes(plan));
}

bool by_transform(const Plan& plan) {
  return transformed::takes(plan) &&
         (plan.around.upsample ||
          transformed::cost(plan) < plan.out_pixels() * plan.taps() * plan.padded_channels);
}

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice,
                    WeightMemory* memory) {
  if (by_unrolling(plan)) {
    unrolled::forward_images(plan, x, weight, bias, result, memory);
  } else if (by_windows(plan)) {
    windowed::forward_images(plan, x, weight, bias, result);
  } else if (transformed::planes_take(plan)) {
    transformed::forward_planes(plan, x, weight, bias, result, choice);
  } else if (by_transform(plan)) {
    transformed::forward_images(plan, x, weight, bias, result, choice, memory);
  } else {
    direct::forward_images(plan, x, weight, bias, result, choice);
  }
}

// The weight's gradient is undefined where the memory sums it up.
Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                          const Incoming& incoming, WeightMemory* memory) {
  if (by_unrolling(plan)) {
    return unrolled::backward_images(plan, x, weight, incoming, memory);
  }
  if (by_windows(plan)) {
    return windowed::backward_images(plan, x, weight, incoming, memory);
  }
  if (transformed::planes_take(plan)) {
    return transformed::backward_planes(plan, x, weight, incoming);
  }
  if (direct::pooled_applies(plan) && !plan.around.upsample) {
    return direct::backward_pooled(plan, x, weight, incoming);
  }
  return by_transform(plan) ? transformed::backward_images(plan, x, weight, incoming, memory)
                            : direct::backward_images(plan, x, weight, incoming);
}

// What is left of a weight, or of a bias, without its first channels.
at::Tensor without(int64_t left_out, const at::Tensor& tensor) {
  return left_out == 0 || !tensor.defined() ? tensor : tensor.slice(0, left_out);
}

struct Convolution : Function<Convolution> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, const Geometry& geometry,
                            const Around& around, const WeightMemoryPtr& memory, int64_t left_out) {
    const at::Tensor used = without(left_out, weight);
    const Plan plan(direct::best_kernels()->width, x, used, geometry, around);
    const auto [rows, columns] = plan.result_size();
    at::Tensor result = empty_images(plan.n, plan.out_channels, rows, columns);
    at::Tensor choice;
    if (around.max_pool) {
      choice = at::empty({plan.n, plan.out_channels, rows, columns}, at::TensorOptions(at::kByte),
                         kChannelsLast);
    }
    forward_images(plan, x, used, if_defined(without(left_out, bias.value_or(at::Tensor()))),
                   result, choice, memory.get());
    // The bias is only needed for second derivatives.
    context->save_for_backward({x, weight, bias.value_or(at::Tensor()),
                                around.relu && !around.max_pool ? result : at::Tensor(), choice});
    context->saved_data["stride"] = c10::IntArrayRef(geometry.stride);
    context->saved_data["padding"] = c10::IntArrayRef(geometry.padding);
    context->saved_data["padding_after"] = c10::IntArrayRef(geometry.padding_after);
    context->saved_data["upsample"] = around.upsample;
    context->saved_data["relu"] = around.relu;
    context->saved_data["max_pool"] = around.max_pool;
    context->saved_data["halves"] = around.halves;
    context->saved_data["left_out"] = left_out;
    if (memory) {
      memory->left_out = left_out;
      context->saved_data["memory"] = c10::IValue::make_capsule(memory);
    }
    return result;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto pair = [&](const char* name) {
      const auto values = context->saved_data[name].toIntVector();
      return Pair{values[0], values[1]};
    };
    const Geometry geometry{pair("stride"), pair("padding"), pair("padding_after")};
    const Around around{
        context->saved_data["upsample"].toBool(), context->saved_data["relu"].toBool(),
        context->saved_data["max_pool"].toBool(), context->saved_data["halves"].toBool()};
    const int64_t left_out = context->saved_data["left_out"].toInt();
    if (at::GradMode::is_enabled()) {
      return derivable(context, x, weight, bias, geometry, around, left_out, gradients[0]);
    }
    const at::Tensor used = without(left_out, weight);
    const Plan plan(direct::best_kernels()->width, x, used, geometry, around);
    WeightMemoryPtr memory;
    if (const auto place = context->saved_data.find("memory"); place != context->saved_data.end()) {
      memory = c10::static_intrusive_pointer_cast<WeightMemory>(place->second.toCapsule());
    }
    const Gradients found =
        backward_images(plan, x, used,
                        {gradients[0].contiguous(kChannelsLast), saved[3], saved[4],
                         context->needs_input_grad(0), context->needs_input_grad(1)},
                        memory.get());
    variable_list result(kArguments);
    if (context->needs_input_grad(0)) {
      result[0] = found.input;
    }
    if (context->needs_input_grad(1) && found.weight.defined()) {
      result[1] = with_zeros(left_out, found.weight, weight);
    }
    if (bias.defined() && context->needs_input_grad(2)) {
      result[2] = with_zeros(left_out, found.bias, bias);
    }
    return result;
  }

 private:
  static constexpr size_t kArguments = 7;

  // Second derivatives are wanted: the gradient by ATen, which can be derived again.
  static variable_list derivable(AutogradContext* context, const at::Tensor& x,
                                 const at::Tensor& weight, const at::Tensor& bias,
                                 const Geometry& geometry, Around around, int64_t left_out,
                                 const at::Tensor& gradient) {
    const at::Tensor output =
        convolve_by_aten(x, without(left_out, weight), without(left_out, bias), geometry, around);
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
    variable_list result(kArguments);
    for (size_t i = 0; i < places.size(); ++i) {
      result[places[i]] = found[i];
    }
    return result;
  }
};

}  // namespace

at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const Geometry& geometry, Around around, const WeightMemoryPtr& memory,
                       int64_t left_out) {
  return applies(x, weight, geometry, around)
             ? convolve(x, weight, bias, geometry, around, memory, left_out)
             : convolve_by_aten(x, without(left_out, weight), without(left_out, bias), geometry,
                                around);
}

bool applies(const at::Tensor& x, const at::Tensor& weight, const Geometry& geometry,
             Around around) {
  const auto is_float = [](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.dim() == 4;
  };
  const auto fits = [&](size_t axis) {
    const int64_t kernel = weight.size(static_cast<int64_t>(axis) + 2);
    const int64_t before = geometry.padding[axis], after = geometry.padding_after[axis];
    return before < kernel && after < kernel &&
           x.size(static_cast<int64_t>(axis) + 2) + before + after > kernel;
  };
  const bool plain = geometry.stride == kOne && geometry.even();
  return direct::best_kernels() != nullptr && is_float(x) && is_float(weight) &&
         x.is_contiguous(kChannelsLast) && geometry.dilation == kOne &&
         (plain || !(around.upsample || around.max_pool)) && x.numel() > 0 && fits(0) && fits(1) &&
         (!at::autocast::is_autocast_enabled(at::kCPU) ||
          (at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16 && halves_pay()));
}

at::Tensor convolve_by_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const Geometry& geometry, Around around) {
  const auto& [stride, padding, after, dilation] = geometry;
  const bool by_phases = around.upsample && stride == kOne && padding == kOne && after == kOne &&
                         dilation == kOne && weight.size(2) == 3 && weight.size(3) == 3;
  at::Tensor y;
  if (by_phases) {
    y = phase_convolution(x, weight, bias);
  } else {
    at::Tensor input =
        around.upsample ? at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}) : x;
    if (!geometry.even()) {
      input = at::constant_pad_nd(input, {padding[1], after[1], padding[0], after[0]})
                  .contiguous(x.suggest_memory_format());
    }
    y = at::conv2d(input, weight, bias, stride, geometry.even() ? padding : Pair{0, 0}, dilation);
  }
  if (around.relu) {
    y = at::relu_(y);
  }
  return around.max_pool ? at::max_pool2d(y, {2, 2}) : y;
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const Geometry& geometry, Around around, const WeightMemoryPtr& memory,
                    int64_t left_out) {
  around.halves = halves_wanted(weight);
  const bool pool = around.halves && std::exchange(around.max_pool, false);
  at::Tensor image = x;
  if (around.upsample &&
      !upsamples_itself(Plan(direct::best_kernels()->width, x, weight, geometry, around))) {
    around.upsample = false;
    image = at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)});
  }
  const at::Tensor y =
      Convolution::apply(image, weight, if_defined(bias), geometry, around, memory, left_out);
  return pool ? at::max_pool2d(y, {2, 2}) : y;
}

}  // namespace imgcomp::fused

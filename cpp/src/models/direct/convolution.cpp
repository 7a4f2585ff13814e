#include "models/direct/convolution.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstring>

#include "models/direct/kernels.h"
#include "models/layers.h"

namespace imgcomp::direct {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Pair = std::array<int64_t, 2>;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

at::Tensor empty_images(int64_t n, int64_t channels, int64_t height, int64_t width) {
  return at::empty({n, channels, height, width}, at::TensorOptions(at::kFloat), kChannelsLast);
}

int64_t round_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

// Memory for one thread's intermediate results, as a tensor so that torch's allocator keeps it.
struct Scratch {
  explicit Scratch(int64_t floats)
      : tensor(at::empty({floats}, at::TensorOptions(at::kFloat))),
        data(tensor.mutable_data_ptr<float>()) {}
  at::Tensor tensor;
  float* data;
};

// Weights in the order in which the loops read them: blocks of one vector of output channels, each
// (kernel_height, row_taps, vector), missing channels 0.
at::Tensor packed(int64_t vector, int64_t outputs, int64_t taps,
                  const auto& weight_of /* (output, tap) → float */) {
  const int64_t padded = round_up(outputs, vector);
  at::Tensor result = at::empty({padded * taps}, at::TensorOptions(at::kFloat));
  auto* to = result.mutable_data_ptr<float>();
  for (int64_t block = 0; block < padded; block += vector) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      for (int64_t i = block; i < block + vector; ++i) {
        *to++ = i < outputs ? weight_of(i, tap) : 0.0F;
      }
    }
  }
  return result;
}

// Rows of (width, channels) with `padding` columns of zeros at both ends.
void pad_rows(const float* from, int64_t rows, int64_t width, int64_t channels, int64_t padding,
              float* to) {
  const int64_t edge = padding * channels;
  const int64_t inner = width * channels;
  for (int64_t y = 0; y < rows; ++y) {
    std::memset(to, 0, static_cast<size_t>(edge) * sizeof(float));
    std::memcpy(to + edge, from, static_cast<size_t>(inner) * sizeof(float));
    std::memset(to + edge + inner, 0, static_cast<size_t>(edge) * sizeof(float));
    from += inner;
    to += inner + 2 * edge;
  }
}

// Everything about one call that does not change from image to image.
struct Plan {
  const Kernels& kernels;
  int64_t n, in_channels, height, width, out_channels;
  Pair kernel, padding;
  Epilogue epilogue;
  Shape shape{};             // out_channels padded up
  int64_t padded_width = 0;  // of the input

  Plan(const Kernels& k, const at::Tensor& x, const at::Tensor& weight, Pair pad, Epilogue after)
      : kernels(k),
        n(x.size(0)),
        in_channels(x.size(1)),
        height(x.size(2)),
        width(x.size(3)),
        out_channels(weight.size(0)),
        kernel{weight.size(2), weight.size(3)},
        padding(pad),
        epilogue(after),
        padded_width(width + 2 * pad[1]) {
    shape = {in_channels,
             height,
             padding[0],
             padded_width * in_channels,
             kernel[0],
             kernel[1],
             height + 2 * padding[0] - kernel[0] + 1,
             padded_width - kernel[1] + 1,
             round_up(out_channels, k.width)};
  }

  int64_t taps() const { return kernel[0] * kernel[1] * in_channels; }
  int64_t image_size() const { return height * width * in_channels; }
  int64_t padded_size() const { return height * padded_width * in_channels; }
  int64_t out_pixels() const { return shape.out_height * shape.out_width; }
  bool whole_vectors() const { return shape.out_channels == out_channels; }
  Pair result_size() const {
    return epilogue.max_pool ? Pair{shape.out_height / 2, shape.out_width / 2}
                             : Pair{shape.out_height, shape.out_width};
  }
  // One image of x as the loops want it: with its columns of zeros.
  const float* padded_input(const float* image, float* scratch) const {
    if (padding[1] == 0) {
      return image;
    }
    pad_rows(image, height, width, in_channels, padding[1], scratch);
    return scratch;
  }
};

// Drops the channels that were added to fill the vectors.
void narrow_pixels(const float* from, int64_t pixels, int64_t padded, int64_t channels, float* to) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    std::memcpy(to + pixel * channels, from + pixel * padded,
                static_cast<size_t>(channels) * sizeof(float));
  }
}

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice) {
  const Shape& s = plan.shape;
  const at::Tensor filters = weight.permute({0, 2, 3, 1}).contiguous();
  const auto* filter = filters.const_data_ptr<float>();
  const int64_t taps = plan.taps();
  const at::Tensor pack =
      packed(plan.kernels.width, plan.out_channels, taps,
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
  const auto [rows, columns] = plan.result_size();
  const int64_t result_size = rows * columns * plan.out_channels;
  const int64_t row_size = s.out_width * s.out_channels;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const Scratch padded(plan.padding[1] == 0 ? 0 : plan.padded_size());
    const Scratch raw(plan.epilogue.max_pool ? 2 * row_size
                      : plan.whole_vectors() ? 0
                                             : s.out_height * row_size);
    const bool narrow = !plan.whole_vectors();
    const Scratch narrowed(plan.epilogue.max_pool && narrow ? 2 * s.out_width * plan.out_channels
                                                            : 0);
    for (int64_t i = begin; i < end; ++i) {
      const float* input = plan.padded_input(images + i * plan.image_size(), padded.data);
      float* to = results + i * result_size;
      if (plan.epilogue.max_pool) {
        for (int64_t y = 0; y < rows; ++y) {
          plan.kernels.convolve(s, input, weights, offsets, 2 * y, 2 * y + 2, raw.data);
          const float* upper = raw.data;
          if (narrow) {
            narrow_pixels(raw.data, 2 * s.out_width, s.out_channels, plan.out_channels,
                          narrowed.data);
            upper = narrowed.data;
          }
          const int64_t at = y * columns * plan.out_channels;
          plan.kernels.relu_max_pool(upper, upper + s.out_width * plan.out_channels, columns,
                                     plan.out_channels, to + at, choices + i * result_size + at);
        }
        continue;
      }
      plan.kernels.convolve(s, input, weights, offsets, 0, s.out_height, narrow ? raw.data : to);
      if (narrow) {
        narrow_pixels(raw.data, plan.out_pixels(), s.out_channels, plan.out_channels, to);
      }
      if (plan.epilogue.relu) {
        plan.kernels.relu(to, result_size);
      }
    }
  });
}

// Sums of weight and bias gradients, one for each thread, added up in the threads' order.
struct Sums {
  Sums(int64_t threads, int64_t weights, int64_t channels)
      : weight(at::zeros({threads, weights}, at::TensorOptions(at::kFloat))),
        bias(at::zeros({threads, channels}, at::TensorOptions(at::kFloat))) {}
  at::Tensor weight, bias;

  float* weight_of(int64_t thread) {
    return weight.mutable_data_ptr<float>() + thread * weight.size(1);
  }
  float* bias_of(int64_t thread) { return bias.mutable_data_ptr<float>() + thread * bias.size(1); }
};

struct Gradients {
  at::Tensor input, weight, bias;  // input: undefined where it is not needed
};

// The gradient of the convolution's own output, of one image, from that of what follows it; pixels
// have s.out_channels channels, and there are `edge` columns of zeros at both ends of each row.
void expand_gradient(const Plan& plan, const float* gradient, const float* result,
                     const uint8_t* choice, int64_t edge, float* expanded, float* rows) {
  const Shape& s = plan.shape;
  const int64_t channels = plan.out_channels;
  const int64_t to_row = (s.out_width + 2 * edge) * s.out_channels;
  std::memset(expanded, 0, static_cast<size_t>(s.out_height * to_row) * sizeof(float));
  const auto place = [&](const float* from, int64_t y) {
    float* to = expanded + y * to_row + edge * s.out_channels;
    for (int64_t x = 0; x < s.out_width; ++x) {
      std::memcpy(to + x * s.out_channels, from + x * channels,
                  static_cast<size_t>(channels) * sizeof(float));
    }
  };
  const int64_t row = s.out_width * channels;
  if (!plan.epilogue.max_pool) {
    for (int64_t y = 0; y < s.out_height; ++y) {
      const float* from = gradient + y * row;
      if (plan.epilogue.relu) {
        plan.kernels.relu_gradient(from, result + y * row, row, rows);
        from = rows;
      }
      place(from, y);
    }
    return;
  }
  const auto [pooled_height, pooled_width] = plan.result_size();
  std::memset(rows, 0, static_cast<size_t>(2 * row) * sizeof(float));  // an odd last column
  for (int64_t y = 0; y < pooled_height; ++y) {
    const int64_t at = y * pooled_width * channels;
    plan.kernels.relu_max_pool_gradient(gradient + at, choice + at, pooled_width, channels, rows,
                                        rows + row);
    place(rows, 2 * y);
    place(rows + row, 2 * y + 1);
  }
}

// Whether the gradient of what was pooled can go straight to weights and input.
bool pooled_applies(const Plan& plan) {
  return plan.epilogue.max_pool && plan.whole_vectors() &&
         plan.shape.row_taps() % plan.kernels.width == 0 && plan.padding == Pair{0, 0};
}

void add_pooled_bias(const float* gradient, const uint8_t* choice, int64_t pixels, int64_t channels,
                     float* sums) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      const int64_t at = pixel * channels + c;
      sums[c] += choice[at] < 4 ? gradient[at] : 0.0F;
    }
  }
}

Gradients backward_pooled(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& gradient, const at::Tensor& choice, bool with_input) {
  const Shape& s = plan.shape;
  const at::Tensor filters = weight.permute({0, 2, 3, 1}).contiguous();
  Sums sums(at::get_num_threads(), plan.out_channels * plan.taps(), plan.out_channels);
  Gradients result;
  if (with_input) {
    result.input = empty_images(plan.n, plan.in_channels, plan.height, plan.width);
  }
  const auto* images = x.const_data_ptr<float>();
  const auto* gradients = gradient.const_data_ptr<float>();
  const auto* choices = choice.const_data_ptr<uint8_t>();
  const auto* filter = filters.const_data_ptr<float>();
  auto* inputs = with_input ? result.input.mutable_data_ptr<float>() : nullptr;
  const int64_t pixels = gradient.size(2) * gradient.size(3);
  const int64_t size = pixels * plan.out_channels;
  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    float* weight_sums = sums.weight_of(at::get_thread_num());
    float* bias_sums = sums.bias_of(at::get_thread_num());
    for (int64_t i = begin; i < end; ++i) {
      float* to = with_input ? inputs + i * plan.image_size() : nullptr;
      if (with_input) {
        std::memset(to, 0, static_cast<size_t>(plan.image_size()) * sizeof(float));
      }
      plan.kernels.pooled_gradients(s, images + i * plan.image_size(), filter, gradients + i * size,
                                    choices + i * size, weight_sums, to);
      add_pooled_bias(gradients + i * size, choices + i * size, pixels, plan.out_channels,
                      bias_sums);
    }
  });
  result.weight = sums.weight.sum(0)
                      .view({plan.out_channels, plan.kernel[0], plan.kernel[1], plan.in_channels})
                      .permute({0, 3, 1, 2});
  result.bias = sums.bias.sum(0);
  return result;
}

Gradients backward_dense(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                         const at::Tensor& gradient, const at::Tensor& output,
                         const at::Tensor& choice, bool with_input) {
  const Shape& s = plan.shape;
  const int64_t vector = plan.kernels.width;
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
                   round_up(plan.in_channels, vector)};
  at::Tensor turned;
  Gradients result;
  if (with_input) {
    const at::Tensor filters = weight.contiguous();
    const auto* filter = filters.const_data_ptr<float>();
    const int64_t area = plan.kernel[0] * plan.kernel[1];
    turned =
        packed(vector, plan.in_channels, area * s.out_channels, [&](int64_t input, int64_t tap) {
          const int64_t place = tap / s.out_channels;
          const int64_t out = tap - place * s.out_channels;
          return out < plan.out_channels
                     ? filter[(out * plan.in_channels + input) * area + area - 1 - place]
                     : 0.0F;
        });
    result.input = empty_images(plan.n, plan.in_channels, plan.height, plan.width);
  }
  const at::Tensor no_bias = at::zeros({back.out_channels}, at::TensorOptions(at::kFloat));
  Sums sums(at::get_num_threads(), plan.taps() * s.out_channels, s.out_channels);

  const auto* images = x.const_data_ptr<float>();
  const auto* gradients = gradient.const_data_ptr<float>();
  const auto* outputs = output.defined() ? output.const_data_ptr<float>() : nullptr;
  const auto* choices = choice.defined() ? choice.const_data_ptr<uint8_t>() : nullptr;
  const auto* turned_weights = with_input ? turned.const_data_ptr<float>() : nullptr;
  const auto* zeros = no_bias.const_data_ptr<float>();
  auto* inputs = with_input ? result.input.mutable_data_ptr<float>() : nullptr;
  const int64_t size = gradient.size(1) * gradient.size(2) * gradient.size(3);
  const int64_t expanded_row = (s.out_width + 2 * edge) * s.out_channels;
  const bool narrow = with_input && back.out_channels != plan.in_channels;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const Scratch padded(plan.padding[1] == 0 ? 0 : plan.padded_size());
    const Scratch expanded(s.out_height * expanded_row);
    const Scratch rows(2 * s.out_width * plan.out_channels);
    const Scratch wide(narrow ? plan.height * plan.width * back.out_channels : 0);
    float* weight_sums = sums.weight_of(at::get_thread_num());
    float* bias_sums = sums.bias_of(at::get_thread_num());
    for (int64_t i = begin; i < end; ++i) {
      expand_gradient(plan, gradients + i * size, outputs == nullptr ? nullptr : outputs + i * size,
                      choices == nullptr ? nullptr : choices + i * size, edge, expanded.data,
                      rows.data);
      const float* inner = expanded.data + edge * s.out_channels;
      const float* input = plan.padded_input(images + i * plan.image_size(), padded.data);
      plan.kernels.weight_gradient(s, input, inner, expanded_row, weight_sums);
      plan.kernels.add_pixels(expanded.data, s.out_height * (s.out_width + 2 * edge),
                              s.out_channels, bias_sums);
      if (with_input) {
        float* to = inputs + i * plan.image_size();
        plan.kernels.convolve(back, expanded.data, turned_weights, zeros, 0, plan.height,
                              narrow ? wide.data : to);
        if (narrow) {
          narrow_pixels(wide.data, plan.height * plan.width, back.out_channels, plan.in_channels,
                        to);
        }
      }
    }
  });
  result.weight = sums.weight.sum(0)
                      .view({plan.kernel[0], plan.kernel[1], plan.in_channels, s.out_channels})
                      .narrow(3, 0, plan.out_channels)
                      .permute({3, 2, 0, 1});
  result.bias = sums.bias.sum(0).narrow(0, 0, plan.out_channels);
  return result;
}

at::Tensor by_aten(const at::Tensor& x, const at::Tensor& weight,
                   const std::optional<at::Tensor>& bias, Pair padding, Epilogue epilogue) {
  at::Tensor y = at::conv2d(x, weight, bias, {1, 1}, padding);
  if (epilogue.relu) {
    y = at::relu(y);
  }
  return epilogue.max_pool ? at::max_pool2d(y, {2, 2}) : y;
}

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
        pooled_applies(plan)
            ? backward_pooled(plan, x, weight, gradient, saved[4], with_input)
            : backward_dense(plan, x, weight, gradient, saved[3], saved[4], with_input);
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
    const at::Tensor output = by_aten(x, weight, if_defined(bias), padding, epilogue);
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
         x.is_contiguous(kChannelsLast) && stride == Pair{1, 1} && dilation == Pair{1, 1} &&
         padding[0] < weight.size(2) && padding[1] < weight.size(3) && x.numel() > 0 &&
         x.size(2) + 2 * padding[0] > weight.size(2) &&
         x.size(3) + 2 * padding[1] > weight.size(3) &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    Pair padding, Epilogue epilogue) {
  return Convolution::apply(x, weight, if_defined(bias), padding, epilogue.relu, epilogue.max_pool);
}

}  // namespace imgcomp::direct

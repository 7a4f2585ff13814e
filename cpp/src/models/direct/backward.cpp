// Its gradients, image by image: through all outputs, or where these were pooled through one of
// four.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <cstring>

#include "models/direct/plan.h"

namespace imgcomp::direct {
namespace {

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

}  // namespace

Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& gradient, const at::Tensor& output,
                          const at::Tensor& choice, bool with_input) {
  return pooled_applies(plan)
             ? backward_pooled(plan, x, weight, gradient, choice, with_input)
             : backward_dense(plan, x, weight, gradient, output, choice, with_input);
}

}  // namespace imgcomp::direct

// What one call of a fused convolution needs to know, whatever the method: sizes, and memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace imgcomp::fused {

using Pair = std::array<int64_t, 2>;

inline int64_t round_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

// How a kernel goes over an image.
struct Geometry {
  Pair stride{1, 1};
  Pair padding{0, 0};        // zeros above and to the left
  Pair padding_after{0, 0};  // and below and to the right
  Pair dilation{1, 1};

  static Geometry padded(Pair padding) { return {.padding = padding, .padding_after = padding}; }

  bool even() const { return padding == padding_after; }
};

// What one operation does besides the convolution.
struct Around {
  bool upsample = false;  // nearest by 2, before it
  bool relu = false;
  bool max_pool = false;  // 2×2, stride 2, after relu only
  bool halves = false;    // products of numbers rounded to bfloat16; what goes in and out does not
                          // change
};

// Everything about one call that does not change from image to image.
struct Plan {
  int64_t vector;                         // floats
  int64_t n, in_channels, height, width;  // of the input, before it is upsampled
  int64_t out_channels, padded_channels;  // of the output; padded up to whole vectors
  Pair kernel, stride, padding;
  bool plain;  // no stride, as much padding on all sides of an axis
  Around around;
  int64_t out_height, out_width;  // of the convolution, before pooling

  // Without dilation.
  Plan(int64_t vector, const at::Tensor& x, const at::Tensor& weight, const Geometry& geometry,
       Around around);

  int64_t taps() const { return kernel[0] * kernel[1] * in_channels; }
  int64_t image_size() const { return height * width * in_channels; }
  int64_t out_pixels() const { return out_height * out_width; }
  Pair result_size() const {
    return around.max_pool ? Pair{out_height / 2, out_width / 2} : Pair{out_height, out_width};
  }
  int64_t result_floats() const { return result_size()[0] * result_size()[1] * out_channels; }
};

at::Tensor empty_images(int64_t n, int64_t channels, int64_t height, int64_t width);

// Memory for one thread's intermediate results, as a tensor so that torch's allocator keeps it.
struct Scratch {
  explicit Scratch(int64_t floats);
  at::Tensor tensor;
  float* data;
};

// Copies the channels of pixels that lie `from_stride` and `to_stride` floats apart.
void copy_pixels(int64_t pixels, int64_t channels, const float* from, int64_t from_stride,
                 float* to, int64_t to_stride);

// Drops the channels that were added to fill the vectors.
inline void narrow_pixels(const float* from, int64_t pixels, int64_t padded, int64_t channels,
                          float* to) {
  copy_pixels(pixels, channels, from, padded, to, channels);
}

struct Gradients {
  at::Tensor input, weight, bias;  // input: undefined where it is not needed
};

// What a backward pass is given. output: the result where relu is last, else undefined. choice:
// which of four was the maximum, where max pooling is last.
struct Incoming {
  at::Tensor gradient, output, choice;
  bool with_input = true, with_weight = true;  // whether these gradients are wanted
};

// Sums of weight and bias gradients, one for each thread, added up in the threads' order.
struct Sums {
  // so_far: the weights' sums to go on with, or undefined for zeros.
  Sums(int64_t weights, int64_t channels, const at::Tensor& so_far = {});
  at::Tensor weight, bias;  // (threads, …)

  float* weight_of(int64_t thread) {
    return weight.mutable_data_ptr<float>() + thread * weight.size(1);
  }
  float* bias_of(int64_t thread) { return bias.mutable_data_ptr<float>() + thread * bias.size(1); }

  // Those of all threads together.
  static at::Tensor total(const at::Tensor& sums) {
    return sums.size(0) == 1 ? sums.select(0, 0) : sums.sum(0);
  }
};

}  // namespace imgcomp::fused

// What one call of the direct convolution needs on both ways: sizes, and weights and images in the
// order in which the loops read them.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <array>
#include <optional>

#include "models/direct/convolution.h"
#include "models/direct/kernels.h"

namespace imgcomp::direct {

using Pair = std::array<int64_t, 2>;

inline int64_t round_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

at::Tensor empty_images(int64_t n, int64_t channels, int64_t height, int64_t width);

// Memory for one thread's intermediate results, as a tensor so that torch's allocator keeps it.
struct Scratch {
  explicit Scratch(int64_t floats);
  at::Tensor tensor;
  float* data;
};

// Weights in the order in which the loops read them: blocks of one vector of output channels, each
// (kernel_height, row_taps, vector), missing channels 0.
template <class WeightOf>
at::Tensor packed(int64_t vector, int64_t outputs, int64_t taps,
                  const WeightOf& weight_of /* (output, tap) → float */) {
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

// Everything about one call that does not change from image to image.
struct Plan {
  const Kernels& kernels;
  int64_t n, in_channels, height, width, out_channels;
  Pair kernel, padding;
  Epilogue epilogue;
  Shape shape{};             // out_channels padded up
  int64_t padded_width = 0;  // of the input

  Plan(const Kernels& kernels, const at::Tensor& x, const at::Tensor& weight, Pair padding,
       Epilogue epilogue);

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
  const float* padded_input(const float* image, float* scratch) const;
};

// Drops the channels that were added to fill the vectors.
void narrow_pixels(const float* from, int64_t pixels, int64_t padded, int64_t channels, float* to);

// The convolution and what follows it. choice: which of four was the maximum; undefined where
// nothing is pooled.
void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice);

struct Gradients {
  at::Tensor input, weight, bias;  // input: undefined where it is not needed
};

// output: what forward_images gave where relu is last, else undefined.
Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                          const at::Tensor& gradient, const at::Tensor& output,
                          const at::Tensor& choice, bool with_input);

}  // namespace imgcomp::direct

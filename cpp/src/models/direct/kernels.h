// Direct convolution of one channels-last image in float32: the inner loops, compiled once for each
// instruction set and chosen at run time. Raw pointers only: see images.h for the tensors.
#pragma once

#include <cstdint>

namespace imgcomp::direct {

// A valid convolution with stride 1: the image is padded already, as far as it is to be. Images are
// (height, width, channels), channels fastest; distances are in floats.
struct Shape {
  int64_t channels;    // of the input
  int64_t height;      // of the input, as far as it is not known to be zero
  int64_t zero_rows;   // above and below it; they are not in memory
  int64_t row_stride;  // from one row of the input to the next
  int64_t kernel_height, kernel_width;
  int64_t out_height, out_width;
  int64_t out_channels;  // a multiple of the vector width: padded up with zeros

  int64_t row_taps() const { return kernel_width * channels; }
};

struct Kernels {
  int64_t width;  // floats in a vector

  // Output rows [first, last) into `output` (rows, out_width, out_channels).
  // weight: (out_channels / width, kernel_height, row_taps, width), see packed in layout.h.
  // bias: (out_channels).
  void (*convolve)(const Shape& shape, const float* input, const float* weight, const float* bias,
                   int64_t first, int64_t last, float* output);

  // Adds the weight's gradient to `result` (kernel_height, row_taps, out_channels).
  // gradient: of the output, (out_height, out_width, out_channels) with its own distance of rows.
  void (*weight_gradient)(const Shape& shape, const float* input, const float* gradient,
                          int64_t gradient_row_stride, float* result);

  // The pointwise parts, over `count` floats. relu keeps NaN.
  void (*relu)(float* values, int64_t count);

  // gradient where output is positive (or NaN), else 0.
  void (*relu_gradient)(const float* gradient, const float* output, int64_t count, float* result);

  // The 2×2 maxima of relu of two rows (2 · pooled_width, channels) → (pooled_width, channels), and
  // which of the four it was: 0 … 3, 4 where the maximum was not positive.
  void (*relu_max_pool)(const float* upper, const float* lower, int64_t pooled_width,
                        int64_t channels, float* output, uint8_t* choice);

  // The gradient of that: two rows of (2 · pooled_width, channels).
  void (*relu_max_pool_gradient)(const float* gradient, const uint8_t* choice, int64_t pooled_width,
                                 int64_t channels, float* upper, float* lower);

  // Both gradients of a convolution that relu and 2×2 max pooling follow, straight from the pooled
  // gradient (out_height / 2, out_width / 2, out_channels): of four outputs only one has any, so
  // this is a quarter of the work. Only for shapes where row_taps is a multiple of the width.
  // weight, weight_result: (out_channels, kernel_height, row_taps), without padding; the latter is
  // added to, and so is input_result, laid out as the input, unless it is null.
  void (*pooled_gradients)(const Shape& shape, const float* input, const float* weight,
                           const float* gradient, const uint8_t* choice, float* weight_result,
                           float* input_result);

  // Adds each channel's sum over `pixels` pixels to `sums`.
  void (*add_pixels)(const float* values, int64_t pixels, int64_t channels, float* sums);
};

// The best for this processor, or null where there are none.
const Kernels* best_kernels();

// Those of an instruction set; null where they were not compiled or the processor has it not.
const Kernels* avx512_kernels();
const Kernels* avx2_kernels();

}  // namespace imgcomp::direct

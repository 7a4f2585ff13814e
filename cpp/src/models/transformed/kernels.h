// Convolution of 3×3 kernels by transforms: images and kernels go to another basis, where the
// convolution is a matrix product for each of a tile's points, and back. The inner loops, compiled
// once for each instruction set. Raw pointers only: see images.h for the tensors.
#pragma once

#include <cstdint>

namespace imgcomp::transformed {

// One image and its tiles. Images are (height, width, channels), channels fastest.
struct Tiling {
  int64_t channels, height, width;              // of the input
  int64_t padding;                              // zeros around it, not in memory
  int64_t out_channels, out_height, out_width;  // channels padded up to whole vectors
  int64_t rows, columns;                        // of tiles
  int64_t point_stride;                         // floats from one point's values to the next's
};

// One way to do it. A tile's values at a point are (channels), tiles next to each other; the
// functions go through the tiles of one row. Adjoint: the derivative's way, from the results'
// gradient to the arguments'.
struct Scheme {
  int64_t points;   // products for each tile
  int64_t step;     // input pixels from tile to tile, on each axis
  int64_t outputs;  // of a tile, on each axis
  int64_t total;    // the point at which output_adjoint leaves the sum of a tile's pixels

  // points: (points, columns, `padded` channels). At least one vector of channels.
  void (*input)(const Tiling& tiling, const float* image, int64_t row, int64_t padded,
                float* points);
  // Adds to `image` (height, width, `padded` channels).
  void (*input_adjoint)(const Tiling& tiling, const float* points, int64_t row, int64_t padded,
                        float* image);
  // Output pixels of the row of tiles, as many as there are, into `image` (out_height, out_width,
  // out_channels) that begins with output row `first`.
  void (*output)(const Tiling& tiling, const float* points, const float* bias, int64_t row,
                 int64_t first, float* image);
  // Zero where `relu`, the output of the relu that follows, is zero; null where none does.
  void (*output_adjoint)(const Tiling& tiling, const float* image, const float* relu, int64_t row,
                         float* points);

  // kernels: (3, 3, in, out), out whole vectors. result: (points, out / width, in, width), the
  // order in which multiply reads.
  void (*weights)(const float* kernels, int64_t in, int64_t out, float* result);
  // gradient: (points, in, out), as outer leaves it.
  void (*weights_adjoint)(const float* gradient, int64_t in, int64_t out, float* kernels);
};

struct Kernels {
  int64_t width;  // floats in a vector

  // c (rows, columns) = a (rows, depth) · b. b: (columns / width, depth, width). Strides of rows.
  void (*multiply)(int64_t rows, int64_t depth, int64_t columns, const float* a, int64_t a_stride,
                   const float* b, float* c, int64_t c_stride);

  // c (rows, columns) += aᵀ · b for a (depth, rows) and b (depth, columns).
  void (*outer)(int64_t depth, int64_t rows, int64_t columns, const float* a, int64_t a_stride,
                const float* b, int64_t b_stride, float* c);

  Scheme winograd;   // F(4×4, 3×3)
  Scheme upsampled;  // nearest upsampling by 2 before the convolution, padding 1
};

// The best for this processor, or null where there are none.
const Kernels* best_kernels();

const Kernels* avx512_kernels();
const Kernels* avx2_kernels();

}  // namespace imgcomp::transformed

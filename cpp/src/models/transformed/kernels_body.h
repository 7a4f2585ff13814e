// The loops of kernels.h for one instruction set. Included by one file for each, which is compiled
// for that set and defines IMGCOMP_VECTOR_BYTES. No standard headers with code in them: the linker
// could pick this file's copy of a function for processors that lack the instructions.
#pragma once

#include "models/transformed/kernels.h"
#include "models/transformed/matrix_loops.h"
#include "models/transformed/schemes.h"

namespace imgcomp::transformed {
namespace {

// A sum that does not begin with an addition to zero.
struct Sum {
  Vector value{};
  bool begun = false;

  [[gnu::always_inline]] void add(float factor, Vector x) {
    if (factor != 0) {
      value = begun ? value + factor * x : factor * x;
      begun = true;
    }
  }
};

// y (Rows) = the matrix · x (Columns), values so far apart: of twins of columns their sum and their
// difference serve all rows.
template <const auto& kMatrix, const auto& kTwins>
[[gnu::always_inline]] inline void transform_by_columns(const Vector* x, int x_stride, Vector* y,
                                                        int y_stride) {
  constexpr int kColumns = kMatrix.kColumns;
  Vector values[kColumns];
#pragma GCC unroll 8
  for (int k = 0; k < kColumns; ++k) {
    values[k] = kTwins.first[k]    ? x[k * x_stride] + x[(k + 1) * x_stride]
                : kTwins.second[k] ? x[(k - 1) * x_stride] - x[k * x_stride]
                                   : x[k * x_stride];
  }
#pragma GCC unroll 8
  for (int i = 0; i < kMatrix.kRows; ++i) {
    const auto& row = kMatrix.at[i];
    Sum sum;
#pragma GCC unroll 8
    for (int k = 0; k < kColumns; ++k) {
      if (!kTwins.second[k]) {
        sum.add(row[k], values[kTwins.first[k] && row[k] != row[k + 1] ? k + 1 : k]);
      }
    }
    y[i * y_stride] = sum.value;
  }
}

// The same: twins of rows are the sum and the difference of what they share.
template <const auto& kMatrix, const auto& kTwins>
[[gnu::always_inline]] inline void transform_by_rows(const Vector* x, int x_stride, Vector* y,
                                                     int y_stride) {
#pragma GCC unroll 8
  for (int i = 0; i < kMatrix.kRows; ++i) {
    if (kTwins.second[i]) {
      continue;
    }
    const auto& row = kMatrix.at[i];
    Sum same, other;  // what a twin has with the same sign, and with the other one
#pragma GCC unroll 8
    for (int k = 0; k < kMatrix.kColumns; ++k) {
      Sum& sum = kTwins.first[i] && row[k] != kMatrix.at[i + 1][k] ? other : same;
      sum.add(row[k], x[k * x_stride]);
    }
    if (kTwins.first[i]) {
      y[i * y_stride] = same.value + other.value;
      y[(i + 1) * y_stride] = same.value - other.value;
    } else {
      y[i * y_stride] = same.value;
    }
  }
}

template <const auto& kMatrix>
struct TwinsOf {
  static constexpr auto rows = kMatrix.twins();
  static constexpr auto columns = kMatrix.transposed().twins();
};

template <const auto& kMatrix>
[[gnu::always_inline]] inline void transform_axis(const Vector* x, int x_stride, Vector* y,
                                                  int y_stride) {
  using Of = TwinsOf<kMatrix>;
  if constexpr (Of::columns.any) {
    transform_by_columns<kMatrix, Of::columns>(x, x_stride, y, y_stride);
  } else {
    transform_by_rows<kMatrix, Of::rows>(x, x_stride, y, y_stride);
  }
}

// result (Rows × Rows) = the matrix on both axes of `values` (Columns × Columns).
template <const auto& kMatrix>
[[gnu::always_inline]] inline void transform(const Vector* values, Vector* result) {
  constexpr int kRows = kMatrix.kRows, kColumns = kMatrix.kColumns;
  Vector half[kRows * kColumns];
#pragma GCC unroll 8
  for (int j = 0; j < kColumns; ++j) {
    transform_axis<kMatrix>(values + j, kColumns, half + j, kColumns);
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
    transform_axis<kMatrix>(half + i * kColumns, 1, result + i * kRows, 1);
  }
}

template <class S>
struct Transforms {
  static constexpr int kInputs = S::kInput.kColumns;  // pixels a tile reads, on each axis
  static constexpr int kPoints = S::kInput.kRows;     // on each axis
  static constexpr int kOutputs = S::kOutput.kRows;   // on each axis
  static constexpr auto kInputAdjoint = S::kInput.transposed();
  static constexpr auto kOutputAdjoint = S::kOutput.transposed();
  static constexpr auto kWeightAdjoint = S::kWeight.transposed();

  // Which pixels of a square of Side × Side lie in the image, and where.
  template <int Side>
  struct Window {
    int64_t offset[Side * Side];
    bool inside[Side * Side];
    bool whole = true;

    Window(int64_t top, int64_t left, int64_t height, int64_t width, int64_t channels) {
      for (int i = 0; i < Side; ++i) {
        for (int j = 0; j < Side; ++j) {
          const int64_t y = top + i, x = left + j;
          const bool in = y >= 0 && y < height && x >= 0 && x < width;
          inside[i * Side + j] = in;
          offset[i * Side + j] = in ? (y * width + x) * channels : 0;
          whole = whole && in;
        }
      }
    }
  };

  static void input(const Tiling& t, const float* image, int64_t row, int64_t padded,
                    float* points) {
    for (int64_t column = 0; column < t.columns; ++column) {
      const Window<kInputs> window(row * S::kStep - t.padding, column * S::kStep - t.padding,
                                   t.height, t.width, t.channels);
      float* to = points + column * padded;
      for (int64_t c = 0; c < t.channels; c += kWidth) {
        // The last vector ends with the last channel, so that nothing behind it is read.
        const int64_t at = c + kWidth <= t.channels ? c : t.channels - kWidth;
        Vector values[kInputs * kInputs], result[kPoints * kPoints];
        if (window.whole) {
#pragma GCC unroll 36
          for (int i = 0; i < kInputs * kInputs; ++i) {
            values[i] = vector_at(image + window.offset[i] + at);
          }
        } else {
          for (int i = 0; i < kInputs * kInputs; ++i) {
            values[i] = window.inside[i] ? vector_at(image + window.offset[i] + at) : Vector{};
          }
        }
        transform<S::kInput>(values, result);
#pragma GCC unroll 36
        for (int k = 0; k < kPoints * kPoints; ++k) {
          vector_at(to + k * t.point_stride + at) = result[k];
        }
      }
    }
  }

  static void input_adjoint(const Tiling& t, const float* points, int64_t row, int64_t padded,
                            float* image) {
    for (int64_t column = 0; column < t.columns; ++column) {
      const Window<kInputs> window(row * S::kStep - t.padding, column * S::kStep - t.padding,
                                   t.height, t.width, padded);
      const float* from = points + column * padded;
      for (int64_t c = 0; c < padded; c += kWidth) {
        Vector values[kPoints * kPoints], result[kInputs * kInputs];
#pragma GCC unroll 36
        for (int k = 0; k < kPoints * kPoints; ++k) {
          values[k] = vector_at(from + k * t.point_stride + c);
        }
        transform<kInputAdjoint>(values, result);
        for (int i = 0; i < kInputs * kInputs; ++i) {
          if (window.inside[i]) {
            vector_at(image + window.offset[i] + c) += result[i];
          }
        }
      }
    }
  }

  static void output(const Tiling& t, const float* points, const float* bias, int64_t row,
                     int64_t first, float* image) {
    for (int64_t column = 0; column < t.columns; ++column) {
      const Window<kOutputs> window(row * kOutputs, column * kOutputs, t.out_height, t.out_width,
                                    t.out_channels);
      const float* from = points + column * t.out_channels;
      float* to = image - first * t.out_width * t.out_channels;
      for (int64_t c = 0; c < t.out_channels; c += kWidth) {
        Vector values[kPoints * kPoints], result[kOutputs * kOutputs];
#pragma GCC unroll 36
        for (int k = 0; k < kPoints * kPoints; ++k) {
          values[k] = vector_at(from + k * t.point_stride + c);
        }
        transform<S::kOutput>(values, result);
        const Vector offset = vector_at(bias + c);
        for (int i = 0; i < kOutputs * kOutputs; ++i) {
          if (window.inside[i]) {
            vector_at(to + window.offset[i] + c) = result[i] + offset;
          }
        }
      }
    }
  }

  static void output_adjoint(const Tiling& t, const float* image, const float* relu, int64_t row,
                             float* points) {
    for (int64_t column = 0; column < t.columns; ++column) {
      const Window<kOutputs> window(row * kOutputs, column * kOutputs, t.out_height, t.out_width,
                                    t.out_channels);
      float* to = points + column * t.out_channels;
      for (int64_t c = 0; c < t.out_channels; c += kWidth) {
        Vector values[kOutputs * kOutputs], result[kPoints * kPoints];
        for (int i = 0; i < kOutputs * kOutputs; ++i) {
          values[i] = window.inside[i] ? vector_at(image + window.offset[i] + c) : Vector{};
        }
        if (relu != nullptr) {
          // Pixels outside are zero already; their offset is the image's first pixel.
          for (int i = 0; i < kOutputs * kOutputs; ++i) {
            values[i] = vector_at(relu + window.offset[i] + c) > 0 ? values[i] : Vector{};
          }
        }
        transform<kOutputAdjoint>(values, result);
#pragma GCC unroll 36
        for (int k = 0; k < kPoints * kPoints; ++k) {
          vector_at(to + k * t.point_stride + c) = result[k];
        }
      }
    }
  }

  static void weights(const float* kernels, int64_t in, int64_t out, float* result) {
    const int64_t stride = in * out;
    for (int64_t c = 0; c < out; c += kWidth) {
      for (int64_t i = 0; i < in; ++i) {
        Vector values[9], points[kPoints * kPoints];
        for (int k = 0; k < 9; ++k) {
          values[k] = vector_at(kernels + k * stride + i * out + c);
        }
        transform<S::kWeight>(values, points);
        for (int k = 0; k < kPoints * kPoints; ++k) {
          vector_at(result + k * stride + c * in + i * kWidth) = points[k];
        }
      }
    }
  }

  static void weights_adjoint(const float* gradient, int64_t in, int64_t out, float* kernels) {
    const int64_t stride = in * out;
    for (int64_t at = 0; at < stride; at += kWidth) {
      Vector points[kPoints * kPoints], values[9];
      for (int k = 0; k < kPoints * kPoints; ++k) {
        points[k] = vector_at(gradient + k * stride + at);
      }
      transform<kWeightAdjoint>(points, values);
      for (int k = 0; k < 9; ++k) {
        vector_at(kernels + k * stride + at) = values[k];
      }
    }
  }

  static constexpr Scheme kScheme{kPoints * kPoints,
                                  S::kStep,
                                  kOutputs,
                                  S::kOnes * kPoints + S::kOnes,
                                  input,
                                  input_adjoint,
                                  output,
                                  output_adjoint,
                                  weights,
                                  weights_adjoint};
};

constexpr Kernels kKernels{kWidth, multiply, outer, Transforms<Winograd>::kScheme,
                           Transforms<Upsampled>::kScheme};

}  // namespace
}  // namespace imgcomp::transformed

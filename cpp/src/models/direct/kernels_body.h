// The loops of kernels.h for one instruction set. Included by one file for each, which is compiled
// for that set and defines IMGCOMP_VECTOR_BYTES. No standard headers with code in them: the linker
// could pick this file's copy of a function for processors that lack the instructions.
#pragma once

#include "models/direct/kernels.h"
#include "models/tiles.h"

namespace imgcomp::direct {
namespace {

// Rows pixels next to each other × Columns vectors of output channels, all sums in registers.
template <int Rows, int Columns>
void convolve_tile(const Shape& s, int64_t kernel_rows, const float* input, const float* weight,
                   int64_t block_stride, const float* bias, float* output) {
  const int64_t c = s.channels;
  Vector sums[Rows][Columns];
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Columns; ++j) {
      sums[i][j] = vector_at(bias + j * kWidth);
    }
  }
  const int64_t taps = s.row_taps();
  for (int64_t dy = 0; dy < kernel_rows; ++dy) {
    add_products<Rows, Columns>(taps, input + dy * s.row_stride, c, weight, block_stride, sums);
    weight += taps * kWidth;
  }
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Columns; ++j) {
      vector_at(output + i * s.out_channels + j * kWidth) = sums[i][j];
    }
  }
}

using ConvolveTile = void (*)(const Shape&, int64_t, const float*, const float*, int64_t,
                              const float*, float*);

template <int Columns, class Rows = TileRows>
struct Tiles;
template <int Columns, int... Rows>
struct Tiles<Columns, Numbers<Rows...>> {
  static constexpr ConvolveTile table[] = {convolve_tile<Rows, Columns>...};
};

void convolve(const Shape& s, const float* input, const float* weight, const float* bias,
              int64_t first, int64_t last, float* output) {
  const int64_t tiles = (s.out_width + kTile - 1) / kTile;
  const int64_t block_stride = s.kernel_height * s.row_taps() * kWidth;
  for (int64_t channel = 0; channel < s.out_channels;) {
    const int columns = s.out_channels - channel >= 2 * kWidth ? 2 : 1;
    const float* block = weight + channel / kWidth * block_stride;
    const ConvolveTile* table = columns == 2 ? Tiles<2>::table : Tiles<1>::table;
    for (int64_t y = first; y < last; ++y) {
      // Rows of the kernel that meet rows of the input, and the first of these.
      const int64_t top = y - s.zero_rows;
      const int64_t dy = top < 0 ? -top : 0;
      const int64_t below = top + s.kernel_height - s.height;
      const int64_t met = s.kernel_height - dy - (below > 0 ? below : 0);
      const int64_t kernel_rows = met < 0 ? 0 : met;  // none where the padding is all it sees
      const float* x = input + (top + dy) * s.row_stride;
      const float* w = block + dy * s.row_taps() * kWidth;
      float* row = output + (y - first) * s.out_width * s.out_channels + channel;
      for (int64_t tile = 0; tile < tiles; ++tile) {
        // Tiles as equal as they can be.
        const int64_t begin = s.out_width * tile / tiles;
        const int64_t end = s.out_width * (tile + 1) / tiles;
        table[end - begin - 1](s, kernel_rows, x + begin * s.channels, w, block_stride,
                               bias + channel, row + begin * s.out_channels);
      }
    }
    channel += columns * kWidth;
  }
}

// The gradient of Taps weights of each of Rows kernel rows × Columns vectors of output channels.
template <int Rows, int Taps, int Columns>
void gradient_tile(const Shape& s, int64_t height, const float* input, const float* gradient,
                   int64_t gradient_row_stride, float* result) {
  Vector sums[Rows][Taps][Columns] = {};
  for (int64_t y = 0; y < height; ++y) {
    const float* x = input + y * s.row_stride;
    const float* g = gradient + y * gradient_row_stride;
    for (int64_t n = 0; n < s.out_width; ++n) {
      Vector v[Columns];
      for (int j = 0; j < Columns; ++j) {
        v[j] = vector_at(g + j * kWidth);
      }
      for (int r = 0; r < Rows; ++r) {
        const float* row = x + r * s.row_stride;
        for (int t = 0; t < Taps; ++t) {
          for (int j = 0; j < Columns; ++j) {
            sums[r][t][j] += row[t] * v[j];
          }
        }
      }
      x += s.channels;
      g += s.out_channels;
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int t = 0; t < Taps; ++t) {
      for (int j = 0; j < Columns; ++j) {
        vector_at(result + (r * s.row_taps() + t) * s.out_channels + j * kWidth) += sums[r][t][j];
      }
    }
  }
}

using GradientTile = void (*)(const Shape&, int64_t, const float*, const float*, int64_t, float*);

template <int Columns, class Taps = TileRows>
struct GradientTable;
template <int Columns, int... Taps>
struct GradientTable<Columns, Numbers<Taps...>> {
  static constexpr GradientTile table[] = {gradient_tile<1, Taps, Columns>...};
};

void weight_gradient(const Shape& s, const float* input, const float* gradient,
                     int64_t gradient_row_stride, float* result) {
  const int64_t taps = s.row_taps();
  const int64_t tiles = (taps + kTile - 1) / kTile;
  for (int64_t channel = 0; channel < s.out_channels;) {
    const int columns = s.out_channels - channel >= 2 * kWidth ? 2 : 1;
    if (s.kernel_height == 3 && taps == 3 && s.zero_rows == 0 && kTile >= 9) {
      // A 3×3 kernel on one channel: one tile instead of three with too few sums each.
      (columns == 2 ? gradient_tile<3, 3, 2>
                    : gradient_tile<3, 3, 1>)(s, s.out_height, input, gradient + channel,
                                              gradient_row_stride, result + channel);
    } else {
      const GradientTile* table = columns == 2 ? GradientTable<2>::table : GradientTable<1>::table;
      for (int64_t dy = 0; dy < s.kernel_height; ++dy) {
        // Rows of the output for which this row of the kernel meets the input.
        const int64_t top = dy - s.zero_rows;
        const int64_t first = top < 0 ? -top : 0;
        const int64_t last = s.out_height < s.height - top ? s.out_height : s.height - top;
        for (int64_t tile = 0; first < last && tile < tiles; ++tile) {
          const int64_t begin = taps * tile / tiles;
          const int64_t end = taps * (tile + 1) / tiles;
          table[end - begin - 1](s, last - first, input + (top + first) * s.row_stride + begin,
                                 gradient + first * gradient_row_stride + channel,
                                 gradient_row_stride,
                                 result + (dy * taps + begin) * s.out_channels + channel);
        }
      }
    }
    channel += columns * kWidth;
  }
}

void relu(float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] = values[i] < 0.0f ? 0.0f : values[i];
  }
}

void relu_gradient(const float* gradient, const float* output, int64_t count, float* result) {
  for (int64_t i = 0; i < count; ++i) {
    result[i] = output[i] <= 0.0f ? 0.0f : gradient[i];
  }
}

void relu_max_pool(const float* upper, const float* lower, int64_t pooled_width, int64_t channels,
                   float* __restrict output, uint8_t* __restrict choice) {
  for (int64_t x = 0; x < pooled_width; ++x) {
    for (int64_t c = 0; c < channels; ++c) {
      // The first of equals wins and NaN beats all, as in ATen.
      const float candidates[] = {upper[c], upper[channels + c], lower[c], lower[channels + c]};
      float best = candidates[0];
      int32_t which = 0;
      for (int32_t i = 1; i < 4; ++i) {
        const bool better = candidates[i] > best || candidates[i] != candidates[i];
        best = better ? candidates[i] : best;
        which = better ? i : which;
      }
      output[c] = best < 0.0f ? 0.0f : best;
      choice[c] = static_cast<uint8_t>(best <= 0.0f ? 4 : which);
    }
    upper += 2 * channels;
    lower += 2 * channels;
    output += channels;
    choice += channels;
  }
}

void relu_max_pool_gradient(const float* __restrict gradient, const uint8_t* __restrict choice,
                            int64_t pooled_width, int64_t channels, float* __restrict upper,
                            float* __restrict lower) {
  for (int64_t x = 0; x < pooled_width; ++x) {
    for (int64_t c = 0; c < channels; ++c) {
      const int32_t which = choice[c];
      const float g = gradient[c];
      upper[c] = which == 0 ? g : 0.0f;
      upper[channels + c] = which == 1 ? g : 0.0f;
      lower[c] = which == 2 ? g : 0.0f;
      lower[channels + c] = which == 3 ? g : 0.0f;
    }
    gradient += channels;
    choice += channels;
    upper += 2 * channels;
    lower += 2 * channels;
  }
}

// One output channel's gradients that are not zero, of some pooled pixels.
struct Survivors {
  static constexpr int64_t kMost = 36;
  int64_t count = 0;
  int64_t offset[kMost];  // of the window in the input
  float gradient[kMost];
};

// Vectors next to each other, in each of Rows rows of the kernel: both gradients of one channel.
template <int Rows, int Vectors>
void add_survivors(const Survivors& survivors, const float* input, int64_t row_stride, int64_t taps,
                   const float* weight, float* weight_result, float* input_result) {
  Vector sums[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      sums[r][v] = vector_at(weight_result + r * taps + v * kWidth);
    }
  }
  for (int64_t i = 0; i < survivors.count; ++i) {
    const float* window = input + survivors.offset[i];
    const float g = survivors.gradient[i];
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) {
        sums[r][v] += g * vector_at(window + r * row_stride + v * kWidth);
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      vector_at(weight_result + r * taps + v * kWidth) = sums[r][v];
    }
  }
  if (input_result == nullptr) {
    return;
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      sums[r][v] = vector_at(weight + r * taps + v * kWidth);
    }
  }
  for (int64_t i = 0; i < survivors.count; ++i) {
    float* window = input_result + survivors.offset[i];
    const float g = survivors.gradient[i];
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) {
        vector_at(window + r * row_stride + v * kWidth) += g * sums[r][v];
      }
    }
  }
}

using AddSurvivors = void (*)(const Survivors&, const float*, int64_t, int64_t, const float*,
                              float*, float*);

template <int Rows, int... Vectors>
struct SurvivorTables {
  static constexpr AddSurvivors table[] = {add_survivors<Rows, Vectors>...};
};
using OneRow = SurvivorTables<1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>;
using ThreeRows = SurvivorTables<3, 1, 2, 3, 4, 5, 6, 7, 8>;
constexpr int64_t kMostVectors = 12;
// Three rows of a 3×3 kernel at once, where the registers hold them: more sums side by side.
constexpr int64_t kMostVectorsOfThreeRows = IMGCOMP_VECTOR_BYTES == 64 ? 8 : 4;

void pooled_gradients(const Shape& s, const float* input, const float* weight,
                      const float* gradient, const uint8_t* choice, float* weight_result,
                      float* input_result) {
  const int64_t taps = s.row_taps();
  const int64_t vectors = taps / kWidth;
  const int64_t pooled_width = s.out_width / 2;
  const bool three = s.kernel_height == 3 && vectors <= kMostVectorsOfThreeRows;
  const int64_t tiles = three ? 1 : (vectors + kMostVectors - 1) / kMostVectors;
  const int64_t cells = s.out_height / 2 * pooled_width;
  for (int64_t first = 0; first < cells; first += Survivors::kMost) {
    const int64_t last = first + Survivors::kMost < cells ? first + Survivors::kMost : cells;
    int64_t corner[Survivors::kMost];  // offsets of the cells' first windows
    for (int64_t cell = first; cell < last; ++cell) {
      const int64_t y = cell / pooled_width;
      corner[cell - first] = 2 * (y * s.row_stride + (cell - y * pooled_width) * s.channels);
    }
    for (int64_t channel = 0; channel < s.out_channels; ++channel) {
      Survivors survivors;
      for (int64_t cell = first; cell < last; ++cell) {
        const int64_t at = cell * s.out_channels + channel;
        const int64_t which = choice[at];
        survivors.offset[survivors.count] =
            corner[cell - first] + (which >> 1) * s.row_stride + (which & 1) * s.channels;
        survivors.gradient[survivors.count] = gradient[at];
        survivors.count += which < 4 ? 1 : 0;  // no branch: nobody could predict it
      }
      const int64_t filter = channel * s.kernel_height * taps;
      for (int64_t dy = 0; dy < s.kernel_height; dy += three ? 3 : 1) {
        for (int64_t tile = 0; tile < tiles; ++tile) {
          const int64_t begin = vectors * tile / tiles;
          const int64_t end = vectors * (tile + 1) / tiles;
          const int64_t at = dy * s.row_stride + begin * kWidth;
          const int64_t tap = filter + dy * taps + begin * kWidth;
          (three ? ThreeRows::table : OneRow::table)[end - begin - 1](
              survivors, input + at, s.row_stride, taps, weight + tap, weight_result + tap,
              input_result == nullptr ? nullptr : input_result + at);
        }
      }
    }
  }
}

void add_pixels(const float* values, int64_t pixels, int64_t channels, float* __restrict sums) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (int64_t c = 0; c < channels; ++c) {
      sums[c] += values[pixel * channels + c];
    }
  }
}

constexpr Kernels kKernels{kWidth,        convolve,      weight_gradient,        relu,
                           relu_gradient, relu_max_pool, relu_max_pool_gradient, pooled_gradients,
                           add_pixels};

}  // namespace
}  // namespace imgcomp::direct

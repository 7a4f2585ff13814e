// Products of small matrices with all sums in registers, for one instruction set; see
// kernels_body.h.
#pragma once

#include <cstdint>

#include "models/tiles.h"

namespace imgcomp::transformed {
namespace {

template <int Rows, int Columns>
void multiply_tile(int64_t depth, const float* a, int64_t a_stride, const float* b,
                   int64_t b_stride, float* c, int64_t c_stride) {
  Vector sums[Rows][Columns] = {};
  add_products<Rows, Columns>(depth, a, a_stride, b, b_stride, sums);
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Columns; ++j) {
      vector_at(c + i * c_stride + j * kWidth) = sums[i][j];
    }
  }
}

// Rows columns of a × Columns vectors of b.
template <int Rows, int Columns>
void outer_tile(int64_t depth, const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                float* c, int64_t c_stride) {
  Vector sums[Rows][Columns] = {};
  for (int64_t k = 0; k < depth; ++k) {
    Vector w[Columns];
    for (int j = 0; j < Columns; ++j) {
      w[j] = vector_at(b + j * kWidth);
    }
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < Columns; ++j) {
        sums[i][j] += a[i] * w[j];
      }
    }
    a += a_stride;
    b += b_stride;
  }
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Columns; ++j) {
      vector_at(c + i * c_stride + j * kWidth) += sums[i][j];
    }
  }
}

using Tile = void (*)(int64_t, const float*, int64_t, const float*, int64_t, float*, int64_t);

template <int Columns, class Rows = TileRows>
struct Tiles;
template <int Columns, int... Rows>
struct Tiles<Columns, Numbers<Rows...>> {
  static constexpr Tile multiply[] = {multiply_tile<Rows, Columns>...};
  static constexpr Tile outer[] = {outer_tile<Rows, Columns>...};
};

void multiply(int64_t rows, int64_t depth, int64_t columns, const float* a, int64_t a_stride,
              const float* b, float* c, int64_t c_stride) {
  const int64_t tiles = (rows + kTile - 1) / kTile;
  for (int64_t column = 0; column < columns;) {
    const bool two = columns - column >= 2 * kWidth;
    const Tile* table = two ? Tiles<2>::multiply : Tiles<1>::multiply;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      // Tiles as equal as they can be.
      const int64_t begin = rows * tile / tiles;
      const int64_t end = rows * (tile + 1) / tiles;
      table[end - begin - 1](depth, a + begin * a_stride, a_stride, b + column * depth,
                             depth * kWidth, c + begin * c_stride + column, c_stride);
    }
    column += two ? 2 * kWidth : kWidth;
  }
}

void outer(int64_t depth, int64_t rows, int64_t columns, const float* a, int64_t a_stride,
           const float* b, int64_t b_stride, float* c) {
  const int64_t tiles = (rows + kTile - 1) / kTile;
  for (int64_t column = 0; column < columns;) {
    const bool two = columns - column >= 2 * kWidth;
    const Tile* table = two ? Tiles<2>::outer : Tiles<1>::outer;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t begin = rows * tile / tiles;
      const int64_t end = rows * (tile + 1) / tiles;
      table[end - begin - 1](depth, a + begin, a_stride, b + column, b_stride,
                             c + begin * columns + column, columns);
    }
    column += two ? 2 * kWidth : kWidth;
  }
}

}  // namespace
}  // namespace imgcomp::transformed

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
#pragma GCC unroll 4
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

template <int Columns, class Rows>
struct Tiles;
template <int Columns, int... Rows>
struct Tiles<Columns, Numbers<Rows...>> {
  static constexpr Tile multiply[] = {multiply_tile<Rows, Columns>...};
  static constexpr Tile outer[] = {outer_tile<Rows, Columns>...};
};

// Tiles of so many vectors, and of 1 to `rows` rows.
struct Group {
  int64_t vectors, rows;
  const Tile *multiply, *outer;
};

template <int Columns, int Most, class Rows>
constexpr Group kGroup{Columns, Most, Tiles<Columns, Rows>::multiply, Tiles<Columns, Rows>::outer};

// Two vectors at a time, and three at the end of an odd number: one alone would keep too few sums
// going to hide how long each takes.
inline const Group& group_for(int64_t vectors_left) {
  static constexpr Group kGroups[] = {kGroup<1, kTile, TileRows>, kGroup<2, kTile, TileRows>,
                                      kGroup<3, kTileOfThree, TileRowsOfThree>};
  return kGroups[vectors_left == 3 ? 2 : vectors_left > 1 ? 1 : 0];
}

// Calls visit(group, first row, rows, first column) for tiles as equal as they can be.
template <class Visit>
[[gnu::always_inline]] inline void each_tile(int64_t rows, int64_t columns, const Visit& visit) {
  for (int64_t column = 0; column < columns;) {
    const Group& group = group_for((columns - column) / kWidth);
    const int64_t tiles = (rows + group.rows - 1) / group.rows;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t begin = rows * tile / tiles;
      visit(group, begin, rows * (tile + 1) / tiles - begin, column);
    }
    column += group.vectors * kWidth;
  }
}

void multiply(int64_t rows, int64_t depth, int64_t columns, const float* a, int64_t a_stride,
              const float* b, float* c, int64_t c_stride) {
  each_tile(rows, columns, [&](const Group& group, int64_t row, int64_t count, int64_t column) {
    group.multiply[count - 1](depth, a + row * a_stride, a_stride, b + column * depth,
                              depth * kWidth, c + row * c_stride + column, c_stride);
  });
}

void outer(int64_t depth, int64_t rows, int64_t columns, const float* a, int64_t a_stride,
           const float* b, int64_t b_stride, float* c) {
  each_tile(rows, columns, [&](const Group& group, int64_t row, int64_t count, int64_t column) {
    group.outer[count - 1](depth, a + row, a_stride, b + column, b_stride,
                           c + row * columns + column, columns);
  });
}

}  // namespace
}  // namespace imgcomp::transformed

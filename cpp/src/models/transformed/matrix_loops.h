// Products of small matrices with all sums in registers, for one instruction set; see
// kernels_body.h.
#pragma once

#include <cstdint>

namespace imgcomp::transformed {
namespace {

using Vector = float __attribute__((vector_size(IMGCOMP_VECTOR_BYTES), aligned(4), may_alias));

constexpr int64_t kWidth = IMGCOMP_VECTOR_BYTES / 4;
// Sums side by side: as many rows of two vectors as the registers hold beside their factors.
constexpr int kTile = IMGCOMP_VECTOR_BYTES == 64 ? 14 : 6;

inline Vector& vector_at(float* p) {
  return *reinterpret_cast<Vector*>(p);
}
inline const Vector& vector_at(const float* p) {
  return *reinterpret_cast<const Vector*>(p);
}

template <int Rows, int Columns>
void multiply_tile(int64_t depth, const float* a, int64_t a_stride, const float* b,
                   int64_t b_stride, float* c, int64_t c_stride) {
  Vector sums[Rows][Columns] = {};
  // One pointer for three rows: base, base + stride, base + 2 · stride are addressing modes.
  const float* base[(Rows + 2) / 3];
  for (int i = 0; i < (Rows + 2) / 3; ++i) {
    base[i] = a + 3 * i * a_stride;
  }
  for (int64_t k = 0; k < depth; ++k) {
    Vector w[Columns];
    for (int j = 0; j < Columns; ++j) {
      w[j] = vector_at(b + j * b_stride);
    }
    b += kWidth;
    for (int i = 0; i < Rows; ++i) {
      const float x = base[i / 3][(i % 3) * a_stride];
      for (int j = 0; j < Columns; ++j) {
        sums[i][j] += x * w[j];
      }
    }
    for (int i = 0; i < (Rows + 2) / 3; ++i) {
      ++base[i];
    }
  }
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

template <int Columns, int... Rows>
struct Tiles {
  static constexpr Tile multiply[] = {multiply_tile<Rows, Columns>...};
  static constexpr Tile outer[] = {outer_tile<Rows, Columns>...};
};
#if IMGCOMP_VECTOR_BYTES == 64
template <int Columns>
using AllTiles = Tiles<Columns, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
#else
template <int Columns>
using AllTiles = Tiles<Columns, 1, 2, 3, 4, 5, 6>;
#endif

void multiply(int64_t rows, int64_t depth, int64_t columns, const float* a, int64_t a_stride,
              const float* b, float* c, int64_t c_stride) {
  const int64_t tiles = (rows + kTile - 1) / kTile;
  for (int64_t column = 0; column < columns;) {
    const bool two = columns - column >= 2 * kWidth;
    const Tile* table = two ? AllTiles<2>::multiply : AllTiles<1>::multiply;
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
    const Tile* table = two ? AllTiles<2>::outer : AllTiles<1>::outer;
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

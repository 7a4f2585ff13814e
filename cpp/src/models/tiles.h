// What the loops of one instruction set share: its vectors, and tiles of sums that stay in
// registers. Included by files that define IMGCOMP_VECTOR_BYTES and are compiled for that set. No
// standard headers with code in them: the linker could pick such a file's copy of a function for
// processors that lack the instructions.
#pragma once

#include <cstdint>

namespace imgcomp {
namespace {

using Vector = float __attribute__((vector_size(IMGCOMP_VECTOR_BYTES), aligned(4), may_alias));

constexpr int64_t kWidth = IMGCOMP_VECTOR_BYTES / 4;

inline Vector& vector_at(float* p) {
  return *reinterpret_cast<Vector*>(p);
}
inline const Vector& vector_at(const float* p) {
  return *reinterpret_cast<const Vector*>(p);
}

template <int... Values>
struct Numbers {};

// Rows of two vectors that the registers hold as sums, beside their factors: 28 of AVX-512's 32, 12
// of AVX2's 16; and rows of three. And all numbers of rows up to that, for tables of tiles.
#if IMGCOMP_VECTOR_BYTES == 64
constexpr int kTile = 14, kTileOfThree = 9;
using TileRows = Numbers<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>;
using TileRowsOfThree = Numbers<1, 2, 3, 4, 5, 6, 7, 8, 9>;
#else
constexpr int kTile = 6, kTileOfThree = 4;
using TileRows = Numbers<1, 2, 3, 4, 5, 6>;
using TileRowsOfThree = Numbers<1, 2, 3, 4>;
#endif

// Adds Rows rows of `a` (depth) times Columns vectors of `b` (depth, kWidth) to the sums.
template <int Rows, int Columns>
[[gnu::always_inline]] inline void add_products(int64_t depth, const float* a, int64_t a_stride,
                                                const float* b, int64_t b_stride,
                                                Vector (&sums)[Rows][Columns]) {
  // One pointer for three rows: base, base + stride, base + 2 · stride are addressing modes.
  const float* base[(Rows + 2) / 3];
  for (int i = 0; i < (Rows + 2) / 3; ++i) {
    base[i] = a + 3 * i * a_stride;
  }
#pragma GCC unroll 4
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
}

}  // namespace
}  // namespace imgcomp

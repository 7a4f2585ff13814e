// The transforms, as matrices for one axis: points = input · (input's pixels), and so on. On two
// axes each is applied to the rows and then to the columns. No standard headers with code in them;
// see kernels_body.h.
#pragma once

#include <cstdint>

namespace imgcomp::transformed {

// Rows of a matrix in pairs: which of them are the first, and which the second, of two neighbours
// that differ in signs alone.
template <int Rows>
struct Twins {
  bool first[Rows]{}, second[Rows]{}, any = false;
};

template <int Rows, int Columns>
struct Matrix {
  static constexpr int kRows = Rows, kColumns = Columns;
  float at[Rows][Columns];

  constexpr Matrix<Columns, Rows> transposed() const {
    Matrix<Columns, Rows> result{};
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < Columns; ++j) {
        result.at[j][i] = at[i][j];
      }
    }
    return result;
  }

  constexpr Twins<Rows> twins() const {
    Twins<Rows> result{};
    for (int i = 0; i + 1 < Rows; ++i) {
      bool alike = !result.second[i];
      for (int k = 0; k < Columns; ++k) {
        alike = alike && (at[i][k] == at[i + 1][k] || at[i][k] == -at[i + 1][k]);
      }
      result.first[i] = result.second[i + 1] = alike;
      result.any = result.any || alike;
    }
    return result;
  }
};

// Four outputs of three taps by six products instead of twelve, on two axes 36 instead of 144
// (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.3): the
// product of polynomials through their values at 0, 1, −1, 2, −2 and infinity.
struct Winograd {
  static constexpr int kStep = 4;
  static constexpr int kOnes = 1;  // the point that adds to every output once
  static constexpr Matrix<6, 6> kInput{{{4, 0, -5, 0, 1, 0},
                                        {0, -4, -4, 1, 1, 0},
                                        {0, 4, -4, -1, 1, 0},
                                        {0, -2, -1, 2, 1, 0},
                                        {0, 2, -1, -2, 1, 0},
                                        {0, 4, 0, -5, 0, 1}}};
  static constexpr Matrix<6, 3> kWeight{{{1.0F / 4, 0, 0},
                                         {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                                         {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                                         {1.0F / 24, 1.0F / 12, 1.0F / 6},
                                         {1.0F / 24, -1.0F / 12, 1.0F / 6},
                                         {0, 0, 1}}};
  static constexpr Matrix<4, 6> kOutput{
      {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}};
};

// Nearest upsampling by 2, then three taps: around a pixel b with neighbours a and c the upsampled
// row reads a b b c, and the two outputs over b are
//   w₀a + (w₁ + w₂)b = w₀(a − b) + (w₀ + w₁ + w₂)b   and   (w₀ + w₁)b + w₂c = (…)b + w₂(c − b),
// three products where the upsampled convolution has six and its phases have four; on two axes 9
// instead of 36 or 16.
struct Upsampled {
  static constexpr int kStep = 1;
  static constexpr int kOnes = 1;
  static constexpr Matrix<3, 3> kInput{{{1, -1, 0}, {0, 1, 0}, {0, -1, 1}}};
  static constexpr Matrix<3, 3> kWeight{{{1, 0, 0}, {1, 1, 1}, {0, 0, 1}}};
  static constexpr Matrix<2, 3> kOutput{{{1, 1, 0}, {0, 1, 1}}};
};

}  // namespace imgcomp::transformed

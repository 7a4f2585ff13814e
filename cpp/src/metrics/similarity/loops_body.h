// The loops of loops.h for one instruction set. Included by one file for each, which defines
// IMGCOMP_VECTOR_BYTES. No standard headers with code in them: the linker could pick this file's
// copy of a function for processors that lack the instructions.
//
// One pass over the plane from top to bottom. What a window needs of the last rows stays in rings
// of `window` rows, so that a plane of any size is worked on in the caches.
#pragma once

#include "metrics/similarity/loops.h"

namespace imgcomp::similarity {
namespace {

using Vector = double __attribute__((vector_size(IMGCOMP_VECTOR_BYTES), aligned(8), may_alias));
using Places = int64_t __attribute__((vector_size(IMGCOMP_VECTOR_BYTES)));

constexpr int64_t kWidth = IMGCOMP_VECTOR_BYTES / 8;

inline Vector& vector_at(double* p) {
  return *reinterpret_cast<Vector*>(p);
}
inline const Vector& vector_at(const double* p) {
  return *reinterpret_cast<const Vector*>(p);
}

inline Places places_from(int64_t first) {
  Places places;
  for (int64_t i = 0; i < kWidth; ++i) {
    places[i] = first + i;
  }
  return places;
}

// One row of every map: (kMaps, span).
struct Rows {
  double* values;
  int64_t span;

  double* map(int64_t m) const { return values + m * span; }
};

// The rows that a window reaches, each in the place of the one that it no longer does.
struct Ring {
  double* values;
  int64_t span;
  int64_t size;

  Rows at(int64_t row) const { return {values + row % size * kMaps * span, span}; }
};

// Columns vectors of every map from column j on.
template <int Columns>
void filter_across_block(const double* weights, int64_t window, const Rows& in, int64_t j,
                         const Rows& out) {
  Vector sums[kMaps][Columns] = {};
  for (int64_t k = 0; k < window; ++k) {
    for (int64_t m = 0; m < kMaps; ++m) {
      for (int64_t c = 0; c < Columns; ++c) {
        sums[m][c] += weights[k] * vector_at(in.map(m) + j + c * kWidth + k);
      }
    }
  }
  for (int64_t m = 0; m < kMaps; ++m) {
    for (int64_t c = 0; c < Columns; ++c) {
      vector_at(out.map(m) + j + c * kWidth) = sums[m][c];
    }
  }
}

// out[j] = Σ weights[k] · in[j + k] for j < count, and some more.
void filter_across(const double* weights, int64_t window, const Rows& in, int64_t count,
                   const Rows& out) {
  int64_t j = 0;
  for (; count - j > kWidth; j += 2 * kWidth) {
    filter_across_block<2>(weights, window, in, j, out);
  }
  if (j < count) {
    filter_across_block<1>(weights, window, in, j, out);
  }
}

template <int Columns>
void filter_down_block(const double* weights, const Ring& in, int64_t first, int64_t begin,
                       int64_t end, int64_t j, const Rows& out) {
  Vector sums[kMaps][Columns] = {};
  for (int64_t k = begin, place = (first + begin) % in.size; k < end; ++k) {
    const double* rows = in.values + place * kMaps * in.span + j;
    for (int64_t m = 0; m < kMaps; ++m) {
      for (int64_t c = 0; c < Columns; ++c) {
        sums[m][c] += weights[k] * vector_at(rows + m * in.span + c * kWidth);
      }
    }
    place = place + 1 == in.size ? 0 : place + 1;
  }
  for (int64_t m = 0; m < kMaps; ++m) {
    for (int64_t c = 0; c < Columns; ++c) {
      vector_at(out.map(m) + j + c * kWidth) = sums[m][c];
    }
  }
}

// out = Σ weights[k] · row (first + k) over k in [begin, end), for `count` columns and some more.
void filter_down(const double* weights, const Ring& in, int64_t first, int64_t begin, int64_t end,
                 int64_t count, const Rows& out) {
  int64_t j = 0;
  for (; count - j > kWidth; j += 2 * kWidth) {
    filter_down_block<2>(weights, in, first, begin, end, j, out);
  }
  if (j < count) {
    filter_down_block<1>(weights, in, first, begin, end, j, out);
  }
}

// A quotient a / (a + rest), and its derivatives with respect to both.
struct Quotient {
  Vector value, to_a, to_rest;
};

inline Quotient quotient(Vector a, Vector rest) {
  const Vector inverse = 1.0 / (a + rest);
  const Vector value = a * inverse;
  const Vector to_rest = -value * inverse;
  return {value, inverse + to_rest, to_rest};
}

// What is made of the windowed means of one row of positions: their sum, and where Derivatives, its
// derivatives with respect to the means.
template <bool Luminance, bool Derivatives>
double sum_of_row(const Scale& scale, const Rows& means, const Rows& derivatives) {
  Vector sum = {};
  for (int64_t j = 0; j < scale.out_width(); j += kWidth) {
    const Vector x = vector_at(means.map(0) + j), y = vector_at(means.map(1) + j);
    const Vector square = vector_at(means.map(2) + j), product = vector_at(means.map(3) + j);
    const Vector between = x - y;
    // 2 · covariance, and the variance of the difference: together the sum of both variances.
    const Quotient structure =
        quotient(2.0 * (product - x * y) + scale.c2, square - between * between);
    Vector value = structure.value;
    Vector to_x = -2.0 * (y * structure.to_a + between * structure.to_rest);
    Vector to_y = -2.0 * (x * structure.to_a - between * structure.to_rest);
    Vector to_square = structure.to_rest, to_product = 2.0 * structure.to_a;
    if constexpr (Luminance) {
      const Quotient luminance = quotient(2.0 * (x * y) + scale.c1, between * between);
      value *= luminance.value;
      to_x = luminance.value * to_x +
             structure.value * 2.0 * (y * luminance.to_a + between * luminance.to_rest);
      to_y = luminance.value * to_y +
             structure.value * 2.0 * (x * luminance.to_a - between * luminance.to_rest);
      to_square *= luminance.value;
      to_product *= luminance.value;
    }
    const Vector none = {};
    const Places inside = places_from(j) < scale.out_width();
    sum += inside ? value : none;
    if constexpr (Derivatives) {
      vector_at(derivatives.map(0) + j) = inside ? to_x : none;
      vector_at(derivatives.map(1) + j) = inside ? to_y : none;
      vector_at(derivatives.map(2) + j) = inside ? to_square : none;
      vector_at(derivatives.map(3) + j) = inside ? to_product : none;
    }
  }
  double total = 0.0;
  for (int64_t i = 0; i < kWidth; ++i) {
    total += sum[i];
  }
  return total;
}

template <bool Luminance, bool Derivatives>
double sum_over(const Scale& scale, const double* x, const double* y, double* to_x, double* to_y,
                double* scratch) {
  const int64_t span = scale.span(), window = scale.window, width = scale.width;
  const int64_t rows = scale.out_height(), columns = scale.out_width();
  for (int64_t i = 0; i < scale.scratch(); ++i) {
    scratch[i] = 0.0;
  }
  const Rows maps{scratch, span}, means{maps.map(kMaps), span}, spread{means.map(kMaps), span};
  const Ring filtered{spread.map(kMaps), span, window};
  const Ring derivatives{filtered.values + window * kMaps * span, span, window};

  // The derivatives with respect to the pixels of one row: from all positions that see it.
  const auto finish = [&](int64_t row) {
    const int64_t begin = row + 1 < window ? window - 1 - row : 0;
    const int64_t end = row < rows ? window : window - 1 - row + rows;
    filter_down(scale.weights, derivatives, row + 1, begin, end, width + window - 1, spread);
    filter_across(scale.weights, window, spread, width, means);
    const double *a = x + row * width, *b = y + row * width;
    double *to_a = to_x + row * width, *to_b = to_y + row * width;
    for (int64_t j = 0; j < width; ++j) {
      const double through_square = 2.0 * (a[j] - b[j]) * means.map(2)[j];
      to_a[j] = means.map(0)[j] + through_square + b[j] * means.map(3)[j];
      to_b[j] = means.map(1)[j] - through_square + a[j] * means.map(3)[j];
    }
  };

  double sum = 0.0;
  for (int64_t row = 0; row < scale.height; ++row) {
    const double *a = x + row * width, *b = y + row * width;
    for (int64_t j = 0; j < width; ++j) {
      maps.map(0)[j] = a[j];
      maps.map(1)[j] = b[j];
      maps.map(2)[j] = (a[j] - b[j]) * (a[j] - b[j]);
      maps.map(3)[j] = a[j] * b[j];
    }
    filter_across(scale.weights, window, maps, columns, filtered.at(row));
    const int64_t position = row - window + 1;
    if (position < 0) {
      continue;
    }
    filter_down(scale.weights, filtered, position, 0, window, columns, means);
    // Zeros before it: a pixel's positions begin a window to the left.
    const Rows shifted{derivatives.at(position).values + window - 1, span};
    sum += sum_of_row<Luminance, Derivatives>(scale, means, shifted);
    if constexpr (Derivatives) {
      finish(position);
    }
  }
  if constexpr (Derivatives) {
    for (int64_t row = rows; row < scale.height; ++row) {
      finish(row);
    }
  }
  return sum;
}

double sum(const Scale& scale, const double* x, const double* y, double* to_x, double* to_y,
           double* scratch) {
  if (scale.luminance) {
    return to_x != nullptr ? sum_over<true, true>(scale, x, y, to_x, to_y, scratch)
                           : sum_over<true, false>(scale, x, y, to_x, to_y, scratch);
  }
  return to_x != nullptr ? sum_over<false, true>(scale, x, y, to_x, to_y, scratch)
                         : sum_over<false, false>(scale, x, y, to_x, to_y, scratch);
}

constexpr Loops kLoops{.sum = sum};

}  // namespace
}  // namespace imgcomp::similarity

// Average pooling and spline interpolation of one axis as small matrices. Both are linear, so that
// any sequence of them is one matrix for the rows of an image and one for its columns.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace imgcomp {

// The part of a matrix's row that is not zero.
struct Band {
  int64_t begin = 0;  // first column
  std::vector<double> weights;

  int64_t end() const { return begin + static_cast<int64_t>(weights.size()); }
};

// A matrix whose rows each have one band; its rows sum to 1.
struct BandMatrix {
  int64_t columns = 0;     // samples that go in
  std::vector<Band> rows;  // one for each sample that comes out

  int64_t size() const { return static_cast<int64_t>(rows.size()); }
  bool is_identity() const;
  at::Tensor dense() const;  // float64 (rows, columns)
};

// Spline interpolation from `in` to `out` evenly spaced samples whose first and last points
// coincide. Order 0 takes the nearest sample (at a tie the later one); orders 1, 3 and 5 are the
// interpolating splines of FITPACK, with knots at the samples but for the (order − 1)/2 next to
// each end. That is scipy.interpolate.RectBivariateSpline(kx=order, ky=order, s=0) for each axis,
// and scipy.ndimage.zoom(order=0, mode="nearest"). Weights below 1e-9 at a band's ends are left
// out. UsageError for another order, fewer than order + 1 samples, or out < 2.
BandMatrix spline_matrix(int64_t in, int64_t out, int64_t order);

// Means over windows of `window` samples every `step` samples, without padding: out = (in − window)
// / step + 1. UsageError unless 1 ≤ window ≤ in and step ≥ 1.
BandMatrix pool_matrix(int64_t in, int64_t window, int64_t step);

// The matrix that first applies `first`, then `second`.
BandMatrix product(const BandMatrix& second, const BandMatrix& first);

// What happens to one axis: pooling, or interpolation.
struct AxisStep {
  enum class Kind : int64_t { pool, spline } kind;
  int64_t a;  // pool: window; spline: samples that come out
  int64_t b;  // pool: step; spline: order
};

// How many samples come out of one step; UsageError where it cannot be done.
int64_t axis_output(int64_t in, const AxisStep& step);

// The matrix of a sequence of steps on an axis of `in` samples. Computed once and kept; may be
// called from any thread.
std::shared_ptr<const BandMatrix> axis_matrix(int64_t in, const std::vector<AxisStep>& steps);

}  // namespace imgcomp

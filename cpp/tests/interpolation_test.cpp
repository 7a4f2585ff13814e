#include "imgcomp/interpolation.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include "imgcomp/error.h"

using namespace imgcomp;

namespace {

void check_rows(const BandMatrix& matrix, const std::vector<std::vector<double>>& expected) {
  const at::Tensor dense = matrix.dense();
  REQUIRE(dense.size(0) == static_cast<int64_t>(expected.size()));
  for (int64_t i = 0; i < dense.size(0); ++i) {
    CHECK(at::allclose(dense[i], at::tensor(expected[i], at::kDouble), 0.0, 1e-9));
  }
}

}  // namespace

TEST_CASE("splines of each order from four samples to seven") {
  check_rows(spline_matrix(2, 3, 1), {{1, 0}, {0.5, 0.5}, {0, 1}});
  check_rows(spline_matrix(3, 4, 0), {{1, 0, 0}, {0, 1, 0}, {0, 1, 0}, {0, 0, 1}});
  check_rows(spline_matrix(2, 3, 0), {{1, 0}, {0, 1}, {0, 1}});  // a tie: the later one
  // Four samples and order 3: the cubic through them (Lagrange's weights).
  check_rows(spline_matrix(4, 7, 3), {{1, 0, 0, 0},
                                      {0.3125, 0.9375, -0.3125, 0.0625},
                                      {0, 1, 0, 0},
                                      {-0.0625, 0.5625, 0.5625, -0.0625},
                                      {0, 0, 1, 0},
                                      {0.0625, -0.3125, 0.9375, 0.3125},
                                      {0, 0, 0, 1}});
  CHECK(spline_matrix(9, 9, 5).is_identity());
  CHECK(!spline_matrix(9, 8, 5).is_identity());
}

TEST_CASE("far samples have no weight, and rows are cut down to their bands") {
  const BandMatrix matrix = spline_matrix(200, 301, 3);
  for (const Band& row : matrix.rows) {
    CHECK(row.weights.size() < 45);
    double sum = 0.0;
    for (const double weight : row.weights) {
      sum += weight;
    }
    CHECK(sum == doctest::Approx(1.0).epsilon(1e-7));
  }
}

TEST_CASE("pooling, and products") {
  check_rows(pool_matrix(5, 2, 2), {{0.5, 0.5, 0, 0, 0}, {0, 0, 0.5, 0.5, 0}});
  check_rows(product(pool_matrix(2, 2, 1), pool_matrix(5, 2, 2)), {{0.25, 0.25, 0.25, 0.25, 0}});
  CHECK_THROWS_AS(product(pool_matrix(3, 2, 1), pool_matrix(5, 2, 2)), UsageError);
}

TEST_CASE("an axis's matrix is kept") {
  const std::vector<AxisStep> steps{{AxisStep::Kind::pool, 2, 1}, {AxisStep::Kind::spline, 5, 1}};
  const auto matrix = axis_matrix(5, steps);
  CHECK(matrix == axis_matrix(5, steps));
  CHECK(matrix != axis_matrix(6, steps));
  CHECK(axis_matrix(7, {})->is_identity());
  check_rows(*matrix, {{0.5, 0.5, 0, 0, 0},
                       {0.125, 0.5, 0.375, 0, 0},
                       {0, 0.25, 0.5, 0.25, 0},
                       {0, 0, 0.375, 0.5, 0.125},
                       {0, 0, 0, 0.5, 0.5}});
  CHECK(axis_output(28, {AxisStep::Kind::pool, 3, 2}) == 13);
  CHECK(axis_output(13, {AxisStep::Kind::spline, 28, 5}) == 28);
}

TEST_CASE("settings that make no sense are refused") {
  CHECK_THROWS_WITH_AS(spline_matrix(8, 8, 2), "the order of a spline must be 0, 1, 3 or 5, not 2",
                       UsageError);
  CHECK_THROWS_WITH_AS(spline_matrix(5, 8, 5),
                       "a spline of order 5 needs at least 6 samples along each axis, not 5",
                       UsageError);
  CHECK_THROWS_WITH_AS(spline_matrix(5, 1, 1),
                       "interpolation gives at least 2 samples along each axis, not 1", UsageError);
  CHECK_THROWS_WITH_AS(pool_matrix(5, 6, 1),
                       "a pooling window over 5 samples must have 1…5 of them, not 6", UsageError);
  CHECK_THROWS_WITH_AS(pool_matrix(5, 2, 0), "the step of a pooling must be at least 1, not 0",
                       UsageError);
}

#include "imgcomp/interpolation.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "imgcomp/error.h"

namespace imgcomp {
namespace {

// Weights this small change a 32-bit result by less than its rounding does.
constexpr double kNegligible = 1e-9;

// The row without the negligible weights at its ends.
Band trim(const std::vector<double>& weights, int64_t begin) {
  const auto counts = [](double weight) { return std::abs(weight) > kNegligible; };
  const auto first = std::find_if(weights.begin(), weights.end(), counts);
  const auto last = std::find_if(weights.rbegin(), weights.rend(), counts).base();
  if (first >= last) {
    return {begin, {}};
  }
  return {begin + (first - weights.begin()), {first, last}};
}

// B-splines of odd order over the samples 0, 1, …, n − 1, and the interpolation with them.
class SplineBasis {
 public:
  SplineBasis(int64_t samples, int64_t order) : samples_(samples), order_(order) {
    const int64_t skipped = (order + 1) / 2;
    knots_.assign(static_cast<size_t>(order + 1), 0.0);
    for (int64_t i = skipped; i < samples - skipped; ++i) {
      knots_.push_back(static_cast<double>(i));
    }
    knots_.insert(knots_.end(), static_cast<size_t>(order + 1), static_cast<double>(samples - 1));
    factorise();
  }

  // What each sample contributes to the spline's value at x.
  std::vector<double> sample_weights(double x) const {
    std::vector<double> weights(static_cast<size_t>(samples_), 0.0);
    std::vector<double> values(static_cast<size_t>(order_ + 1));
    const int64_t first = evaluate(x, values);
    std::copy(values.begin(), values.end(), weights.begin() + first);
    // Solves w · A = values with A = L · U; nothing comes before the first value.
    for (int64_t j = first; j < samples_; ++j) {
      double sum = weights[j];
      for (int64_t i = std::max(first, j - order_); i < j; ++i) {
        sum -= weights[i] * at(i, j);
      }
      weights[j] = sum / at(j, j);
    }
    for (int64_t j = samples_ - 1; j >= 0; --j) {
      for (int64_t i = j + 1; i <= std::min(j + order_, samples_ - 1); ++i) {
        weights[j] -= weights[i] * at(i, j);
      }
    }
    return weights;
  }

 private:
  // The order + 1 basis functions that are not zero at x (de Boor's recurrence); returns the first
  // one's number.
  int64_t evaluate(double x, std::vector<double>& values) const {
    const auto inner = std::upper_bound(knots_.begin() + order_, knots_.begin() + samples_, x);
    const int64_t span = std::max<int64_t>(order_, inner - knots_.begin() - 1);
    values.assign(values.size(), 0.0);
    values[0] = 1.0;
    for (int64_t degree = 1; degree <= order_; ++degree) {
      double carried = 0.0;
      for (int64_t r = 0; r < degree; ++r) {
        const double right = knots_[span + r + 1];
        const double left = knots_[span + 1 - degree + r];
        const double share = values[r] / (right - left);
        values[r] = carried + (right - x) * share;
        carried = (x - left) * share;
      }
      values[degree] = carried;
    }
    return span - order_;
  }

  // The matrix A(i, j) of basis function j at sample i, as L · U in its band. It is totally
  // positive, so that elimination without pivoting is stable.
  void factorise() {
    band_.assign(static_cast<size_t>(samples_ * (2 * order_ + 1)), 0.0);
    std::vector<double> values(static_cast<size_t>(order_ + 1));
    for (int64_t i = 0; i < samples_; ++i) {
      const int64_t first = evaluate(static_cast<double>(i), values);
      for (int64_t j = 0; j <= order_; ++j) {
        if (values[j] != 0.0) {
          at(i, first + j) = values[j];
        }
      }
    }
    for (int64_t pivot = 0; pivot < samples_; ++pivot) {
      const int64_t end = std::min(pivot + order_ + 1, samples_);
      for (int64_t i = pivot + 1; i < end; ++i) {
        const double factor = at(i, pivot) /= at(pivot, pivot);
        for (int64_t j = pivot + 1; j < end; ++j) {
          at(i, j) -= factor * at(pivot, j);
        }
      }
    }
  }

  double& at(int64_t i, int64_t j) { return band_[i * (2 * order_ + 1) + j - i + order_]; }
  double at(int64_t i, int64_t j) const { return band_[i * (2 * order_ + 1) + j - i + order_]; }

  int64_t samples_, order_;
  std::vector<double> knots_;
  std::vector<double> band_;
};

void check_pool(int64_t in, int64_t window, int64_t step) {
  if (window < 1 || window > in) {
    throw UsageError(concat("a pooling window over ", in, " samples must have 1…", in,
                            " of them, not ", window));
  }
  if (step < 1) {
    throw UsageError(concat("the step of a pooling must be at least 1, not ", step));
  }
}

void check_spline(int64_t in, int64_t out, int64_t order) {
  if (order != 0 && order != 1 && order != 3 && order != 5) {
    throw UsageError(concat("the order of a spline must be 0, 1, 3 or 5, not ", order));
  }
  if (in < order + 1) {
    throw UsageError(concat("a spline of order ", order, " needs at least ", order + 1,
                            " samples along each axis, not ", in));
  }
  if (out < 2) {
    throw UsageError(concat("interpolation gives at least 2 samples along each axis, not ", out));
  }
}

}  // namespace

bool BandMatrix::is_identity() const {
  if (size() != columns) {
    return false;
  }
  for (int64_t i = 0; i < columns; ++i) {
    const Band& row = rows[i];
    if (row.begin != i || row.weights.size() != 1 || row.weights[0] != 1.0) {
      return false;
    }
  }
  return true;
}

at::Tensor BandMatrix::dense() const {
  at::Tensor matrix = at::zeros({size(), columns}, at::kDouble);
  auto values = matrix.accessor<double, 2>();
  for (int64_t i = 0; i < size(); ++i) {
    for (int64_t j = rows[i].begin; j < rows[i].end(); ++j) {
      values[i][j] = rows[i].weights[j - rows[i].begin];
    }
  }
  return matrix;
}

BandMatrix spline_matrix(int64_t in, int64_t out, int64_t order) {
  check_spline(in, out, order);
  BandMatrix matrix{in, {}};
  matrix.rows.reserve(static_cast<size_t>(out));
  if (order == 0) {
    const double spacing = static_cast<double>(in - 1) / static_cast<double>(out - 1);
    for (int64_t j = 0; j < out; ++j) {
      const auto nearest = static_cast<int64_t>(std::floor(static_cast<double>(j) * spacing + 0.5));
      matrix.rows.push_back({std::min(nearest, in - 1), {1.0}});
    }
    return matrix;
  }
  if (in == out) {  // an interpolating spline meets its samples
    for (int64_t j = 0; j < out; ++j) {
      matrix.rows.push_back({j, {1.0}});
    }
    return matrix;
  }
  const SplineBasis basis(in, order);
  for (int64_t j = 0; j < out; ++j) {
    const double x = static_cast<double>(j * (in - 1)) / static_cast<double>(out - 1);
    matrix.rows.push_back(trim(basis.sample_weights(x), 0));
  }
  return matrix;
}

BandMatrix pool_matrix(int64_t in, int64_t window, int64_t step) {
  check_pool(in, window, step);
  BandMatrix matrix{in, {}};
  const std::vector<double> weights(static_cast<size_t>(window), 1.0 / static_cast<double>(window));
  for (int64_t begin = 0; begin + window <= in; begin += step) {
    matrix.rows.push_back({begin, weights});
  }
  return matrix;
}

BandMatrix product(const BandMatrix& second, const BandMatrix& first) {
  if (second.columns != first.size()) {
    throw UsageError(concat("a matrix of ", second.columns, " columns cannot follow one of ",
                            first.size(), " rows"));
  }
  BandMatrix matrix{first.columns, {}};
  matrix.rows.reserve(second.rows.size());
  for (const Band& row : second.rows) {
    int64_t begin = first.columns;
    int64_t end = 0;
    for (int64_t k = row.begin; k < row.end(); ++k) {
      begin = std::min(begin, first.rows[k].begin);
      end = std::max(end, first.rows[k].end());
    }
    std::vector<double> weights(static_cast<size_t>(std::max<int64_t>(0, end - begin)), 0.0);
    for (int64_t k = row.begin; k < row.end(); ++k) {
      const Band& inner = first.rows[k];
      for (int64_t j = inner.begin; j < inner.end(); ++j) {
        weights[j - begin] += row.weights[k - row.begin] * inner.weights[j - inner.begin];
      }
    }
    matrix.rows.push_back(trim(weights, begin));
  }
  return matrix;
}

int64_t axis_output(int64_t in, const AxisStep& step) {
  if (step.kind == AxisStep::Kind::pool) {
    check_pool(in, step.a, step.b);
    return (in - step.a) / step.b + 1;
  }
  check_spline(in, step.a, step.b);
  return step.a;
}

std::shared_ptr<const BandMatrix> axis_matrix(int64_t in, const std::vector<AxisStep>& steps) {
  static std::mutex mutex;
  static std::map<std::vector<int64_t>, std::shared_ptr<const BandMatrix>> kept;
  std::vector<int64_t> key{in};
  for (const AxisStep& step : steps) {
    key.insert(key.end(), {static_cast<int64_t>(step.kind), step.a, step.b});
  }
  const std::lock_guard<std::mutex> lock(mutex);
  if (const auto found = kept.find(key); found != kept.end()) {
    return found->second;
  }
  BandMatrix matrix{in, {}};
  for (int64_t i = 0; i < in; ++i) {
    matrix.rows.push_back({i, {1.0}});
  }
  for (const AxisStep& step : steps) {
    const BandMatrix next = step.kind == AxisStep::Kind::pool
                                ? pool_matrix(matrix.size(), step.a, step.b)
                                : spline_matrix(matrix.size(), step.a, step.b);
    matrix = product(next, matrix);
  }
  return kept.emplace(key, std::make_shared<const BandMatrix>(std::move(matrix))).first->second;
}

}  // namespace imgcomp

#include "metrics/gaussian_window.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace imgcomp {
namespace {

// Outputs per product. A filter as a product with a band matrix does (outputs + n − 1) / n times
// the work that is needed, at many times the speed of a loop over the weights.
constexpr int64_t kTile = 64;

// (outputs + n − 1, outputs): column j holds the weights from row j on.
at::Tensor band_matrix(const at::Tensor& weights, int64_t outputs) {
  const int64_t n = weights.size(0);
  at::Tensor band = at::zeros({outputs + n - 1, outputs}, weights.options());
  for (int64_t k = 0; k < n; ++k) {
    band.diagonal(-k).copy_(weights[k]);
  }
  return band;
}

// Along the last axis.
at::Tensor filtered(const at::Tensor& maps, const at::Tensor& weights) {
  const int64_t side = maps.size(-1);
  const int64_t n = weights.size(0);
  const int64_t outputs = side - n + 1;
  if (outputs <= kTile) {
    return at::matmul(maps, band_matrix(weights, outputs));
  }
  // Views of the maps, which products take as they are; overlapping ones at once would be copied.
  const at::Tensor band = band_matrix(weights, kTile);
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < outputs; begin += kTile) {
    const int64_t count = std::min(kTile, outputs - begin);
    parts.push_back(at::matmul(maps.narrow(-1, begin, count + n - 1),
                               band.narrow(0, 0, count + n - 1).narrow(1, 0, count)));
  }
  return at::cat(parts, -1);
}

}  // namespace

std::vector<double> gaussian_weights(int64_t n, double sigma) {
  std::vector<double> weights(static_cast<size_t>(n));
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    const double place = static_cast<double>(i) - 0.5 * static_cast<double>(n - 1);
    weights[static_cast<size_t>(i)] = std::exp(-place * place / (2.0 * sigma * sigma));
    sum += weights[static_cast<size_t>(i)];
  }
  for (double& weight : weights) {
    weight /= sum;
  }
  return weights;
}

at::Tensor filtered_transposed(const at::Tensor& maps, const at::Tensor& weights) {
  return filtered(filtered(maps, weights).transpose(-1, -2), weights);
}

}  // namespace imgcomp

// Similarity by torch's operations.
#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <vector>

#include "metrics/gaussian_window.h"
#include "metrics/similarity/constants.h"
#include "metrics/similarity/images.h"

namespace imgcomp::similarity {
namespace {

// Values per piece of the batch: all that is computed from a piece fits into the memory.
constexpr int64_t kPiece = int64_t{1} << 24;

// Of planes (planes, H, W): means over the positions, (planes,).
at::Tensor mean_similarity(const at::Tensor& x, const at::Tensor& y, const at::Tensor& weights,
                           double data_range, bool luminance) {
  const double c1 = squared(kK1 * data_range), c2 = squared(kK2 * data_range);
  const at::Tensor means = filtered_transposed(at::stack({x, y, (x - y).square(), x * y}), weights);
  const at::Tensor product = means[0] * means[1];
  const at::Tensor between = (means[0] - means[1]).square();
  const at::Tensor covariance = 2.0 * (means[3] - product) + c2;
  at::Tensor similarity = covariance / (covariance + means[2] - between);
  if (luminance) {
    similarity = similarity * (2.0 * product + c1) / (2.0 * product + c1 + between);
  }
  return similarity.mean({-2, -1});
}

// Means over 2×2 pixels of planes (planes, H, W); an odd side's last pixels count twice.
at::Tensor halved(const at::Tensor& planes) {
  at::Tensor images = planes.unsqueeze(1);
  if (images.size(2) % 2 != 0 || images.size(3) % 2 != 0) {
    images = at::replication_pad2d(images, {0, images.size(3) % 2, 0, images.size(2) % 2});
  }
  return at::avg_pool2d(images, {2, 2}).squeeze(1);
}

at::Tensor of_planes(at::Tensor x, at::Tensor y, const Levels& levels) {
  at::Tensor product;
  for (const Level& level : levels.levels) {
    const bool coarsest = &level == &levels.levels.back();
    const at::Tensor weights = at::tensor(level.weights, at::kDouble).to(x.device());
    at::Tensor factor = mean_similarity(x, y, weights, levels.data_range, coarsest);
    if (levels.clamped) {
      factor = factor.clamp_min(0.0).pow(level.exponent);
    }
    product = product.defined() ? product * factor : factor;
    if (!coarsest) {
      x = halved(x);
      y = halved(y);
    }
  }
  return product;
}

}  // namespace

at::Tensor similarity_by_operations(const at::Tensor& x, const at::Tensor& y,
                                    const Levels& levels) {
  const at::Tensor first = x.flatten(0, 1), second = y.flatten(0, 1);
  const int64_t planes = first.size(0);
  const int64_t piece = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, x.size(2) * x.size(3)));
  std::vector<at::Tensor> found;
  for (int64_t from = 0; from == 0 || from < planes; from += piece) {
    const int64_t count = std::min(piece, planes - from);
    found.push_back(of_planes(first.narrow(0, from, count).to(at::kDouble),
                              second.narrow(0, from, count).to(at::kDouble), levels));
  }
  return at::cat(found).view({x.size(0), x.size(1)}).mean(1);
}

}  // namespace imgcomp::similarity

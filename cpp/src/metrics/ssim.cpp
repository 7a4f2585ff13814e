#include "imgcomp/ssim.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <vector>

#include "imgcomp/error.h"
#include "imgcomp/spec.h"
#include "metrics/gaussian_window.h"

namespace imgcomp {
namespace {

constexpr double kSigma = 1.5;
constexpr double kK1 = 0.01;
constexpr double kK2 = 0.03;

// Values of x per piece of the batch: all that is computed from a piece stays in the caches.
constexpr int64_t kPieceCpu = int64_t{1} << 17;
constexpr int64_t kPieceCuda = int64_t{1} << 24;

void check_images(const at::Tensor& x, const at::Tensor& y) {
  if (x.sizes() != y.sizes() || x.dim() != 4 || x.size(1) == 0) {
    throw UsageError(concat("two batches (N, C, H, W) of one shape are compared, not ",
                            to_string(x.sizes().vec()), " with ", to_string(y.sizes().vec())));
  }
}

// SSIM (N, C) of each plane; x and y are float64.
at::Tensor ssim_of_planes(const at::Tensor& x, const at::Tensor& y, const at::Tensor& weights,
                          double data_range) {
  const double c1 = kK1 * kK1 * data_range * data_range;
  const double c2 = kK2 * kK2 * data_range * data_range;
  // The variances are only ever added up, so that four maps do.
  const at::Tensor means =
      filtered_transposed(at::stack({x, y, x.square() + y.square(), x * y}), weights);
  const at::Tensor product = means[0] * means[1];
  const at::Tensor squares = means[0].square() + means[1].square();
  const at::Tensor structure = (2.0 * (means[3] - product) + c2) / (means[2] - squares + c2);
  const at::Tensor luminance = (2.0 * product + c1) / (squares + c1);
  return (luminance * structure).mean({-2, -1});
}

}  // namespace

at::Tensor ssim(const at::Tensor& x, const at::Tensor& y, double data_range) {
  check_images(x, y);
  if (std::min(x.size(2), x.size(3)) < kSsimWindow) {
    throw UsageError(concat("SSIM has a window of ", kSsimWindow, "×", kSsimWindow,
                            " pixels: no side may be smaller, but the images are ", x.size(2), "×",
                            x.size(3)));
  }
  const at::Tensor weights = gaussian_weights(kSsimWindow, kSigma).to(x.device());
  const int64_t values = x.size(1) * x.size(2) * x.size(3);
  const int64_t piece = std::max<int64_t>(1, (x.is_cuda() ? kPieceCuda : kPieceCpu) / values);
  std::vector<at::Tensor> found;
  int64_t begin = 0;
  do {  // at least once, so that an empty batch has a result too
    const int64_t count = std::min(piece, x.size(0) - begin);
    const at::Tensor planes =
        ssim_of_planes(x.narrow(0, begin, count).to(at::kDouble),
                       y.narrow(0, begin, count).to(at::kDouble), weights, data_range);
    found.push_back(planes.mean(1));
    begin += count;
  } while (begin < x.size(0));
  return found.size() == 1 ? found.front() : at::cat(found);
}

}  // namespace imgcomp

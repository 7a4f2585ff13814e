#include "imgcomp/ssim.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ThreadLocalState.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/replication_pad2d.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "imgcomp/error.h"
#include "imgcomp/spec.h"
#include "metrics/gaussian_window.h"

namespace imgcomp {
namespace {

constexpr double kSigma = 1.5;
constexpr double kK1 = 0.01;
constexpr double kK2 = 0.03;
// Exponents of Wang et al. (2003), from the finest scale to the coarsest.
constexpr std::array<double, 5> kWeights{0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

// Values per piece of the batch: all that is computed from a piece stays in the caches.
constexpr int64_t kPieceCpu = int64_t{1} << 16;
constexpr int64_t kPieceCuda = int64_t{1} << 24;

void check_images(const at::Tensor& x, const at::Tensor& y) {
  if (x.sizes() != y.sizes() || x.dim() != 4 || x.size(1) == 0) {
    throw UsageError(concat("two batches (N, C, H, W) of one shape are compared, not ",
                            to_string(x.sizes().vec()), " with ", to_string(y.sizes().vec())));
  }
}

// Means over the positions of each plane, (planes,).
struct Similarity {
  at::Tensor whole;      // luminance · contrast–structure
  at::Tensor structure;  // contrast–structure alone
};

// Of planes (planes, H, W) in float64.
Similarity similarity(const at::Tensor& x, const at::Tensor& y, const at::Tensor& weights,
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
  return {(luminance * structure).mean({-2, -1}), structure.mean({-2, -1})};
}

// Means over an image's planes of what `measure` makes of planes (planes, H, W) in float64.
template <class Measure>
at::Tensor over_planes(const at::Tensor& x, const at::Tensor& y, const Measure& measure) {
  const at::Tensor first = x.flatten(0, 1);
  const at::Tensor second = y.flatten(0, 1);
  const int64_t planes = first.size(0);
  const int64_t values = std::max<int64_t>(1, x.size(2) * x.size(3));
  const int64_t piece = std::max<int64_t>(1, (x.is_cuda() ? kPieceCuda : kPieceCpu) / values);
  const int64_t pieces = std::max<int64_t>(1, (planes + piece - 1) / piece);
  std::vector<at::Tensor> found(static_cast<size_t>(pieces));
  // Whole pieces side by side, each on one thread, and not the many small products one by one on
  // all threads: those wait for each other. The threads take over this one's mode of autograd.
  const at::ThreadLocalState state;
  at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
    const at::ThreadLocalStateGuard guard(state);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t from = i * piece;
      const int64_t count = std::min(piece, planes - from);
      found[static_cast<size_t>(i)] = measure(first.narrow(0, from, count).to(at::kDouble),
                                              second.narrow(0, from, count).to(at::kDouble));
    }
  });
  const at::Tensor all = pieces == 1 ? found.front() : at::cat(found);
  return all.view({x.size(0), x.size(1)}).mean(1);
}

// Means over 2×2 pixels of planes (planes, H, W); an odd side's last pixels count twice.
at::Tensor halved(const at::Tensor& planes) {
  at::Tensor images = planes.unsqueeze(1);
  if (images.size(2) % 2 != 0 || images.size(3) % 2 != 0) {
    images = at::replication_pad2d(images, {0, images.size(3) % 2, 0, images.size(2) % 2});
  }
  return at::avg_pool2d(images, {2, 2}).squeeze(1);
}

// The windows' weights at each scale of images of that size, on the device of `like`.
std::vector<at::Tensor> windows_of_scales(const MsSsimVariant& variant, int64_t height,
                                          int64_t width, const at::Tensor& like) {
  std::vector<at::Tensor> found;
  for (size_t scale = 0; scale < variant.weights.size(); ++scale) {
    int64_t side = variant.window;
    double sigma = kSigma;
    if (variant.shrinks) {
      side = std::min({side, height, width});
      sigma *= static_cast<double>(side) / static_cast<double>(variant.window);
    }
    found.push_back(gaussian_weights(side, sigma).to(like.device()));
    height = (height + 1) / 2;
    width = (width + 1) / 2;
  }
  return found;
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
  return over_planes(x, y, [&](const at::Tensor& a, const at::Tensor& b) {
    return similarity(a, b, weights, data_range).whole;
  });
}

int64_t MsSsimVariant::least_side() const {
  // A side is halved, rounded up, between scales.
  return shrinks ? 1 : ((window - 1) << (weights.size() - 1)) + 1;
}

MsSsimVariant ms_ssim_variant(const std::string& name, int64_t window, int64_t scales) {
  if (name == "adaptive" || name == "standard") {
    return {name, kSsimWindow, name == "adaptive", {kWeights.begin(), kWeights.end()}};
  }
  if (name != "renormalised") {
    throw UsageError(
        concat("the variant of MS-SSIM must be adaptive, renormalised or standard, "
               "not '",
               name, "'"));
  }
  const auto most = static_cast<int64_t>(kWeights.size());
  if (scales < 1 || scales > most || window < 2) {
    throw UsageError(concat("MS-SSIM takes 1 … ", most,
                            " scales and a window of at least 2 "
                            "pixels, not ",
                            scales, " and ", window));
  }
  std::vector<double> weights(kWeights.begin(), kWeights.begin() + scales);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) {
    weight /= sum;
  }
  return {name, window, false, weights};
}

at::Tensor ms_ssim(const at::Tensor& x, const at::Tensor& y, const MsSsimVariant& variant,
                   double data_range) {
  check_images(x, y);
  const int64_t side = std::min(x.size(2), x.size(3));
  if (side < variant.least_side()) {
    const MsSsimVariant other = ms_ssim_variant("renormalised", kMsSsimWindow, kMsSsimScales);
    throw UsageError(
        concat("the ", variant.name, " MS-SSIM has ", variant.weights.size(),
               " scales and a window of ", variant.window, " pixels and needs sides of at least ",
               variant.least_side(), ", but the images are ", x.size(2), "×", x.size(3),
               "; the adaptive one takes any size, the renormalised one (window ", other.window,
               ", ", other.weights.size(), " scales) from ", other.least_side(), " pixels on"));
  }
  const auto windows = windows_of_scales(variant, x.size(2), x.size(3), x);
  return over_planes(x, y, [&](at::Tensor a, at::Tensor b) {
    at::Tensor product;
    for (size_t scale = 0; scale < windows.size(); ++scale) {
      const bool coarsest = scale + 1 == windows.size();
      const Similarity found = similarity(a, b, windows[scale], data_range);
      const at::Tensor factor =
          (coarsest ? found.whole : found.structure).clamp_min(0.0).pow(variant.weights[scale]);
      product = scale == 0 ? factor : product * factor;
      if (!coarsest) {
        a = halved(a);
        b = halved(b);
      }
    }
    return product;
  });
}

}  // namespace imgcomp

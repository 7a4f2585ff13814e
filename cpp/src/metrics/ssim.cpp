#include "imgcomp/ssim.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "imgcomp/error.h"
#include "imgcomp/spec.h"
#include "metrics/gaussian_window.h"
#include "metrics/similarity/constants.h"
#include "metrics/similarity/images.h"

namespace imgcomp {
namespace {

// Exponents of Wang et al. (2003), from the finest scale to the coarsest.
constexpr std::array<double, 5> kWeights{0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

void check_images(const at::Tensor& x, const at::Tensor& y) {
  if (x.sizes() != y.sizes() || x.dim() != 4 || x.size(1) == 0) {
    throw UsageError(concat("two batches (N, C, H, W) of one shape are compared, not ",
                            to_string(x.sizes().vec()), " with ", to_string(y.sizes().vec())));
  }
}

// What is looked at in images of that size.
similarity::Levels levels_of(const MsSsimVariant& variant, int64_t height, int64_t width,
                             double data_range) {
  similarity::Levels found{{}, data_range, true};
  for (const double exponent : variant.weights) {
    int64_t side = variant.window;
    double sigma = similarity::kSigma;
    if (variant.shrinks) {
      side = std::min({side, height, width});
      sigma *= static_cast<double>(side) / static_cast<double>(variant.window);
    }
    found.levels.push_back({gaussian_weights(side, sigma), exponent});
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
  return similarity::similarity_of_images(
      x, y, {{{gaussian_weights(kSsimWindow, similarity::kSigma), 1.0}}, data_range, false});
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
  return similarity::similarity_of_images(x, y,
                                          levels_of(variant, x.size(2), x.size(3), data_range));
}

}  // namespace imgcomp

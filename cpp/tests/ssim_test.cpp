#include "imgcomp/ssim.h"

#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <doctest/doctest.h>

#include <cmath>

#include "imgcomp/error.h"

using namespace imgcomp;

TEST_CASE("flat images differ in luminance alone") {
  const at::Tensor x = at::full({2, 3, 12, 11}, 100.0);
  const at::Tensor y = at::full({2, 3, 12, 11}, 50.0);
  const double luminance = (2 * 100.0 * 50.0 + 6.5025) / (100.0 * 100.0 + 50.0 * 50.0 + 6.5025);
  const at::Tensor found = ssim(x, y, 255.0);
  CHECK(found.sizes().vec() == std::vector<int64_t>{2});
  CHECK(found[1].item<double>() == doctest::Approx(luminance));
  // Contrast and structure are 1 at every scale; the coarsest one's exponent is 0.1333.
  const MsSsimVariant adaptive = ms_ssim_variant("adaptive", 7, 3);
  CHECK(ms_ssim(x, y, adaptive, 255.0)[0].item<double>() ==
        doctest::Approx(std::pow(luminance, 0.1333)));
}

TEST_CASE("variants know what they need") {
  CHECK(ms_ssim_variant("adaptive", 7, 3).least_side() == 1);
  CHECK(ms_ssim_variant("standard", 7, 3).least_side() == 161);
  const MsSsimVariant renormalised = ms_ssim_variant("renormalised", 7, 3);
  CHECK(renormalised.least_side() == 25);
  CHECK(renormalised.weights[1] == doctest::Approx(0.2856 / 0.6305));
  CHECK_THROWS_AS(ms_ssim_variant("renormalised", 7, 6), UsageError);
  CHECK_THROWS_AS(ms_ssim_variant("padded", 7, 3), UsageError);
  const at::Tensor x = at::full({1, 1, 24, 30}, 1.0);
  CHECK_THROWS_AS(ms_ssim(x, x, renormalised, 255.0), UsageError);
  CHECK_THROWS_AS(ssim(x.narrow(2, 0, 10), x.narrow(2, 0, 10), 255.0), UsageError);
  CHECK_THROWS_AS(ssim(x, x.narrow(2, 0, 12), 255.0), UsageError);
}

TEST_CASE("gradients reach images that are worked on in other threads") {
  const at::Tensor x = at::rand({600, 1, 16, 16});
  const at::Tensor y = at::rand({600, 1, 16, 16}).requires_grad_();
  ssim(x, y, 1.0).sum().backward();
  CHECK(y.grad().abs().amax({1, 2, 3}).min().item<double>() > 0.0);
}

#include "imgcomp/ssim.h"

#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/rand_like.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>

#include "imgcomp/error.h"
#include "metrics/gaussian_window.h"
#include "metrics/similarity/constants.h"
#include "metrics/similarity/images.h"
#include "metrics/similarity/loops.h"
#include "models/direct/kernels.h"

using namespace imgcomp;

namespace {

similarity::Levels levels_of(std::vector<int64_t> windows, bool clamped) {
  similarity::Levels found{{}, 1.0, clamped};
  for (const int64_t side : windows) {
    found.levels.push_back({gaussian_weights(side, 0.14 * static_cast<double>(side)), 0.4});
  }
  return found;
}

at::Tensor like(const at::Tensor& x) {
  return 0.7 * x + 0.3 * at::rand_like(x);
}

double largest(const at::Tensor& values) {
  return values.abs().max().item<double>();
}

}  // namespace

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

TEST_CASE("loops and torch's operations agree in values and gradients") {
  struct Case {
    std::vector<int64_t> windows;
    int64_t height, width;
  };
  const std::vector<Case> cases = {{{11}, 11, 11},
                                   {{11}, 12, 40},
                                   {{1, 1}, 1, 1},
                                   {{3, 2, 1}, 5, 3},
                                   {{11, 11, 8, 4, 2}, 32, 32},
                                   {{7, 7, 5}, 28, 17},
                                   {{11, 11, 9}, 33, 35},
                                   {{2}, 2, 19}};
  for (const Case& one : cases) {
    for (const bool clamped : {false, true}) {
      CAPTURE(one.height);
      CAPTURE(one.width);
      if (!clamped && one.windows.size() > 1) {
        continue;  // several levels are always raised to powers
      }
      const similarity::Levels levels = levels_of(one.windows, clamped);
      const auto options = at::TensorOptions(at::kDouble);
      const at::Tensor x = at::rand({3, 2, one.height, one.width}, options);
      const at::Tensor y = like(x);
      const at::Tensor a = x.clone().requires_grad_(), b = y.clone().requires_grad_();
      const at::Tensor c = x.clone().requires_grad_(), d = y.clone().requires_grad_();
      const at::Tensor weights = at::rand({3}, options);
      const at::Tensor loops = similarity::similarity_of_images(a, b, levels);
      const at::Tensor operations = similarity::similarity_by_operations(c, d, levels);
      (loops * weights).sum().backward();
      (operations * weights).sum().backward();
      CHECK(largest(loops - operations) < 1e-12);
      CHECK(largest(a.grad() - c.grad()) < 1e-10);
      CHECK(largest(b.grad() - d.grad()) < 1e-10);
      // Without gradients it is the same number.
      CHECK(similarity::similarity_of_images(x, y, levels).equal(loops));
    }
  }
}

TEST_CASE("every instruction set's loops give the same sums and derivatives") {
  std::vector<const similarity::Loops*> sets = {&similarity::baseline_loops()};
  if (direct::avx2_kernels() != nullptr) {
    sets.push_back(&similarity::best_loops());
  }
#ifdef __x86_64__
  if (direct::avx2_kernels() != nullptr) {
    sets.push_back(&similarity::avx2_loops());
  }
#endif
  for (const int64_t side : {1, 2, 7, 11}) {
    const std::vector<double> weights = gaussian_weights(side, 1.5);
    for (const bool luminance : {false, true}) {
      const similarity::Scale scale{.height = side + 4,
                                    .width = side + 13,
                                    .weights = weights.data(),
                                    .window = side,
                                    .c1 = 1e-4,
                                    .c2 = 9e-4,
                                    .luminance = luminance};
      const at::Tensor x = at::rand({scale.height, scale.width}, at::kDouble), y = like(x);
      std::vector<at::Tensor> to_x, to_y;
      std::vector<double> sums;
      for (const similarity::Loops* loops : sets) {
        to_x.push_back(at::zeros_like(x));
        to_y.push_back(at::zeros_like(x));
        std::vector<double> scratch(static_cast<size_t>(scale.scratch()), NAN);  // any content
        sums.push_back(loops->sum(scale, x.const_data_ptr<double>(), y.const_data_ptr<double>(),
                                  to_x.back().mutable_data_ptr<double>(),
                                  to_y.back().mutable_data_ptr<double>(), scratch.data()));
        CHECK(sums.back() == doctest::Approx(sums.front()).epsilon(1e-12));
        CHECK(largest(to_x.back() - to_x.front()) < 1e-10);
        CHECK(largest(to_y.back() - to_y.front()) < 1e-10);
      }
      // A single pixel has no contrast and no structure.
      CHECK((largest(to_x.front()) > 0.0) == (side > 1 || luminance));
    }
  }
}

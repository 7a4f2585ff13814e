#include "imgcomp/metrics.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>

#include "imgcomp/error.h"
#include "imgcomp/gather.h"

using namespace imgcomp;

TEST_CASE("mse_per_image by hand") {
  const at::Tensor a = at::tensor({0.0f, 0.0f, 1.0f, 3.0f}).view({2, 2});
  const at::Tensor b = at::tensor({3.0f, 4.0f, 1.0f, 3.0f}).view({2, 2});
  const at::Tensor mse = mse_per_image(a, b);
  const bool is_double = mse.scalar_type() == at::kDouble;
  CHECK(is_double);
  CHECK(mse[0].item<double>() == 12.5);
  CHECK(mse[1].item<double>() == 0.0);
  CHECK_THROWS_AS(mse_per_image(a, b[0]), UsageError);
}

TEST_CASE("mse_per_image_8bit compares bytes, whatever the layout") {
  const std::array<double, 2> range{-1.0, 1.0};
  // Beyond the range, and one grey level apart.
  const at::Tensor black = at::ones({1, 1, 1, 2}) * -7.0;
  const at::Tensor white = at::ones({1, 1, 1, 2}) * 9.0;
  CHECK(mse_per_image_8bit(black, white, range).item<double>() == 65025.0);
  CHECK(mse_per_image_8bit(black, black, range).item<double>() == 0.0);

  const at::Tensor a = at::rand({5, 3, 7, 9}) * 2.4 - 1.2;
  const at::Tensor b = at::rand({5, 3, 7, 9}) * 2.4 - 1.2;
  const at::Tensor expected =
      (to_bytes(a, range).to(at::kDouble) - to_bytes(b, range).to(at::kDouble))
          .square()
          .flatten(1)
          .mean(1);
  const auto last = at::MemoryFormat::ChannelsLast;
  for (const at::Tensor& x : {a, a.contiguous(last)}) {
    for (const at::Tensor& y : {b, b.contiguous(last)}) {
      const at::Tensor found = mse_per_image_8bit(x, y, range);
      CHECK((found - expected).abs().max().item<double>() < 1e-9);
    }
  }
}

TEST_CASE("psnr_from_mse") {
  const at::Tensor psnr = psnr_from_mse(at::tensor({1.0, 100.0, 0.0}, at::kDouble), 10.0);
  CHECK(psnr[0].item<double>() == doctest::Approx(20.0));
  CHECK(psnr[1].item<double>() == doctest::Approx(0.0));
  CHECK(std::isinf(psnr[2].item<double>()));
}

TEST_CASE("a reconstruction that never changes has collapsed") {
  const at::Tensor target = at::rand({6, 1, 4, 4});
  const at::Tensor same = at::rand({1, 1, 4, 4}).expand({6, 1, 4, 4});
  CHECK(reconstruction_has_collapsed(same, target));
  CHECK(reconstruction_has_collapsed(same + target * 1e-3, target));
  CHECK(!reconstruction_has_collapsed(target, target));
  CHECK(!reconstruction_has_collapsed(same + target * 0.1, target));
  CHECK(!reconstruction_has_collapsed(same, same));
  CHECK(!reconstruction_has_collapsed(same.narrow(0, 0, 1), target.narrow(0, 0, 1)));
}

TEST_CASE("a classifier that always says the same has collapsed") {
  const at::Tensor logits = at::tensor({0.0f, 1.0f, 0.5f, 2.0f}).view({2, 2});
  CHECK(classifier_has_collapsed(logits, at::tensor({0, 1}, at::kLong)));
  CHECK(!classifier_has_collapsed(logits, at::tensor({1, 1}, at::kLong)));
  CHECK(!classifier_has_collapsed(at::cat({logits, logits.flip(1)}),
                                  at::tensor({0, 1, 0, 1}, at::kLong)));
}

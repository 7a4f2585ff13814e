#include "imgcomp/statistics.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>

#include "imgcomp/error.h"

using namespace imgcomp;

TEST_CASE("means and deviations per pixel and per channel") {
  // Two images of two channels and two pixels.
  const at::Tensor bytes = at::tensor({0, 10, 20, 20, 4, 10, 30, 20}, at::kByte).view({2, 2, 1, 2});
  for (const auto type : {at::kByte, at::kFloat, at::kDouble}) {
    const at::Tensor images = bytes.to(type);
    const Statistics pixels = image_statistics(images, false);
    CHECK(pixels.mean.sizes().vec() == std::vector<int64_t>{2, 1, 2});
    CHECK(pixels.mean.flatten().equal(at::tensor({2.0, 10.0, 25.0, 20.0}, at::kDouble)));
    CHECK(pixels.deviation.flatten().equal(at::tensor({2.0, 0.0, 5.0, 0.0}, at::kDouble)));
    const Statistics channels = image_statistics(images, true);
    CHECK(channels.mean.sizes().vec() == std::vector<int64_t>{2, 1, 1});
    CHECK(channels.mean.flatten().equal(at::tensor({6.0, 22.5}, at::kDouble)));
    CHECK(channels.deviation[0].item<double>() == doctest::Approx(std::sqrt(18.0)));
    CHECK(channels.deviation[1].item<double>() == doctest::Approx(std::sqrt(18.75)));
  }
}

TEST_CASE("sums of squares go beyond 32 bits") {
  const Statistics found = image_statistics(at::full({70000, 1, 1, 1}, 255, at::kByte), false);
  CHECK(found.mean.item<double>() == 255.0);
  CHECK(found.deviation.item<double>() == 0.0);
}

TEST_CASE("what has no statistics is refused") {
  CHECK_THROWS_AS(image_statistics(at::zeros({0, 1, 2, 2}, at::kByte), false), UsageError);
  CHECK_THROWS_AS(image_statistics(at::zeros({2, 2}, at::kByte), false), UsageError);
  CHECK_THROWS_AS(image_statistics(at::zeros({1, 1, 2, 2}, at::kLong), false), UsageError);
  CHECK_THROWS_AS(image_statistics(at::zeros({2, 1, 2, 3}).transpose(2, 3), false), UsageError);
  CHECK_THROWS_AS(image_statistics(at::full({1, 1, 1, 1}, std::nan("")), false), UsageError);
}

#include "imgcomp/pipeline.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>

#include "imgcomp/error.h"
#include "preprocess/philox.h"

using namespace imgcomp;

namespace {

const at::Tensor kImages = at::arange(24, at::kByte).view({2, 1, 3, 4});

at::Tensor index(std::initializer_list<int64_t> values) {
  return at::tensor(std::vector<int64_t>(values));
}

at::Tensor run(const std::vector<PreprocessStep>& steps, const PipelineOptions& options = {}) {
  return Pipeline(steps, {1, 3, 4}).run(kImages, index({1}), options).view({-1});
}

}  // namespace

TEST_CASE("Philox gives its published numbers") {
  const Random4 zeros = philox(0, 0, 0, 0, 0);
  CHECK(zeros.word[0] == 0x6627E8D5U);
  CHECK(zeros.word[1] == 0xE169C58DU);
  CHECK(zeros.word[2] == 0xBC57AC4CU);
  CHECK(zeros.word[3] == 0x9B00DBD8U);
  const Random4 ones = philox(~0U, ~0U, ~0U, ~0U, ~uint64_t{0});
  CHECK(ones.word[0] == 0x408F276DU);
  CHECK(ones.word[1] == 0x41C83B0EU);
  CHECK(ones.word[2] == 0xA20BC7C6U);
  CHECK(ones.word[3] == 0x6D5451FDU);
}

TEST_CASE("logarithm and normal pairs are those of the mathematics") {
  for (const float x : {1e-10F, 0.3F, 0.5F, 0.70710678F, 0.75F, 0.999F, 1.0F, 3.0F}) {
    CHECK(natural_logarithm(x) == doctest::Approx(std::log(x)).epsilon(1e-6));
  }
  for (const uint32_t first : {0U, 1U, 0x80000000U, 0xFFFFFFFFU}) {
    for (const uint32_t second : {0U, 0x12345678U, 0x51000000U, 0x9ABCDEF0U, 0xFFFFFFFFU}) {
      float a, b;
      normal_pair(first, second, a, b);
      const double radius = std::sqrt(-2.0 * std::log((first + 0.5) / 4294967296.0));
      const double angle = 2.0 * 3.14159265358979 * (second - 536870912.0) / 4294967296.0;
      CHECK(std::abs(a - radius * std::cos(angle)) < 2e-5);
      CHECK(std::abs(b - radius * std::sin(angle)) < 2e-5);
    }
  }
}

TEST_CASE("gather, scale and standardise") {
  CHECK(at::allclose(run({ScaleStep{0.0, 255.0}}), at::arange(12, 24, at::kFloat)));
  const at::Tensor mean = at::arange(12, 24, at::kDouble).view({3, 4});
  const at::Tensor ones = at::full({1}, 1.0, at::kDouble);
  CHECK(at::equal(run({StandardizeStep{mean, ones * 0}}), at::zeros({12})));
  CHECK(at::equal(run({StandardizeStep{mean - 3, ones * 2}}), at::full({12}, 1.5F)));
}

TEST_CASE("pool and interpolate") {
  CHECK(at::allclose(run({PoolStep{3, 1}}), at::tensor({17.0F, 18.0F})));
  CHECK(at::allclose(
      run({PoolStep{2, 1}, SplineStep{2, 5, 1}}),
      at::tensor({14.5F, 15.0F, 15.5F, 16.0F, 16.5F, 18.5F, 19.0F, 19.5F, 20.0F, 20.5F})));
}

TEST_CASE("steps become as few passes as can be") {
  const at::Tensor each = at::arange(12, at::kDouble).view({3, 4});
  const auto passes = [](const std::vector<PreprocessStep>& steps) {
    return Pipeline(steps, {1, 3, 4}).passes().size();
  };
  CHECK(passes({}) == 1);
  CHECK(passes({FlipStep{true, true}, StandardizeStep{each, each}, PoolStep{2, 1},
                SplineStep{3, 4, 1}, StandardizeStep{each, each}, GaussianNoiseStep{1.0}}) == 1);
  CHECK(passes({ScaleStep{0, 1}, ShiftStep{1, 0.5}, PoolStep{2, 1}, ScaleStep{0, 2},
                SplineStep{3, 4, 1}}) == 1);
  CHECK(passes({StandardizeStep{each, each}, FlipStep{true, true}}) == 2);
  CHECK(passes({GaussianNoiseStep{1.0}, PoolStep{2, 1}, GaussianNoiseStep{1.0}}) == 2);
}

TEST_CASE("noise can be left out, and the geometry stays") {
  const std::vector<PreprocessStep> steps{GaussianNoiseStep{5.0}, FlipStep{true, true}};
  PipelineOptions options{3, 4};
  const at::Tensor noisy = run(steps, options);
  options.noise = false;
  const at::Tensor quiet = run(steps, options);
  CHECK(!at::equal(noisy, quiet));
  CHECK(at::equal(quiet, run({GaussianNoiseStep{0.0}, FlipStep{true, true}}, options)));
  CHECK(at::equal(std::get<0>(quiet.sort()), at::arange(12, 24, at::kFloat)));
  const Pipeline pipeline(steps, {1, 3, 4});
  CHECK(pipeline.has_noise());
  CHECK(pipeline.has_geometry());
  CHECK(!Pipeline({ScaleStep{0, 1}}, {1, 3, 4}).is_random());
}

TEST_CASE("channels last and bfloat16") {
  const at::Tensor images = at::arange(36, at::kByte).view({2, 3, 2, 3});
  const Pipeline pipeline({ScaleStep{0.0, 1.0}}, {3, 2, 3});
  const at::Tensor plain = pipeline.run(images, index({1, 0}), {});
  const PipelineOptions options{0, 0, true, at::kBFloat16, at::MemoryFormat::ChannelsLast};
  const at::Tensor other = pipeline.run(images, index({1, 0}), options);
  CHECK(other.is_contiguous(at::MemoryFormat::ChannelsLast));
  CHECK(at::equal(other, plain.to(at::kBFloat16)));
}

TEST_CASE("a pipeline refuses what does not fit") {
  const Shape shape{1, 3, 4};
  CHECK_THROWS_WITH_AS(Pipeline({RotateStep{}}, shape),
                       "rotations by 90° need square images, not 3×4", UsageError);
  CHECK_THROWS_AS(Pipeline({}, {3, 4}), UsageError);
  CHECK_THROWS_AS(Pipeline({ScaleStep{1, 1}}, shape), UsageError);
  CHECK_THROWS_AS(Pipeline({ScaleStep{0, std::nan("")}}, shape), UsageError);
  CHECK_THROWS_AS(Pipeline({FlipStep{false, false}}, shape), UsageError);
  CHECK_THROWS_AS(Pipeline({ShiftStep{-1, 0}}, shape), UsageError);
  CHECK_THROWS_AS(Pipeline({GaussianNoiseStep{-1}}, shape), UsageError);
  CHECK_THROWS_AS(Pipeline({SaltAndPepperStep{1.1, 0, 1}}, shape), UsageError);
  CHECK_THROWS_AS(
      Pipeline({StandardizeStep{at::zeros({1}, at::kDouble), at::full({1}, -1.0)}}, shape),
      UsageError);
  const Pipeline pipeline({}, shape);
  CHECK_THROWS_AS(pipeline.run(kImages, index({2}), {}), UsageError);
  CHECK_THROWS_AS(pipeline.run(kImages.to(at::kLong), index({0}), {}), UsageError);
  CHECK_THROWS_AS(pipeline.run(kImages.transpose(2, 3), index({0}), {}), UsageError);
  at::Tensor small = at::empty({1, 1, 3, 3});
  CHECK_THROWS_AS(pipeline.run_into(kImages, index({0}), {}, small), UsageError);
}

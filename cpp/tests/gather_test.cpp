#include "imgcomp/gather.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <limits>

#include "imgcomp/error.h"

using imgcomp::gather_scale;
using imgcomp::to_bytes;
using imgcomp::UsageError;

namespace {

constexpr auto kContiguous = at::MemoryFormat::Contiguous;
constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

at::Tensor index(std::initializer_list<int64_t> values) {
  return at::tensor(std::vector<int64_t>(values));
}

}  // namespace

TEST_CASE("gather_scale picks images and scales bytes") {
  // Two images of two channels and three pixels.
  const at::Tensor images = (at::arange(12, at::kByte) * 5).view({2, 2, 1, 3});
  const at::Tensor batch = gather_scale(images, index({1, 0, 1}), {-1.0, 1.0}, kContiguous);
  CHECK(batch.sizes().vec() == std::vector<int64_t>{3, 2, 1, 3});
  CHECK(batch[1][0][0][0].item<float>() == -1.0f);
  CHECK(batch[0][1][0][2].item<float>() == 55.0f / 255.0f * 2.0f - 1.0f);
  CHECK(at::equal(batch[0], batch[2]));
  const at::Tensor other = gather_scale(images, index({1, 0, 1}), {-1.0, 1.0}, kChannelsLast);
  CHECK(other.is_contiguous(kChannelsLast));
  CHECK(at::equal(batch, other));
}

TEST_CASE("bytes 0 and 255 become the ends of the range") {
  const at::Tensor images = at::tensor({0, 255}, at::kByte).view({1, 1, 1, 2});
  const at::Tensor batch = gather_scale(images, index({0}), {0.0, 1.0}, kContiguous).flatten();
  CHECK(batch[0].item<float>() == 0.0f);
  CHECK(batch[1].item<float>() == 1.0f);
}

TEST_CASE("gather_scale refuses what it cannot take") {
  const at::Tensor images = at::arange(12, at::kByte).view({2, 2, 1, 3});
  CHECK_THROWS_WITH_AS(gather_scale(images, index({2}), {0.0, 1.0}, kContiguous),
                       "index must lie in 0…1, got 2", UsageError);
  CHECK_THROWS_AS(gather_scale(images, index({-1}), {0.0, 1.0}, kContiguous), UsageError);
  CHECK_THROWS_AS(gather_scale(images.to(at::kFloat), index({0}), {0.0, 1.0}, kContiguous),
                  UsageError);
  CHECK_THROWS_AS(gather_scale(images, index({0}).to(at::kInt), {0.0, 1.0}, kContiguous),
                  UsageError);
  CHECK_THROWS_AS(gather_scale(images, index({0}), {1.0, 0.0}, kContiguous), UsageError);
}

TEST_CASE("to_bytes inverts, rounds half to even and clamps") {
  const at::Tensor all = at::arange(256, at::kByte).view({1, 1, 16, 16});
  const at::Tensor batch = gather_scale(all, index({0}), {-0.5, 2.0}, kContiguous);
  CHECK(at::equal(to_bytes(batch, {-0.5, 2.0}), all));

  const float inf = std::numeric_limits<float>::infinity();
  const at::Tensor odd = at::tensor({0.5f, 1.5f, 2.5f, 254.6f, 300.0f, -3.0f, inf, -inf});
  const at::Tensor expected = at::tensor({0, 2, 2, 255, 255, 0, 255, 0}, at::kByte);
  CHECK(at::equal(to_bytes(odd, {0.0, 255.0}), expected));
  CHECK(to_bytes(at::tensor({std::nanf("")}), {0.0, 255.0}).item<uint8_t>() == 0);
}

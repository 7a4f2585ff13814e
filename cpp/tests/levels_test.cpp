#include "imgcomp/levels.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <vector>

using namespace imgcomp;

namespace {

at::Tensor long_range(int64_t begin, int64_t end) {
  return at::arange(begin, end, at::TensorOptions(at::kLong));
}

}  // namespace

TEST_CASE("an image between two levels gets a share of each") {
  const at::Tensor shares = level_shares(at::tensor({0.0F, 0.25F, 1.0F, 1.5F, 2.0F}), 3);
  const at::Tensor expected = at::tensor({1.0F, 0.0F, 0.0F, 0.75F, 0.25F, 0.0F, 0.0F, 1.0F, 0.0F,
                                          0.0F, 0.5F, 0.5F, 0.0F, 0.0F, 1.0F})
                                  .view({5, 3});
  CHECK(at::equal(shares, expected));
}

TEST_CASE("without shares every image is at the middle") {
  const ForwardContext context;
  CHECK(at::equal(shares_of(context, 2, 3),
                  at::tensor({0.0F, 1.0F, 0.0F, 0.0F, 1.0F, 0.0F}).view({2, 3})));
  CHECK(at::equal(shares_of(context, 1, 4), at::tensor({0.0F, 0.5F, 0.5F, 0.0F}).view({1, 4})));
  ForwardContext given;
  given.level_shares = at::tensor({0.25F, 0.75F}).view({1, 2});
  CHECK(shares_of(given, 1, 2).is_same(given.level_shares));
}

TEST_CASE("parameters of levels are mixed, those of one rate are taken as they are") {
  ForwardContext context;
  context.level_shares = level_shares(at::tensor({0.0F, 1.25F}), 3);
  const at::Tensor rows = at::tensor({1.0F, -2.0F, 3.0F, 8.0F, 7.0F, 16.0F}).view({3, 2});
  CHECK(
      at::equal(at_levels(rows, context, 2), at::tensor({1.0F, -2.0F, 4.0F, 10.0F}).view({2, 2})));
  const at::Tensor one = at::tensor({5.0F, 6.0F});
  CHECK(at::equal(at_levels(one, context, 2), one.view({1, 2})));
}

TEST_CASE("lambdas between two levels are their geometric mean") {
  const std::vector<double> lambdas{10.0, 1000.0, 4000.0};
  ForwardContext context;
  CHECK(at::allclose(lambdas_of(lambdas, context, 2), at::tensor({1000.0F, 1000.0F})));
  context.level_shares = level_shares(at::tensor({0.0F, 0.5F, 1.5F, 2.0F}), 3);
  CHECK(
      at::allclose(lambdas_of(lambdas, context, 4), at::tensor({10.0F, 100.0F, 2000.0F, 4000.0F})));
}

TEST_CASE("drawn places belong to images, and every one is as likely") {
  ForwardContext::ImageDraws draws{5, long_range(0, 4000)};
  const at::Tensor places = drawn_places(draws, 5);
  CHECK(draws.made == 1);
  CHECK(places.sizes() == at::IntArrayRef{4000});
  CHECK(places.min().item<float>() >= 0.0F);
  CHECK(places.max().item<float>() <= 4.0F);
  for (int64_t quarter = 0; quarter < 4; ++quarter) {
    const auto in =
        (places >= static_cast<double>(quarter)) * (places < static_cast<double>(quarter + 1));
    CHECK(in.sum().item<int64_t>() > 900);
    CHECK(in.sum().item<int64_t>() < 1100);
  }
  // The same however images are put together, others with another seed or as the next draw.
  ForwardContext::ImageDraws some{5, at::tensor({3001, 7}, at::TensorOptions(at::kLong))};
  CHECK(at::equal(drawn_places(some, 5), places.index_select(0, some.images)));
  CHECK(!at::allclose(drawn_places(some, 5), places.index_select(0, some.images)));
  ForwardContext::ImageDraws other{6, long_range(0, 4000)};
  CHECK(!at::allclose(drawn_places(other, 5), places));
}

TEST_CASE("spread places are fixed and leave no gap") {
  CHECK(at::allclose(spread_places(long_range(0, 4), 3),
                     at::tensor({0.0F, 1.236068F, 0.472136F, 1.708204F})));
  for (const int64_t first : {0, 1, 59'999}) {
    const at::Tensor sorted =
        std::get<0>(at::sort(spread_places(long_range(first, first + 100), 2)));
    CHECK(sorted[0].item<float>() >= 0.0F);
    CHECK(sorted[99].item<float>() < 1.0F);
    const at::Tensor gaps =
        at::cat({sorted, at::tensor({1.0F})}) - at::cat({at::tensor({0.0F}), sorted});
    CHECK(gaps.max().item<float>() < 0.02F);  // twice what 100 places at equal distances have
  }
}

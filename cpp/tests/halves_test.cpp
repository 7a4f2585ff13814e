#include "models/halves.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace imgcomp;

TEST_CASE("numbers are rounded as torch rounds them") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float tiny = std::numeric_limits<float>::denorm_min();
  // 1 + 2⁻⁸ and 1 + 3 · 2⁻⁸ lie between two halves each: to the even one.
  const at::Tensor special =
      at::tensor({0.0F, -0.0F, 1.0F, 1.00390625F, 1.01171875F, -1.00390625F, infinity, -infinity,
                  std::numeric_limits<float>::max(), tiny, -tiny, 3.3895314e38F});
  const at::Tensor many = at::randn({4999}) * (at::randn({4999}) * 20.0).exp();
  const at::Tensor numbers = at::cat({special, many}).view({-1, 1});
  CHECK(at::equal(to_halves(numbers), numbers.to(at::kBFloat16)));
  const at::Tensor rows = numbers.narrow(0, 0, 5004).view({-1, 12});
  CHECK(at::equal(to_halves_with_sums(rows).halves, rows.to(at::kBFloat16)));
  CHECK(at::isnan(to_halves(at::tensor({NAN, -NAN}).view({1, 2}))).all().item<bool>());
}

TEST_CASE("sums are those of the numbers before they are rounded") {
  for (const int64_t count : {0, 1, 256, 257, 5000}) {
    const at::Tensor rows = at::rand({count, 17}) + 100.0;
    const at::Tensor wanted = rows.to(at::kDouble).sum(0);
    const at::Tensor found = to_halves_with_sums(rows).sums;
    CHECK((found.scalar_type() == at::kFloat));
    CHECK(at::allclose(found.to(at::kDouble), wanted, 1e-6));
  }
}

TEST_CASE("products get their bias in float32") {
  const at::Tensor products = at::randn({70, 33}).to(at::kBFloat16);
  const at::Tensor bias = at::randn({33});
  const at::Tensor rows = at::randn({70, 33});
  from_halves(products, std::nullopt, false, rows);
  CHECK(at::equal(rows, products.to(at::kFloat)));
  from_halves(products, bias, false, rows);
  CHECK(at::equal(rows, products.to(at::kFloat) + bias));
  from_halves(products, bias, true, rows);
  CHECK(at::equal(rows, (products.to(at::kFloat) + bias).clamp_min(0.0)));
  from_halves(at::full({1, 33}, NAN, at::kBFloat16), bias, true, rows.narrow(0, 0, 1));
  CHECK(at::isnan(rows[0]).all().item<bool>());
}

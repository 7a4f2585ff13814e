#include "imgcomp/gradients.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

using imgcomp::FactoredGradients;
using imgcomp::Gradient;

TEST_CASE("a gradient is the sum of its tensor and its products") {
  const at::Tensor left = at::tensor({1.0f, 2.0f}).view({1, 2});
  const at::Tensor right = at::tensor({3.0f, 4.0f, 5.0f}).view({1, 3});
  const at::Tensor product = at::tensor({3.0f, 4.0f, 5.0f, 6.0f, 8.0f, 10.0f}).view({2, 3});
  CHECK(!Gradient{}.defined());
  const Gradient twice{{}, {{left, right}, {left, right}}};
  CHECK(twice.defined());
  CHECK(at::allclose(twice.dense(), product * 2));
  const Gradient more{at::ones({2, 3}), {{left, right}}};
  CHECK(at::allclose(more.dense(), product + 1));
  CHECK(at::allclose(Gradient{product, {}}.dense(), product));
}

TEST_CASE("factors are kept by weight and taken once") {
  FactoredGradients factors;
  const at::Tensor first = at::zeros({2, 3}), second = at::zeros({2, 3});
  const at::Tensor left = at::ones({1, 2}), right = at::ones({1, 3});
  factors.add(first, {left, right});
  factors.add(first, {left, right});
  CHECK(factors.take(second).empty());
  CHECK(factors.take(first).size() == 2);
  CHECK(factors.take(first).empty());
}

TEST_CASE("gradients of parts add up, tensors and products") {
  const at::Tensor ones = at::ones({1, 2});
  std::vector<Gradient> sums;
  imgcomp::accumulate(sums, {{ones, {}}, {{}, {{ones, ones}}}, {}});
  imgcomp::accumulate(sums, {{ones * 2, {}}, {{}, {{ones, ones}}}, {ones, {}}});
  REQUIRE(sums.size() == 3);
  CHECK(at::allclose(sums[0].dense(), ones * 3));
  CHECK(at::allclose(sums[1].dense(), at::ones({2, 2}) * 2));
  CHECK(at::allclose(sums[2].dense(), ones));
  CHECK(at::allclose(ones, at::ones({1, 2})));  // what came in is left as it was
}

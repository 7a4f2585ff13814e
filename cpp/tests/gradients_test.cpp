#include "imgcomp/gradients.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

using imgcomp::Gradient;
using imgcomp::OwnGradients;

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
  OwnGradients factors;
  const at::Tensor first = at::zeros({2, 3}), second = at::zeros({2, 3});
  const at::Tensor left = at::ones({1, 2}), right = at::ones({1, 3});
  factors.add(first, {left, right});
  factors.add(first, {left, right});
  CHECK(!factors.take(second).defined());
  CHECK(factors.take(first).products.size() == 2);
  CHECK(!factors.take(first).defined());
}

namespace {

struct Ones final : imgcomp::GradientSum {
  int64_t times;
  explicit Ones(int64_t count) : times(count) {}
  at::Tensor value() const override { return times == 0 ? at::Tensor() : at::ones({2}) * times; }
};

}  // namespace

TEST_CASE("sums are asked for their value when they are taken, and added to autograd's") {
  OwnGradients own;
  const at::Tensor weight = at::zeros({2}), other = at::zeros({2});
  const auto sum = c10::make_intrusive<Ones>(0);
  own.add(weight, sum);
  own.add(other, c10::make_intrusive<Ones>(0));
  sum->times = 3;
  CHECK(at::allclose(own.take(weight, at::ones({2})).dense(), at::ones({2}) * 4));
  CHECK(!own.take(weight).defined());
  CHECK(!own.take(other).defined());
  own.add(weight, sum);
  CHECK(at::allclose(own.take(weight).dense(), at::ones({2}) * 3));
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

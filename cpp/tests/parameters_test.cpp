#include "imgcomp/parameters.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "imgcomp/error.h"

using imgcomp::Initialization;
using imgcomp::ParameterRole;
using imgcomp::ParameterStore;
using imgcomp::SpecError;

TEST_CASE("a store hands out its own tensors, named and counted") {
  ParameterStore store;
  const at::Tensor weight = store.add("a.weight", {3, 4}, ParameterRole::weight, 4, 3);
  store.add("a.bias", {3}, ParameterRole::bias, 4, 3);
  CHECK(store.count() == 15);
  CHECK(store.all().size() == 2);
  CHECK(store.find("a.weight").is_same(weight));
  CHECK(weight.requires_grad());
  CHECK(weight.is_leaf());
  CHECK_THROWS_WITH_AS(store.find("b"), "no parameter is named 'b'; there are: a.weight, a.bias",
                       SpecError);
  CHECK_THROWS_AS(store.add("a.bias", {3}, ParameterRole::bias, 4, 3), SpecError);
  CHECK_THROWS_AS(store.add("none", {0, 3}, ParameterRole::weight, 3, 0), SpecError);
}

TEST_CASE("initialize draws in the order of creation from one generator") {
  ParameterStore store;
  const at::Tensor weight = store.add("weight", {5, 4}, ParameterRole::weight, 4, 5);
  const at::Tensor bias = store.add("bias", {5}, ParameterRole::bias, 4, 5);

  store.initialize(Initialization::pytorch, 7);
  at::Generator generator = at::detail::createCPUGenerator(7);
  const at::Tensor first = at::empty({5, 4}).uniform_(-0.5, 0.5, generator);
  const at::Tensor second = at::empty({5}).uniform_(-0.5, 0.5, generator);
  CHECK(at::equal(weight.detach(), first));
  CHECK(at::equal(bias.detach(), second));

  store.initialize(Initialization::keras, 7);
  const double limit = std::sqrt(6.0 / 9.0);
  generator = at::detail::createCPUGenerator(7);
  CHECK(at::equal(weight.detach(), at::empty({5, 4}).uniform_(-limit, limit, generator)));
  CHECK(bias.detach().abs().max().item<float>() == 0.0f);

  store.initialize(Initialization::chainer, 7);
  generator = at::detail::createCPUGenerator(7);
  CHECK(at::equal(weight.detach(), at::empty({5, 4}).normal_(0.0, 0.5, generator)));
  CHECK(bias.detach().abs().max().item<float>() == 0.0f);
}

TEST_CASE("a constant may have a value for each row") {
  ParameterStore store;
  const at::Tensor rows = store.add_constant("rows", {3, 2}, std::vector{0.5, -1.0, 4.0});
  const at::Tensor all = store.add_constant("all", {3, 2}, std::vector{0.25});
  for (const auto scheme : {Initialization::pytorch, Initialization::keras}) {
    store.initialize(scheme, 7);
    for (int64_t column = 0; column < 2; ++column) {
      CHECK(at::equal(rows.detach().select(1, column), at::tensor({0.5F, -1.0F, 4.0F})));
    }
    CHECK(at::equal(all.detach(), at::full({3, 2}, 0.25F)));
  }
  store.make_constant("rows", 2.0);
  store.initialize(Initialization::pytorch, 7);
  CHECK(at::equal(rows.detach(), at::full({3, 2}, 2.0F)));
}

TEST_CASE("constants take nothing from the generator") {
  ParameterStore store;
  const at::Tensor constant = store.add_constant("constant", {2}, 0.75);
  const at::Tensor weight = store.add("weight", {5, 4}, ParameterRole::weight, 4, 5);
  for (const auto scheme :
       {Initialization::pytorch, Initialization::keras, Initialization::chainer}) {
    store.initialize(scheme, 7);
    CHECK(at::equal(constant.detach(), at::full({2}, 0.75F)));
  }
  store.initialize(Initialization::pytorch, 7);
  at::Generator generator = at::detail::createCPUGenerator(7);
  CHECK(at::equal(weight.detach(), at::empty({5, 4}).uniform_(-0.5, 0.5, generator)));
}

#include "imgcomp/layer.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <algorithm>

#include "imgcomp/error.h"

using namespace imgcomp;

namespace {

std::unique_ptr<Layer> make(const LayerSpec& spec, ParameterStore& store, const Shape& input) {
  return make_layer(spec, {store, "part.layer", input});
}

}  // namespace

TEST_CASE("layer_kinds are sorted and can all be asked for") {
  const std::vector<std::string> kinds = layer_kinds();
  CHECK(kinds.size() >= 14);
  CHECK(std::ranges::is_sorted(kinds));
  ParameterStore store;
  CHECK_THROWS_AS(make({"nothing", "", {}}, store, {1, 2, 2}), SpecError);
}

TEST_CASE("a convolution by hand") {
  ParameterStore store;
  const auto layer =
      make({"conv2d", "", {{"out_channels", int64_t{1}}, {"kernel_size", int64_t{2}}}}, store,
           {1, 3, 3});
  CHECK(layer->output_shape({1, 3, 3}) == Shape{1, 2, 2});
  CHECK(layer->multiply_adds({1, 3, 3}) == 16);
  CHECK(layer->any_size());
  CHECK_THROWS_AS(layer->output_shape({1, 1, 1}), SpecError);
  CHECK_THROWS_AS(layer->output_shape({2, 3, 3}), SpecError);

  store.find("part.layer.weight").detach().fill_(1.0);
  store.find("part.layer.bias").detach().fill_(0.5);
  ForwardContext context;
  const at::Tensor x =
      at::tensor({1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f, 7.0f, 8.0f, 9.0f}).view({1, 1, 3, 3});
  const at::Tensor y = layer->forward(x, context).detach().flatten();
  CHECK(y[0].item<float>() == 12.5f);
  CHECK(y[1].item<float>() == 16.5f);
  CHECK(y[2].item<float>() == 24.5f);
  CHECK(y[3].item<float>() == 28.5f);
}

TEST_CASE("dropout acts in training, with a generator") {
  ParameterStore store;
  const auto layer = make({"dropout", "", {{"p", 0.5}}}, store, {1000});
  CHECK(store.count() == 0);
  const at::Tensor x = at::ones({1, 1000});
  ForwardContext context;
  CHECK(layer->forward(x, context).is_same(x));
  context.training = true;
  CHECK_THROWS_AS(layer->forward(x, context), UsageError);
}

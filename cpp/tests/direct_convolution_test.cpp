#include "models/direct/convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>

#include "models/direct/kernels.h"

using namespace imgcomp;

namespace {

constexpr std::array<int64_t, 2> kOne{1, 1};

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / (1.0 + b.abs().max().item<double>());
}

struct Case {
  int64_t n, in, out, height, width, kernel_height, kernel_width, padding_height, padding_width;
};

}  // namespace

TEST_CASE("a 2×2 kernel by hand") {
  if (direct::best_kernels() == nullptr) {
    return;
  }
  const at::Tensor x = at::tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}).view({1, 1, 2, 3});
  const at::Tensor weight = at::tensor({1.0F, 0.0F, 0.0F, -1.0F}).view({1, 1, 2, 2});
  const at::Tensor y =
      direct::convolve(channels_last(x), weight, at::tensor({0.5F}), {0, 0}, {false, false});
  CHECK(at::equal(y.flatten(), at::tensor({-3.5F, -3.5F})));
  const at::Tensor positive =
      direct::convolve(channels_last(x), -weight, at::tensor({-4.5F}), {0, 0}, {true, false});
  CHECK(at::equal(positive.flatten(), at::tensor({0.0F, 0.0F})));
}

TEST_CASE("convolution, relu and pooling, with gradients, as ATen's") {
  const std::vector<Case> cases{
      {3, 1, 32, 28, 28, 3, 3, 0, 0},  {2, 32, 32, 12, 12, 3, 3, 0, 0},
      {2, 32, 32, 11, 10, 3, 3, 0, 0}, {2, 3, 32, 9, 8, 3, 3, 1, 1},
      {1, 32, 3, 8, 9, 3, 3, 1, 1},    {2, 1, 1, 6, 6, 3, 3, 1, 1},
      {2, 5, 7, 9, 11, 2, 3, 1, 2},    {1, 16, 48, 5, 70, 5, 5, 4, 4},
      {2, 64, 16, 6, 6, 3, 3, 0, 0},   {1, 48, 33, 6, 7, 1, 1, 0, 0},
  };
  for (const Case& c : cases) {
    for (const direct::Epilogue epilogue :
         {direct::Epilogue{false, false}, {true, false}, {true, true}}) {
      CAPTURE(c.in);
      CAPTURE(c.out);
      CAPTURE(epilogue.max_pool);
      const at::AutoGradMode with_gradients(true);
      const std::array<int64_t, 2> padding{c.padding_height, c.padding_width};
      const at::Tensor x = channels_last(at::randn({c.n, c.in, c.height, c.width}));
      const at::Tensor weight = at::randn({c.out, c.in, c.kernel_height, c.kernel_width});
      const at::Tensor bias = at::randn({c.out});
      if (!direct::applies(x, weight, kOne, padding, kOne)) {
        CHECK(direct::best_kernels() == nullptr);
        continue;
      }
      const std::vector<at::Tensor> inputs{x.requires_grad_(), weight.requires_grad_(),
                                           bias.requires_grad_()};
      const at::Tensor y = direct::convolve(x, weight, bias, padding, epilogue);
      at::Tensor expected = at::conv2d(x, weight, bias, kOne, padding);
      if (epilogue.relu) {
        expected = at::relu(expected);
      }
      if (epilogue.max_pool) {
        expected = at::max_pool2d(expected, {2, 2});
      }
      REQUIRE(y.sizes() == expected.sizes());
      CHECK(distance(y, expected) < 1e-5);
      const at::Tensor seed = at::randn(y.sizes());
      const auto gradients = torch::autograd::grad({y}, inputs, {seed});
      const auto wanted = torch::autograd::grad({expected}, inputs, {seed});
      for (size_t i = 0; i < inputs.size(); ++i) {
        CAPTURE(i);
        CHECK((i == 0 || gradients[i].strides() == inputs[i].strides()));
        CHECK(distance(gradients[i], wanted[i]) < 1e-5);
      }
    }
  }
}

TEST_CASE("every instruction set gives the same") {
  const direct::Shape shape{16, 8, 0, 9 * 16, 3, 3, 6, 7, 32};
  const at::Tensor input = at::rand({8 * 9 * 16}), bias = at::rand({32});
  const at::Tensor constant = at::full({2 * 3 * 48 * 16}, 0.25F);  // any order of channels will do
  std::vector<at::Tensor> results;
  for (const direct::Kernels* kernels : {direct::avx512_kernels(), direct::avx2_kernels()}) {
    if (kernels != nullptr) {
      results.push_back(at::full({6 * 7 * 32}, -1.0F));
      kernels->convolve(shape, input.const_data_ptr<float>(), constant.const_data_ptr<float>(),
                        bias.const_data_ptr<float>(), 0, 6,
                        results.back().mutable_data_ptr<float>());
    }
  }
  for (const at::Tensor& result : results) {
    CHECK(distance(result, results.front()) < 1e-6);
  }
}

TEST_CASE("NaN is not lost in relu and pooling") {
  if (direct::best_kernels() == nullptr) {
    return;
  }
  at::Tensor x = at::rand({1, 1, 5, 5});
  x[0][0][2][2] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor weight = at::full({16, 1, 2, 2}, -1.0F);
  for (const bool pool : {false, true}) {
    const at::Tensor y = direct::convolve(channels_last(x), weight, {}, {0, 0}, {true, pool});
    CHECK(y.isnan().any().item<bool>());
  }
}

TEST_CASE("gradients can be derived again") {
  if (direct::best_kernels() == nullptr) {
    return;
  }
  const at::AutoGradMode with_gradients(true);
  const at::Tensor x = channels_last(at::randn({1, 2, 6, 6})).requires_grad_();
  const at::Tensor weight = at::randn({3, 2, 3, 3}).requires_grad_();
  const auto second = [&](const at::Tensor& y) {
    const auto first = torch::autograd::grad({y.square().sum()}, {x}, {}, true, true);
    return torch::autograd::grad({first[0].square().sum()}, {weight})[0];
  };
  const at::Tensor ours = second(direct::convolve(x, weight, {}, {0, 0}, {true, true}));
  const at::Tensor atens = second(at::max_pool2d(at::relu(at::conv2d(x, weight)), {2, 2}));
  CHECK(distance(ours, atens) < 1e-5);
}

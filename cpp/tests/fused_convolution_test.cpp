#include "models/fused/convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>

#include "models/direct/kernels.h"
#include "models/fused/phase.h"
#include "models/transformed/kernels.h"

using namespace imgcomp;

namespace {

constexpr std::array<int64_t, 2> kOne{1, 1};

at::Tensor channels_last(const at::Tensor& x) {
  return x.contiguous(at::MemoryFormat::ChannelsLast);
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / (1.0 + b.abs().max().item<double>());
}

// relu and the maximum jump where a value is nearly zero or two are nearly equal, so that rounding
// decides about a gradient: there none is sent back. `raw`: the convolution's output.
at::Tensor gradient_away_from_jumps(const at::Tensor& raw, const fused::Around& around) {
  constexpr double kNear = 1e-2;
  const at::Tensor values = raw.detach();
  if (!around.relu) {
    return at::randn(values.sizes());
  }
  if (!around.max_pool) {
    return at::randn(values.sizes()) * (values.abs() > kNear);
  }
  const at::Tensor windows = values.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4);
  const at::Tensor best = std::get<0>(windows.topk(2, -1));
  const at::Tensor first = best.select(-1, 0), second = best.select(-1, 1);
  return at::randn(first.sizes()) * (first.abs() > kNear) * (first - second > kNear);
}

// What a result is compared with, and its gradients by the inputs.
struct Wanted {
  at::Tensor output, seed;
  std::vector<at::Tensor> inputs, gradients;

  Wanted(at::Tensor result, at::Tensor sent_back, std::vector<at::Tensor> to)
      : output(std::move(result)),
        seed(std::move(sent_back)),
        inputs(std::move(to)),
        gradients(torch::autograd::grad({output}, inputs, {seed})) {}

  void check(const at::Tensor& y) const {
    REQUIRE(y.sizes() == output.sizes());
    CHECK(distance(y, output) < 1e-5);
    const auto found = torch::autograd::grad({y}, inputs, {seed});
    for (size_t i = 0; i < inputs.size(); ++i) {
      CAPTURE(i);
      CHECK(distance(found[i], gradients[i]) < 1e-5);
    }
  }
};

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
      fused::convolve(channels_last(x), weight, at::tensor({0.5F}), {}, {false, false, false});
  CHECK(at::equal(y.flatten(), at::tensor({-3.5F, -3.5F})));
  const at::Tensor positive =
      fused::convolve(channels_last(x), -weight, at::tensor({-4.5F}), {}, {false, true, false});
  CHECK(at::equal(positive.flatten(), at::tensor({0.0F, 0.0F})));
}

TEST_CASE("convolution, relu and pooling, with gradients, as ATen's") {
  const std::vector<Case> cases{
      {3, 1, 32, 28, 28, 3, 3, 0, 0},
      {2, 32, 32, 12, 12, 3, 3, 0, 0},
      {2, 32, 32, 11, 10, 3, 3, 0, 0},
      {2, 3, 32, 9, 8, 3, 3, 1, 1},
      {1, 32, 3, 8, 9, 3, 3, 1, 1},
      {2, 1, 1, 6, 6, 3, 3, 1, 1},
      {2, 5, 7, 9, 11, 2, 3, 1, 2},
      {1, 16, 48, 5, 70, 5, 5, 4, 4},
      {2, 64, 16, 6, 6, 3, 3, 0, 0},
      {1, 48, 33, 6, 7, 1, 1, 0, 0},
      // By transforms, with channels that do not fill a vector; for many images and for one that
      // needs several goes.
      {5, 20, 50, 14, 13, 3, 3, 1, 1},
      {1, 128, 50, 28, 28, 3, 3, 1, 1},
      {3, 17, 33, 9, 6, 3, 3, 2, 2},
      {20, 32, 32, 7, 7, 3, 3, 1, 1},
      // Unrolled: as many taps as pairs of pixels, and fewer.
      {9, 16, 32, 2, 2, 3, 3, 1, 1},
      {8, 33, 17, 3, 3, 2, 2, 0, 0},
      {11, 20, 16, 2, 3, 3, 3, 1, 1},
      // By planes.
      {2, 30, 1, 7, 9, 3, 3, 1, 1},
      {2, 16, 2, 8, 6, 3, 3, 1, 1},
      {1, 9, 3, 7, 5, 2, 3, 1, 2},
      {2, 4, 1, 6, 7, 5, 5, 0, 0},
  };
  for (const Case& c : cases) {
    for (const fused::Around around :
         {fused::Around{false, false, false}, {false, true, false}, {false, true, true}}) {
      CAPTURE(c.in);
      CAPTURE(c.out);
      CAPTURE(around.max_pool);
      const at::AutoGradMode with_gradients(true);
      const std::array<int64_t, 2> padding{c.padding_height, c.padding_width};
      const at::Tensor x = channels_last(at::randn({c.n, c.in, c.height, c.width}));
      const at::Tensor weight = at::randn({c.out, c.in, c.kernel_height, c.kernel_width});
      const at::Tensor bias = at::randn({c.out});
      const auto geometry = fused::Geometry::padded(padding);
      if (!fused::applies(x, weight, geometry, around)) {
        CHECK(direct::best_kernels() == nullptr);
        continue;
      }
      const std::vector<at::Tensor> inputs{x.requires_grad_(), weight.requires_grad_(),
                                           bias.requires_grad_()};
      const at::Tensor y = fused::convolve(x, weight, bias, geometry, around);
      at::Tensor expected = at::conv2d(x, weight, bias, kOne, padding);
      const at::Tensor seed = gradient_away_from_jumps(expected, around);
      if (around.relu) {
        expected = at::relu(expected);
      }
      if (around.max_pool) {
        expected = at::max_pool2d(expected, {2, 2});
      }
      REQUIRE(y.sizes() == expected.sizes());
      // A transform of four outputs on each axis rounds more than a direct sum.
      const double bound = c.kernel_height == 3 && c.in >= 16 && c.out >= 16 ? 3e-5 : 1e-5;
      CHECK(distance(y, expected) < bound);
      const auto gradients = torch::autograd::grad({y}, inputs, {seed});
      const auto wanted = torch::autograd::grad({expected}, inputs, {seed});
      for (size_t i = 0; i < inputs.size(); ++i) {
        CAPTURE(i);
        CHECK((i == 0 || gradients[i].strides() == inputs[i].strides()));
        CHECK(distance(gradients[i], wanted[i]) < bound);
      }
    }
  }
}

TEST_CASE("strides and uneven padding, with gradients, as ATen's") {
  struct Strided {
    int64_t n, in, out, height, width;
    fused::Pair kernel;
    fused::Geometry geometry;
  };
  const std::vector<Strided> cases{
      {3, 3, 32, 9, 8, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .padding_after = {1, 1}}},
      {2, 5, 7, 8, 11, {3, 2}, {.stride = {3, 1}, .padding = {2, 0}, .padding_after = {1, 1}}},
      {2, 1, 4, 7, 6, {4, 4}, {.stride = {2, 3}}},
      {2, 6, 3, 5, 5, {2, 2}, {.padding_after = {1, 1}}},
      // More windows than fit the cache at once.
      {9, 128, 20, 32, 32, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .padding_after = {1, 1}}},
      // Unrolled.
      {9, 16, 32, 2, 2, {2, 2}, {.padding_after = {1, 1}}},
      {9, 32, 16, 3, 3, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .padding_after = {1, 1}}},
  };
  for (const Strided& c : cases) {
    for (const bool relu : {false, true}) {
      CAPTURE(c.in);
      CAPTURE(c.out);
      const at::AutoGradMode with_gradients(true);
      const at::Tensor x = channels_last(at::randn({c.n, c.in, c.height, c.width}));
      const at::Tensor weight = at::randn({c.out, c.in, c.kernel[0], c.kernel[1]});
      const at::Tensor bias = at::randn({c.out});
      const std::vector<at::Tensor> inputs{x.requires_grad_(), weight.requires_grad_(),
                                           bias.requires_grad_()};
      const fused::Around around{false, relu, false};
      const auto& [stride, before, after, dilation] = c.geometry;
      const at::Tensor raw = at::conv2d(
          at::constant_pad_nd(x, {before[1], after[1], before[0], after[0]}), weight, bias, stride);
      const Wanted wanted(relu ? at::relu(raw) : raw, gradient_away_from_jumps(raw, around),
                          inputs);
      wanted.check(fused::convolve_by_aten(x, weight, bias, c.geometry, around));
      CHECK(!fused::applies(x, weight, c.geometry, {false, true, true}));
      if (fused::applies(x, weight, c.geometry, around)) {
        wanted.check(fused::convolve(x, weight, bias, c.geometry, around));
      } else {
        CHECK(direct::best_kernels() == nullptr);
      }
    }
  }
}

TEST_CASE("channels that are left out have no result and no gradient") {
  // By a matrix product, a transform, windows, and ATen, which takes contiguous images.
  const std::vector<std::tuple<at::Tensor, int64_t>> cases{
      {channels_last(at::randn({9, 16, 2, 2})), 1},
      {channels_last(at::randn({3, 32, 9, 8})), 1},
      {channels_last(at::randn({2, 8, 9, 8})), 2},
      {at::randn({2, 8, 9, 8}), 1}};
  for (const auto& [image, stride] : cases) {
    CAPTURE(image.sizes());
    const at::AutoGradMode with_gradients(true);
    const at::Tensor x = image.detach().requires_grad_();
    const at::Tensor weight = at::randn({48, x.size(1), 3, 3}).requires_grad_();
    const at::Tensor bias = at::randn({48}).requires_grad_();
    fused::Geometry geometry = fused::Geometry::padded(kOne);
    geometry.stride = {stride, stride};
    const at::Tensor all = fused::convolution(x, weight, bias, geometry).narrow(1, 16, 32);
    const Wanted wanted(all, at::randn(all.sizes()), {x, weight, bias});
    const at::Tensor y = fused::convolution(x, weight, bias, geometry, {}, {}, 16);
    const auto derivable = torch::autograd::grad({y}, {weight}, {wanted.seed}, true, true);
    CHECK(distance(derivable[0], wanted.gradients[1]) < 1e-5);
    wanted.check(y);
    CHECK(wanted.gradients[1].narrow(0, 0, 16).abs().max().item<float>() == 0.0F);
  }
}

TEST_CASE("nearest upsampling, convolution and relu, with gradients, as ATen's") {
  // Channels in and out; the last two of each method: transforms, planes, and neither.
  for (const auto& [in, out, height, width, padding] :
       std::vector<std::array<int64_t, 5>>{{48, 128, 14, 14, 1},
                                           {32, 20, 5, 7, 1},
                                           {64, 3, 6, 5, 1},
                                           {16, 1, 4, 3, 1},
                                           {16, 2, 4, 4, 0},
                                           {3, 16, 4, 5, 1},
                                           {16, 32, 4, 5, 0}}) {
    CAPTURE(in);
    CAPTURE(out);
    const at::AutoGradMode with_gradients(true);
    const at::Tensor x = channels_last(at::randn({3, in, height, width}));
    const at::Tensor weight = at::randn({out, in, 3, 3});
    const at::Tensor bias = at::randn({out});
    const std::vector<at::Tensor> inputs{x.requires_grad_(), weight.requires_grad_(),
                                         bias.requires_grad_()};
    const at::Tensor larger = at::upsample_nearest2d(x, {2 * height, 2 * width});
    const fused::Around around{true, true, false};
    const at::Tensor raw = at::conv2d(larger, weight, bias, kOne, {padding, padding});
    const Wanted wanted(at::relu(raw), gradient_away_from_jumps(raw, around), inputs);
    const auto geometry = fused::Geometry::padded({padding, padding});
    wanted.check(fused::convolve_by_aten(x, weight, bias, geometry, around));
    if (fused::applies(x, weight, geometry, around)) {
      wanted.check(fused::convolve(x, weight, bias, geometry, around));
    } else {
      CHECK(direct::best_kernels() == nullptr);
    }
  }
}

TEST_CASE("four pixels upsampled and convolved by hand") {
  // 1 2 / 3 4 becomes 1 1 2 2 / 1 1 2 2 / 3 3 4 4 / 3 3 4 4; a kernel of ones sums 3×3 of it.
  const at::Tensor x = at::tensor({1.0F, 2.0F, 3.0F, 4.0F}).view({1, 1, 2, 2});
  const at::Tensor y = fused::phase_convolution(x, at::ones({1, 1, 3, 3}), {});
  CHECK(at::equal(y.flatten(), at::tensor({4.0F, 8.0F, 10.0F, 8.0F,     //
                                           10.0F, 18.0F, 21.0F, 16.0F,  //
                                           14.0F, 24.0F, 27.0F, 20.0F,  //
                                           12.0F, 20.0F, 22.0F, 16.0F})));
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

TEST_CASE("every instruction set transforms alike") {
  std::vector<at::Tensor> products, sums;
  for (const bool avx512 : {true, false}) {
    if ((avx512 ? direct::avx512_kernels() : direct::avx2_kernels()) == nullptr) {
      continue;
    }
    const transformed::Kernels& kernels =
        avx512 ? *transformed::avx512_kernels() : *transformed::avx2_kernels();
    const at::Tensor a = at::arange(17 * 5, at::TensorOptions(at::kFloat));
    const at::Tensor b = at::arange(5 * 16, at::TensorOptions(at::kFloat));
    // (columns / width, depth, width)
    const at::Tensor blocks =
        b.view({5, 16 / kernels.width, kernels.width}).permute({1, 0, 2}).contiguous();
    products.push_back(at::zeros({17, 16}));
    kernels.multiply(17, 5, 16, a.const_data_ptr<float>(), 5, blocks.const_data_ptr<float>(),
                     products.back().mutable_data_ptr<float>(), 16);
    CHECK(at::equal(products.back(), at::mm(a.view({17, 5}), b.view({5, 16}))));
    sums.push_back(at::ones({17, 16}));
    kernels.outer(5, 17, 16, a.const_data_ptr<float>(), 17, b.const_data_ptr<float>(), 16,
                  sums.back().mutable_data_ptr<float>());
    CHECK(at::equal(sums.back(), at::mm(a.view({5, 17}).t(), b.view({5, 16})) + 1));
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
    const at::Tensor y = fused::convolve(channels_last(x), weight, {}, {}, {false, true, pool});
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
  const at::Tensor ours = second(fused::convolve(x, weight, {}, {}, {false, true, true}));
  const at::Tensor atens = second(at::max_pool2d(at::relu(at::conv2d(x, weight)), {2, 2}));
  CHECK(distance(ours, atens) < 1e-5);
}

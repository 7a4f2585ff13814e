#include "models/windowed/images.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include "models/fused/convolution.h"
#include "training/scopes.h"

using namespace imgcomp;

namespace {

struct Case {
  int64_t n, in, out, height, width;
  fused::Pair kernel;
  fused::Geometry geometry;
  fused::Around around;
};

const std::vector<Case> kCases{
    {3, 16, 16, 6, 5, {3, 3}, fused::Geometry::padded({1, 1}), {}},
    {2, 32, 17, 9, 8, {3, 3}, {.stride = {2, 2}, .padding_after = {1, 1}}, {.relu = true}},
    {2, 16, 20, 5, 5, {2, 2}, {.padding_after = {1, 1}}, {}},
    {2, 16, 16, 6, 8, {3, 3}, fused::Geometry::padded({1, 1}), {.relu = true, .max_pool = true}},
    {2, 16, 16, 4, 3, {3, 3}, fused::Geometry::padded({1, 1}), {.upsample = true}},
    {2, 16, 40, 6, 5, {3, 3}, fused::Geometry::padded({1, 0}), {}},
    // More windows than are worked on at once.
    {40, 64, 16, 16, 16, {3, 3}, fused::Geometry::padded({1, 1}), {}},
};

// −1, 0 and 1, of which so many are not 0.
at::Tensor signs(at::IntArrayRef shape, double share) {
  return (at::randint(0, 2, shape) * 2 - 1).to(at::kFloat) * (at::rand(shape) < share);
}

at::Tensor by_aten(const Case& c, const at::Tensor& x, const at::Tensor& weight,
                   const at::Tensor& bias) {
  const auto& [stride, before, after, dilation] = c.geometry;
  at::Tensor image =
      c.around.upsample ? at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}) : x;
  image = at::constant_pad_nd(image, {before[1], after[1], before[0], after[0]});
  at::Tensor y = at::conv2d(image, weight, bias, stride);
  y = c.around.relu ? at::relu(y) : y;
  return c.around.max_pool ? at::max_pool2d(y, {2, 2}) : y;
}

}  // namespace

TEST_CASE("products of halves that need no rounding are exact, and so are their gradients") {
  // Sums of few ones: whole numbers up to 256 have a place among the halves.
  for (const Case& c : kCases) {
    CAPTURE(c.n);
    CAPTURE(c.out);
    const at::AutoGradMode with_gradients(true);
    const at::Tensor x = signs({c.n, c.in, c.height, c.width}, 0.5)
                             .contiguous(at::MemoryFormat::ChannelsLast)
                             .requires_grad_();
    const at::Tensor weight = signs({c.out, c.in, c.kernel[0], c.kernel[1]}, 0.3).requires_grad_();
    const at::Tensor bias = (at::randint(-9, 9, {c.out}) + 0.25).to(at::kFloat).requires_grad_();
    const std::vector<at::Tensor> inputs{x, weight, bias};
    const at::Tensor wanted = by_aten(c, x, weight, bias);
    at::Tensor y;
    {
      const AutocastScope halves(at::kCPU, true);
      y = fused::convolve(x, weight, bias, c.geometry, c.around);
    }
    CHECK((y.scalar_type() == at::kFloat));
    CHECK(y.is_contiguous(at::MemoryFormat::ChannelsLast));
    CHECK(at::equal(y, wanted));
    const at::Tensor seed = signs(wanted.sizes(), 10.0 / static_cast<double>(c.n * c.out));
    const auto found = torch::autograd::grad({y}, inputs, {seed});
    const auto gradients = torch::autograd::grad({wanted}, inputs, {seed});
    for (size_t i = 0; i < inputs.size(); ++i) {
      CAPTURE(i);
      CHECK((found[i].scalar_type() == at::kFloat));
      CHECK(at::equal(found[i], gradients[i]));
    }
  }
}

TEST_CASE("what is multiplied is rounded to halves, what is added is not") {
  const auto halves = [](const at::Tensor& x) { return x.to(at::kBFloat16).to(at::kFloat); };
  const at::Tensor x = at::randn({2, 16, 5, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor weight = at::randn({16, 16, 1, 1}), bias = at::rand({16});
  at::Tensor y;
  {
    const AutocastScope scope(at::kCPU, true);
    y = fused::convolve(x, weight, bias, {}, {});
  }
  const at::Tensor products = at::conv2d(halves(x).to(at::kDouble), halves(weight).to(at::kDouble));
  const at::Tensor wanted = halves(products.to(at::kFloat)) + bias.view({1, 16, 1, 1});
  // A sum in another order may round to the half beside it: 8 bits.
  const at::Tensor error = (y - wanted).abs() / (1.0 + products.abs());
  CHECK(error.max().item<double>() < 1.0 / 256);
  CHECK((error > 1e-6).sum().item<int64_t>() < y.numel() / 50);
  CHECK((y - at::conv2d(x, weight, bias)).abs().max().item<double>() > 1e-3);
}

TEST_CASE("few channels are not rounded under autocast") {
  const at::Tensor x = at::randn({2, 3, 5, 5}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor weight = at::randn({16, 3, 3, 3});
  const at::Tensor wanted = fused::convolution(x, weight, {}, {});
  const AutocastScope halves(at::kCPU, true);
  if (fused::applies(x, weight, {})) {
    CHECK(at::equal(fused::convolution(x, weight, {}, {}), wanted));
  }
}

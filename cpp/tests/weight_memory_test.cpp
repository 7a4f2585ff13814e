#include "models/fused/weight_memory.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include "models/direct/kernels.h"
#include "models/fused/convolution.h"

using namespace imgcomp;

namespace {

at::Tensor images(int64_t n, int64_t channels, int64_t height, int64_t width) {
  return at::randn({n, channels, height, width})
      .contiguous(at::MemoryFormat::ChannelsLast)
      .requires_grad_();
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / (1.0 + b.abs().max().item<double>());
}

// Images, channels in and out, height, width and stride, of 3×3 kernels with padding 1: unrolled,
// by a transform, by planes, by direct sums and by windows.
const std::vector<std::array<int64_t, 6>> kCases{{9, 16, 32, 2, 2, 1},
                                                 {3, 32, 48, 9, 8, 1},
                                                 {2, 16, 1, 8, 8, 1},
                                                 {2, 3, 16, 8, 8, 1},
                                                 {2, 8, 16, 9, 8, 2}};

fused::Geometry with_stride(int64_t stride) {
  fused::Geometry geometry = fused::Geometry::padded({1, 1});
  geometry.stride = {stride, stride};
  return geometry;
}

}  // namespace

TEST_CASE("a weight that serves several times has the gradient of all its uses") {
  for (const auto& [n, in, out, height, width, stride] : kCases) {
    const fused::Geometry geometry = with_stride(stride);
    CAPTURE(in);
    CAPTURE(out);
    const at::AutoGradMode with_gradients(true);
    const at::Tensor weight = at::randn({out, in, 3, 3}).requires_grad_();
    const at::Tensor bias = at::randn({out}).requires_grad_();
    ForwardContext context;
    context.own_gradients = c10::make_intrusive<OwnGradients>();
    context.weight_memories = std::make_shared<fused::WeightMemories>();
    at::Tensor loss, expected;
    std::vector<at::Tensor> inputs{weight, bias};
    for (int use = 0; use < 3; ++use) {
      const at::Tensor x = images(n, in, height, width);
      const at::Tensor seed =
          at::randn({n, out, (height - 1) / stride + 1, (width - 1) / stride + 1});
      const auto sum = [&](const fused::WeightMemoryPtr& memory) {
        return (fused::convolution(x, weight, bias, geometry, {}, memory) * seed).sum();
      };
      const at::Tensor with = sum(fused::memory_of(weight, context)), without = sum({});
      CHECK(distance(with, without) < 1e-6);
      loss = use == 0 ? with : loss + with;
      expected = use == 0 ? without : expected + without;
      inputs.push_back(x);
    }
    const auto found = torch::autograd::grad({loss}, inputs, {}, false, false, true);
    const auto wanted = torch::autograd::grad({expected}, inputs);
    const Gradient whole = context.own_gradients->take(weight, found[0]);
    REQUIRE(whole.value.defined());
    CHECK(distance(whole.value, wanted[0]) < 1e-5);
    for (size_t i = 1; i < inputs.size(); ++i) {
      CHECK(distance(found[i], wanted[i]) < 1e-6);
    }
    CHECK(!context.own_gradients->take(weight).defined());
  }
}

TEST_CASE("without a place for own gradients autograd is told of all") {
  for (const auto& [n, in, out, height, width, stride] : kCases) {
    const fused::Geometry geometry = with_stride(stride);
    const at::AutoGradMode with_gradients(true);
    const at::Tensor weight = at::randn({out, in, 3, 3}).requires_grad_();
    ForwardContext context;
    context.weight_memories = std::make_shared<fused::WeightMemories>();
    const fused::WeightMemoryPtr memory = fused::memory_of(weight, context);
    CHECK(memory == fused::memory_of(weight, context));
    CHECK(fused::memory_of(at::randn({1}), context) != memory);
    const at::Tensor x = images(n, in, height, width);
    const auto loss = [&](const fused::WeightMemoryPtr& kept) {
      const at::Tensor y = fused::convolution(x, weight, {}, geometry, {}, kept);
      return (y * y).sum();
    };
    const auto found = torch::autograd::grad({loss(memory) + loss(memory)}, {weight});
    const auto wanted = torch::autograd::grad({loss({})}, {weight});
    CHECK(distance(found[0], wanted[0] * 2) < 1e-5);
  }
}

TEST_CASE("a sum of gradients has zeros for channels that are left out") {
  for (const auto& [n, in, out, height, width, stride] : kCases) {
    const fused::Geometry geometry = with_stride(stride);
    const int64_t left_out = out / 2;
    CAPTURE(in);
    const at::AutoGradMode with_gradients(true);
    const at::Tensor weight = at::randn({out, in, 3, 3}).requires_grad_();
    const at::Tensor x = images(n, in, height, width);
    const auto loss = [&](const fused::WeightMemoryPtr& memory) {
      const at::Tensor y = fused::convolution(x, weight, {}, geometry, {}, memory, left_out);
      return (y * y).sum();
    };
    ForwardContext context;
    context.own_gradients = c10::make_intrusive<OwnGradients>();
    context.weight_memories = std::make_shared<fused::WeightMemories>();
    const auto told = torch::autograd::grad({loss(fused::memory_of(weight, context))}, {weight}, {},
                                            false, false, true);
    const at::Tensor found = context.own_gradients->take(weight, told[0]).value;
    const at::Tensor wanted = torch::autograd::grad({loss({})}, {weight})[0];
    REQUIRE(found.sizes() == wanted.sizes());
    CHECK(distance(found, wanted) < 1e-5);
  }
}

TEST_CASE("nothing is remembered outside of a pass") {
  CHECK(!fused::memory_of(at::randn({1}), ForwardContext{}));
}

#include "models/recurrent/cells.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <vector>

#include "models/recurrent/cell_loops.h"

using namespace imgcomp;

namespace {

using Tensors = std::vector<at::Tensor>;
using Cell = std::function<Tensors(const Tensors&)>;

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

Tensors pair(std::array<at::Tensor, 2> tensors) {
  return {tensors[0], tensors[1]};
}

// Outputs, and the inputs' gradients under given gradients of the outputs, all as double.
Tensors with_gradients(const Cell& cell, const Tensors& inputs, const Tensors& weights,
                       const at::TensorOptions& options) {
  Tensors own;
  for (const at::Tensor& input : inputs) {
    own.push_back(input.to(options).detach().set_requires_grad(true));
  }
  Tensors outputs = cell(own), to;
  for (size_t i = 0; i < outputs.size(); ++i) {
    to.push_back(weights[i].to(options));
  }
  Tensors result = outputs;
  for (const at::Tensor& gradient : torch::autograd::grad(outputs, own, to)) {
    result.push_back(gradient);
  }
  for (at::Tensor& each : result) {
    each = each.detach().to(at::kCPU, at::kDouble);
  }
  return result;
}

// The loops, in float32, beside ATen's operations and its gradients, in double.
void check(const Cell& cell, const Tensors& inputs, int64_t channels) {
  const int64_t n = inputs[0].size(0), height = inputs[0].size(2), width = inputs[0].size(3);
  const Tensors weights{at::randn({n, channels, height, width}),
                        at::randn({n, channels, height, width})};
  const Tensors wanted = with_gradients(cell, inputs, weights, at::kDouble);
  const Tensors found = with_gradients(cell, inputs, weights, at::kFloat);
  REQUIRE(found.size() == wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].sizes() == wanted[i].sizes());
    CHECK(distance(found[i], wanted[i]) < 1e-5);
  }
}

// Odd sizes; many channels to fill vectors and few to leave some over.
const std::vector<std::array<int64_t, 4>> kShapes{{2, 22, 3, 5}, {1, 2, 1, 1}, {3, 70, 7, 1}};

at::Tensor random(const std::array<int64_t, 4>& shape, int64_t channels) {
  return at::randn({shape[0], channels, shape[2], shape[3]}) * 1.5;
}

}  // namespace

TEST_CASE("the cells' loops give what ATen gives, and their gradients") {
  for (const auto& shape : kShapes) {
    const int64_t c = shape[1];
    CAPTURE(c);
    const at::Tensor state = random(shape, c);
    const auto lstm = [](const Tensors& in) {
      return pair(recurrent::lstm_cell(in[0], in.size() > 1 ? in[1] : at::Tensor()));
    };
    check(lstm, {random(shape, 4 * c), state}, c);
    check(lstm, {random(shape, 3 * c)}, c);
    const auto associative = [](const Tensors& in) {
      return pair(recurrent::associative_lstm_cell(in[0], in.size() > 1 ? in[1] : at::Tensor()));
    };
    check(associative, {random(shape, 9 * c / 2), state}, c);
    check(associative, {random(shape, 8 * c / 2)}, c);
    check([](const Tensors& in) { return Tensors{recurrent::gru_reset_state(in[0], in[1])}; },
          {random(shape, 2 * c), state}, c);
    const auto gru = [](const Tensors& in) {
      return Tensors{recurrent::gru_cell(in[0], in[1], in.size() > 2 ? in[2] : at::Tensor())};
    };
    check(gru, {random(shape, 2 * c), random(shape, c), state}, c);
    check(gru, {random(shape, c), random(shape, c)}, c);
  }
}

TEST_CASE("gates in halves are widened, and their gradients narrowed") {
  const at::Tensor gates = random({2, 5, 3, 4}, 20).to(at::kBFloat16).set_requires_grad(true);
  const at::Tensor wide = gates.detach().to(at::kFloat).set_requires_grad(true);
  const at::Tensor cell = random({2, 5, 3, 4}, 5), weight = random({2, 5, 3, 4}, 5);
  const auto found = recurrent::lstm_cell(gates, cell), wanted = recurrent::lstm_cell(wide, cell);
  for (size_t i = 0; i < found.size(); ++i) {
    CHECK((found[i].scalar_type() == at::kFloat));
    CHECK(at::equal(found[i], wanted[i]));
  }
  const at::Tensor gradient = torch::autograd::grad({found[0]}, {gates}, {weight})[0];
  CHECK((gradient.scalar_type() == at::kBFloat16));
  CHECK(at::equal(gradient,
                  torch::autograd::grad({wanted[0]}, {wide}, {weight})[0].to(at::kBFloat16)));
  const at::Tensor two = gates.detach().narrow(1, 0, 10), one = gates.detach().narrow(1, 10, 5);
  CHECK(at::equal(recurrent::gru_cell(two, one, cell),
                  recurrent::gru_cell(two.to(at::kFloat), one.to(at::kFloat), cell)));
  CHECK(at::equal(recurrent::gru_reset_state(two, cell),
                  recurrent::gru_reset_state(two.to(at::kFloat), cell)));
}

TEST_CASE("images whose channels are planes are pixels of many channels") {
  // As GPUs take them.
  constexpr int64_t kImages = 3, kChannels = 5, kHeight = 4, kWidth = 7,
                    kValues = kChannels * kHeight * kWidth;
  const at::Tensor gates = at::randn({kImages, 9 * kChannels, kHeight, kWidth}) * 2,
                   cell = at::randn({kImages, 2 * kChannels, kHeight, kWidth});
  const auto [hidden, next] = recurrent::associative_lstm_cell(gates, cell);
  at::Tensor own_next = at::empty_like(cell), own_hidden = at::empty_like(cell);
  recurrent::best_cell_loops().run(
      0, kImages, kValues,
      recurrent::AssociativeForward<true>{gates.const_data_ptr<float>(),
                                          {cell.const_data_ptr<float>(), 2 * kValues},
                                          own_next.mutable_data_ptr<float>(),
                                          own_hidden.mutable_data_ptr<float>()});
  CHECK(distance(own_next, next) < 1e-5);
  CHECK(distance(own_hidden, hidden) < 1e-5);
}

TEST_CASE("an output of a cell that nothing uses has no gradient") {
  at::Tensor gates = at::randn({1, 16, 2, 2}).set_requires_grad(true);
  const auto [hidden, next] = recurrent::associative_lstm_cell(gates, {});
  const at::Tensor alone = torch::autograd::grad({hidden}, {gates}, {at::randn({1, 4, 2, 2})})[0];
  CHECK(alone.isfinite().all().item<bool>());
  CHECK(alone.abs().max().item<double>() > 0.0);
}

TEST_CASE("an associative memory returns under a key what was stored under it") {
  // Gates wide open; the key is turned by 90° for storing and back for reading.
  at::Tensor gates = at::zeros({1, 8, 1, 1});
  float* g = gates.mutable_data_ptr<float>();
  g[0] = g[1] = 30.0F;
  g[2] = 0.3F, g[3] = -0.4F;  // the value
  g[4] = 0.0F, g[5] = 5.0F;   // written under i, after bounding
  g[6] = 0.0F, g[7] = -2.0F;  // read under its conjugate
  const auto [hidden, next] = recurrent::associative_lstm_cell(gates, {});
  CHECK(hidden.flatten()[0].item<float>() == doctest::Approx(0.3F));
  CHECK(hidden.flatten()[1].item<float>() == doctest::Approx(-0.4F));
  CHECK(next.flatten()[0].item<float>() == doctest::Approx(0.4F));
  CHECK(next.flatten()[1].item<float>() == doctest::Approx(0.3F));
}

TEST_CASE("cells know nothing of the instruction set") {
  constexpr int64_t kPixels = 5, kChannels = 37;
  const at::Tensor gates = at::randn({kPixels, 9 * kChannels}) * 2,
                   states = at::randn({4, kPixels, 2 * kChannels});
  const auto state = [&](int64_t i) { return states[i].const_data_ptr<float>(); };
  const auto run = [&](const recurrent::CellLoops& loops) {
    at::Tensor to_gates = at::empty_like(gates), to_cell = at::empty_like(states[0]);
    loops.run(0, kPixels, kChannels,
              recurrent::AssociativeBackward<true>{gates.const_data_ptr<float>(),
                                                   {state(0), 2 * kChannels},
                                                   state(1),
                                                   {state(2), 2 * kChannels},
                                                   {state(3), 0},
                                                   to_gates.mutable_data_ptr<float>(),
                                                   to_cell.mutable_data_ptr<float>()});
    return Tensors{to_gates, to_cell};
  };
  const Tensors best = run(recurrent::best_cell_loops());
  const Tensors baseline = run(recurrent::baseline_cell_loops());
  CHECK(distance(best[0], baseline[0]) < 1e-4);
  CHECK(distance(best[1], baseline[1]) < 1e-4);
}

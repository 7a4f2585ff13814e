#include "models/recurrent/cells.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "models/layers.h"
#include "models/recurrent/cell_loops.h"

namespace imgcomp::recurrent {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;
constexpr int64_t kGrain = 256;  // pixels that are worth a thread

at::Tensor images_like(const at::Tensor& gates, int64_t channels) {
  return at::empty({gates.size(0), channels, gates.size(2), gates.size(3)},
                   at::TensorOptions(at::kFloat), kChannelsLast);
}

// A state, or zeros for all pixels where it is undefined.
class State {
 public:
  State(const at::Tensor& tensor, int64_t channels)
      : tensor_(tensor.defined() ? tensor.contiguous(kChannelsLast)
                                 : at::zeros({channels}, at::TensorOptions(at::kFloat))),
        stride_(tensor.defined() ? channels : 0) {}

  Values from(int64_t pixel) const {
    return {tensor_.const_data_ptr<float>() + pixel * stride_, stride_};
  }

 private:
  at::Tensor tensor_;
  int64_t stride_;
};

int64_t pixels_of(const at::Tensor& images) {
  return images.size(0) * images.size(2) * images.size(3);
}

// Calls loop(first pixel, pixels) on threads.
template <class Loop>
void over_pixels(const at::Tensor& images, const Loop& loop) {
  at::parallel_for(0, pixels_of(images), kGrain,
                   [&](int64_t begin, int64_t end) { loop(begin, end - begin); });
}

// Where the loops apply; elsewhere ATen's operations do the same, one after another.
bool by_loops(const at::Tensor& gates) {
  return gates.is_cpu() && gates.scalar_type() == at::kFloat && gates.numel() > 0;
}

struct Lstm : Function<Lstm> {
  static variable_list forward(AutogradContext* context, const at::Tensor& gates,
                               const std::optional<at::Tensor>& cell) {
    const int64_t channels = gates.size(1) / 4;
    const at::Tensor all = gates.contiguous(kChannelsLast);
    at::Tensor next = images_like(gates, channels), hidden = images_like(gates, channels);
    const State state(cell.value_or(at::Tensor()), channels);
    over_pixels(gates, [&](int64_t first, int64_t pixels) {
      best_cell_loops().lstm(pixels, channels, all.const_data_ptr<float>() + first * 4 * channels,
                             state.from(first), next.mutable_data_ptr<float>() + first * channels,
                             hidden.mutable_data_ptr<float>() + first * channels);
    });
    context->save_for_backward({all, cell.value_or(at::Tensor()), next});
    context->set_materialize_grads(false);
    return {hidden, next};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gates = saved[0], &cell = saved[1], &next = saved[2];
    const int64_t channels = gates.size(1) / 4;
    at::Tensor to_gates = at::empty_like(gates), to_cell = images_like(gates, channels);
    const State state(cell, channels), hidden(gradients[0], channels),
        later(gradients[1], channels);
    over_pixels(gates, [&](int64_t first, int64_t pixels) {
      best_cell_loops().lstm_gradient(
          pixels, channels, gates.const_data_ptr<float>() + first * 4 * channels, state.from(first),
          next.const_data_ptr<float>() + first * channels, later.from(first), hidden.from(first),
          to_gates.mutable_data_ptr<float>() + first * 4 * channels,
          to_cell.mutable_data_ptr<float>() + first * channels);
    });
    return {to_gates, cell.defined() ? to_cell : at::Tensor()};
  }
};

struct GruReset : Function<GruReset> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gates,
                            const at::Tensor& hidden) {
    const int64_t channels = gates.size(1) / 2;
    const at::Tensor all = gates.contiguous(kChannelsLast);
    at::Tensor result = images_like(gates, channels);
    const State state(hidden, channels);
    over_pixels(gates, [&](int64_t first, int64_t pixels) {
      best_cell_loops().gru_reset(
          pixels, channels, all.const_data_ptr<float>() + first * 2 * channels, state.from(first),
          result.mutable_data_ptr<float>() + first * channels);
    });
    context->save_for_backward({all, hidden});
    return result;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gates = saved[0], &hidden = saved[1];
    const int64_t channels = gates.size(1) / 2;
    const at::Tensor gradient = gradients[0].contiguous(kChannelsLast);
    // The update gate has no part in this.
    at::Tensor to_gates = at::zeros_like(gates), to_hidden = images_like(gates, channels);
    const State state(hidden, channels);
    over_pixels(gates, [&](int64_t first, int64_t pixels) {
      best_cell_loops().gru_reset_gradient(
          pixels, channels, gates.const_data_ptr<float>() + first * 2 * channels, state.from(first),
          gradient.const_data_ptr<float>() + first * channels,
          to_gates.mutable_data_ptr<float>() + first * 2 * channels,
          to_hidden.mutable_data_ptr<float>() + first * channels);
    });
    return {to_gates, to_hidden};
  }
};

struct Gru : Function<Gru> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gates,
                            const at::Tensor& candidate, const std::optional<at::Tensor>& hidden) {
    const int64_t channels = gates.size(1) / 2;
    const at::Tensor all = gates.contiguous(kChannelsLast);
    const at::Tensor tried = candidate.contiguous(kChannelsLast);
    at::Tensor next = images_like(gates, channels);
    const State state(hidden.value_or(at::Tensor()), channels);
    over_pixels(gates, [&](int64_t first, int64_t pixels) {
      best_cell_loops().gru(pixels, channels, all.const_data_ptr<float>() + first * 2 * channels,
                            tried.const_data_ptr<float>() + first * channels, state.from(first),
                            next.mutable_data_ptr<float>() + first * channels);
    });
    context->save_for_backward({all, tried, hidden.value_or(at::Tensor())});
    return next;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gates = saved[0], &candidate = saved[1], &hidden = saved[2];
    const int64_t channels = gates.size(1) / 2;
    const at::Tensor gradient = gradients[0].contiguous(kChannelsLast);
    // The reset gate has no part in this.
    at::Tensor to_gates = at::zeros_like(gates), to_candidate = images_like(gates, channels),
               to_hidden = images_like(gates, channels);
    const State state(hidden, channels);
    over_pixels(gates, [&](int64_t first, int64_t pixels) {
      best_cell_loops().gru_gradient(
          pixels, channels, gates.const_data_ptr<float>() + first * 2 * channels,
          candidate.const_data_ptr<float>() + first * channels, state.from(first),
          gradient.const_data_ptr<float>() + first * channels,
          to_gates.mutable_data_ptr<float>() + first * 2 * channels,
          to_candidate.mutable_data_ptr<float>() + first * channels,
          to_hidden.mutable_data_ptr<float>() + first * channels);
    });
    return {to_gates, to_candidate, hidden.defined() ? to_hidden : at::Tensor()};
  }
};

}  // namespace

std::array<at::Tensor, 2> lstm_cell(const at::Tensor& gates, const at::Tensor& cell) {
  if (by_loops(gates)) {
    const variable_list result = Lstm::apply(gates, if_defined(cell));
    return {result[0], result[1]};
  }
  const std::vector<at::Tensor> parts = gates.chunk(4, 1);
  at::Tensor next = at::sigmoid(parts[0]) * at::tanh(parts[3]);
  if (cell.defined()) {
    next = next + at::sigmoid(parts[1]) * cell;
  }
  return {at::sigmoid(parts[2]) * at::tanh(next), next};
}

at::Tensor gru_reset_state(const at::Tensor& gates, const at::Tensor& hidden) {
  return by_loops(gates) ? GruReset::apply(gates, hidden)
                         : at::sigmoid(gates.chunk(2, 1)[1]) * hidden;
}

at::Tensor gru_cell(const at::Tensor& gates, const at::Tensor& candidate,
                    const at::Tensor& hidden) {
  if (by_loops(gates)) {
    return Gru::apply(gates, candidate, if_defined(hidden));
  }
  const at::Tensor update = at::sigmoid(gates.chunk(2, 1)[0]);
  const at::Tensor next = update * at::tanh(candidate);
  return hidden.defined() ? next + (1.0 - update) * hidden : next;
}

}  // namespace imgcomp::recurrent

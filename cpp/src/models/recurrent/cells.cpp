#include "models/recurrent/cells.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <c10/core/DeviceGuard.h>
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

#ifdef IMGCOMP_WITH_CUDA
constexpr bool kCuda = true;
#else
constexpr bool kCuda = false;
#endif

// Where the loops apply; elsewhere ATen's operations do the same, one after another.
bool by_loops(const at::Tensor& gates) {
  return (gates.is_cpu() || (kCuda && gates.is_cuda())) && gates.scalar_type() == at::kFloat &&
         gates.numel() > 0;
}

// The halves that autocast's convolutions give become float32: one pass over the gates is cheaper
// than all those of ATen's operations, and the state keeps its precision.
at::Tensor widened(const at::Tensor& gates) {
  return gates.scalar_type() == at::kBFloat16 ? gates.to(at::kFloat) : gates;
}

// How the loops see a step's tensors, given its gates. On a GPU images whose channels are planes
// stay so: each is one pixel of many channels.
class Layout {
 public:
  // kinds: of gates, so many for each channel.
  Layout(const at::Tensor& gates, int64_t kinds)
      : options_(gates.options()),
        format_(gates.is_cpu() ? kChannelsLast : gates.suggest_memory_format()),
        shape_{gates.size(0), gates.size(1) / kinds, gates.size(2), gates.size(3)} {}

  int64_t pixels() const { return shape_[0] * (planes() ? 1 : area()); }
  int64_t channels() const { return shape_[1] * (planes() ? area() : 1); }

  at::Tensor of(const at::Tensor& tensor) const { return tensor.contiguous(format_); }

  at::Tensor images(int64_t kinds) const {
    return at::empty({shape_[0], kinds * shape_[1], shape_[2], shape_[3]}, options_, format_);
  }

  // Does a step for all pixels, on threads or as a kernel.
  template <class Step>
  void run(const Step& step) const {
#ifdef IMGCOMP_WITH_CUDA
    if (options_.device().is_cuda()) {
      const c10::DeviceGuard guard(options_.device());
      cuda_cell_loops().run(0, pixels(), channels(), step);
      return;
    }
#endif
    at::parallel_for(0, pixels(), kGrain, [&](int64_t begin, int64_t end) {
      best_cell_loops().run(begin, end, channels(), step);
    });
  }

 private:
  bool planes() const { return format_ != kChannelsLast; }
  int64_t area() const { return shape_[2] * shape_[3]; }

  at::TensorOptions options_;
  at::MemoryFormat format_;
  std::array<int64_t, 4> shape_;
};

// A state or its gradient, zeros for all pixels where it is undefined.
class State {
 public:
  State(const at::Tensor& tensor, const Layout& layout, const at::Tensor& gates, int64_t kinds = 1)
      : tensor_(tensor.defined() ? layout.of(tensor)
                                 : at::zeros({kinds * layout.channels()}, gates.options())),
        stride_(tensor.defined() ? kinds * layout.channels() : 0) {}

  Values values() const { return {tensor_.const_data_ptr<float>(), stride_}; }

 private:
  at::Tensor tensor_;
  int64_t stride_;
};

const float* read(const at::Tensor& tensor) {
  return tensor.const_data_ptr<float>();
}

float* write(const at::Tensor& tensor) {
  return tensor.mutable_data_ptr<float>();
}

// The kinds of cells with a memory of their own; kStates is what a state has for each channel of
// the loops.
struct Lstm {
  template <bool kWithState>
  using Forward = LstmForward<kWithState>;
  template <bool kWithState>
  using Backward = LstmBackward<kWithState>;
  static constexpr int64_t kStates = 1;
};

struct Associative {
  template <bool kWithState>
  using Forward = AssociativeForward<kWithState>;
  template <bool kWithState>
  using Backward = AssociativeBackward<kWithState>;
  static constexpr int64_t kStates = 2;
};

template <class Kind, bool kWithState>
struct Memory : Function<Memory<Kind, kWithState>> {
  using Forward = typename Kind::template Forward<kWithState>;
  using Backward = typename Kind::template Backward<kWithState>;

  // cell: if kWithState.
  static variable_list forward(AutogradContext* context, const at::Tensor& gates,
                               const std::optional<at::Tensor>& cell) {
    const Layout layout(gates, Forward::kKinds);
    const at::Tensor all = layout.of(gates);
    at::Tensor next = layout.images(Kind::kStates), hidden = layout.images(Kind::kStates);
    const State state(cell.value_or(at::Tensor()), layout, gates, Kind::kStates);
    layout.run(Forward{read(all), state.values(), write(next), write(hidden)});
    context->save_for_backward({all, cell.value_or(at::Tensor()), next});
    context->set_materialize_grads(false);
    return {hidden, next};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gates = saved[0], &cell = saved[1], &next = saved[2];
    const Layout layout(gates, Forward::kKinds);
    at::Tensor to_gates = at::empty_like(gates), to_cell;
    if (kWithState) {
      to_cell = layout.images(Kind::kStates);
    }
    const State state(cell, layout, gates, Kind::kStates),
        hidden(gradients[0], layout, gates, Kind::kStates),
        later(gradients[1], layout, gates, Kind::kStates);
    layout.run(Backward{read(gates), state.values(), read(next), later.values(), hidden.values(),
                        write(to_gates), kWithState ? write(to_cell) : nullptr});
    return {to_gates, to_cell};
  }
};

template <class Kind>
std::array<at::Tensor, 2> remember(const at::Tensor& gates, const at::Tensor& cell) {
  const std::optional<at::Tensor> state = if_defined(cell);
  const variable_list result =
      state ? Memory<Kind, true>::apply(gates, state) : Memory<Kind, false>::apply(gates, state);
  return {result[0], result[1]};
}

struct GruReset : Function<GruReset> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gates,
                            const at::Tensor& hidden) {
    const Layout layout(gates, 2);
    const at::Tensor all = layout.of(gates);
    at::Tensor result = layout.images(1);
    const State state(hidden, layout, gates);
    layout.run(GruResetForward{read(all), state.values(), write(result)});
    context->save_for_backward({all, hidden});
    return result;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gates = saved[0], &hidden = saved[1];
    const Layout layout(gates, 2);
    const at::Tensor gradient = layout.of(gradients[0]);
    at::Tensor to_gates = at::empty_like(gates), to_hidden = layout.images(1);
    const State state(hidden, layout, gates);
    layout.run(GruResetBackward{read(gates), state.values(), read(gradient), write(to_gates),
                                write(to_hidden)});
    return {to_gates, to_hidden};
  }
};

template <bool kWithState>
struct Gru : Function<Gru<kWithState>> {
  static constexpr int64_t kKinds = kWithState ? 2 : 1;

  // hidden: if kWithState.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gates,
                            const at::Tensor& candidate, const std::optional<at::Tensor>& hidden) {
    const Layout layout(gates, kKinds);
    const at::Tensor all = layout.of(gates), tried = layout.of(candidate);
    at::Tensor next = layout.images(1);
    const State state(hidden.value_or(at::Tensor()), layout, gates);
    layout.run(GruForward<kWithState>{read(all), read(tried), state.values(), write(next)});
    context->save_for_backward({all, tried, hidden.value_or(at::Tensor())});
    return next;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gates = saved[0], &candidate = saved[1], &hidden = saved[2];
    const Layout layout(gates, kKinds);
    const at::Tensor gradient = layout.of(gradients[0]);
    at::Tensor to_gates = at::empty_like(gates), to_candidate = layout.images(1), to_hidden;
    if (kWithState) {
      to_hidden = layout.images(1);
    }
    const State state(hidden, layout, gates);
    layout.run(GruBackward<kWithState>{read(gates), read(candidate), state.values(), read(gradient),
                                       write(to_gates), write(to_candidate),
                                       kWithState ? write(to_hidden) : nullptr});
    return {to_gates, to_candidate, to_hidden};
  }
};

// Complex tensors as two for ATen's operations.
struct ComplexTensor {
  at::Tensor real, imaginary;
};

ComplexTensor bound(const ComplexTensor& z) {
  const at::Tensor factor = (z.real * z.real + z.imaginary * z.imaginary).clamp_min(1.0).rsqrt();
  return {z.real * factor, z.imaginary * factor};
}

ComplexTensor multiply(const ComplexTensor& a, const ComplexTensor& b) {
  return {a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real};
}

}  // namespace

std::array<at::Tensor, 2> lstm_cell(const at::Tensor& convolved, const at::Tensor& cell) {
  const at::Tensor gates = widened(convolved);
  if (by_loops(gates)) {
    return remember<Lstm>(gates, cell);
  }
  const std::vector<at::Tensor> parts = gates.chunk(cell.defined() ? 4 : 3, 1);
  const at::Tensor* always = &parts[cell.defined() ? 1 : 0];
  at::Tensor next = at::sigmoid(always[0]) * at::tanh(always[2]);
  if (cell.defined()) {
    next = next + at::sigmoid(parts[0]) * cell;
  }
  return {at::sigmoid(always[1]) * at::tanh(next), next};
}

std::array<at::Tensor, 2> associative_lstm_cell(const at::Tensor& convolved,
                                                const at::Tensor& cell) {
  const at::Tensor gates = widened(convolved);
  if (by_loops(gates)) {
    return remember<Associative>(gates, cell);
  }
  const std::vector<at::Tensor> parts = gates.chunk(cell.defined() ? 9 : 8, 1);
  const at::Tensor* always = &parts[cell.defined() ? 1 : 0];
  const at::Tensor input = at::sigmoid(always[0]), output = at::sigmoid(always[1]);
  const ComplexTensor candidate = bound({always[2], always[3]}), in = bound({always[4], always[5]}),
                      out = bound({always[6], always[7]}), stored = multiply(in, candidate);
  ComplexTensor next{input * stored.real, input * stored.imaginary};
  if (cell.defined()) {
    const at::Tensor forget = at::sigmoid(parts[0]);
    const std::vector<at::Tensor> halves = cell.chunk(2, 1);
    next = {next.real + forget * halves[0], next.imaginary + forget * halves[1]};
  }
  const ComplexTensor found = bound(multiply(out, next));
  return {at::cat({output * found.real, output * found.imaginary}, 1),
          at::cat({next.real, next.imaginary}, 1)};
}

at::Tensor gru_reset_state(const at::Tensor& convolved, const at::Tensor& hidden) {
  const at::Tensor gates = widened(convolved);
  return by_loops(gates) ? GruReset::apply(gates, hidden)
                         : at::sigmoid(gates.chunk(2, 1)[0]) * hidden;
}

at::Tensor gru_cell(const at::Tensor& convolved, const at::Tensor& convolved_candidate,
                    const at::Tensor& hidden) {
  const at::Tensor gates = widened(convolved), candidate = widened(convolved_candidate);
  if (by_loops(gates)) {
    const std::optional<at::Tensor> state = if_defined(hidden);
    return state ? Gru<true>::apply(gates, candidate, state)
                 : Gru<false>::apply(gates, candidate, state);
  }
  const at::Tensor update = at::sigmoid(hidden.defined() ? gates.chunk(2, 1)[1] : gates);
  const at::Tensor next = update * at::tanh(candidate);
  return hidden.defined() ? next + (1.0 - update) * hidden : next;
}

}  // namespace imgcomp::recurrent

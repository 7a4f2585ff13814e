// Convolutional recurrent layers: LSTMs and a GRU whose products are convolutions (Shi et al. 2015,
// "Convolutional LSTM Network"; as Toderici et al. 2017, section 3.1, have them). One convolution
// serves all gates of the input, another all gates of the state; where the state is still zero the
// latter is left out, and in a pass of one iteration also those gates of the input that only a
// state needs.
#include "models/layers.h"

#include <ATen/TensorOperators.h>

#include "imgcomp/error.h"
#include "models/fused/convolution.h"
#include "models/recurrent/cells.h"

namespace imgcomp {
namespace {

constexpr fused::Pair kOne{1, 1};

// A convolution that divides the size by its stride, rounded up: what an even kernel lacks of
// padding on one side is added below and to the right. left_out: so many channels of its output,
// from the first, are not computed.
at::Tensor same_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            fused::Pair stride, const ForwardContext& context,
                            int64_t left_out = 0) {
  const int64_t height = weight.size(2), width = weight.size(3);
  const fused::Geometry geometry{.stride = stride,
                                 .padding = {(height - 1) / 2, (width - 1) / 2},
                                 .padding_after = {height / 2, width / 2}};
  return fused::convolution(x, weight, bias, geometry, {}, fused::memory_of(weight, context),
                            left_out);
}

class Recurrent : public Layer {
 public:
  // of_state: how many of the gates only a state needs; they are the first.
  Recurrent(at::Tensor input_weight, at::Tensor bias, fused::Pair stride, int64_t channels,
            int64_t of_state)
      : input_weight_(std::move(input_weight)),
        bias_(std::move(bias)),
        stride_(stride),
        channels_(channels),
        of_state_(of_state) {}

  Shape output_shape(const Shape& input) const override {
    require_image(input);
    if (input[0] != input_weight_.size(1)) {
      throw SpecError(
          concat("expects ", input_weight_.size(1), " channels, got shape ", to_string(input)));
    }
    return {channels_, (input[1] + stride_[0] - 1) / stride_[0],
            (input[2] + stride_[1] - 1) / stride_[1]};
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const override {
    if (!context.states) {
      return step(same_convolution(x, input_weight_, bias_, stride_, context, of_state_), {},
                  context)
          .front();
    }
    const at::Tensor from_input = same_convolution(x, input_weight_, bias_, stride_, context);
    std::vector<at::Tensor>& state = (*context.states)[this];
    // In the first of several iterations the weights are worked out for those to come, too.
    state = step(state.empty() ? from_input.slice(1, of_state_) : from_input, state, context);
    return state.front();
  }

 protected:
  // From the input's convolution and the state to the next state, whose first tensor is the output.
  // At first the state is empty, and the gates that only a state needs are left out.
  virtual std::vector<at::Tensor> step(at::Tensor from_input, const std::vector<at::Tensor>& state,
                                       const ForwardContext& context) const = 0;

  int64_t input_multiply_adds(const Shape& input) const {
    const Shape output = output_shape(input);
    return output[1] * output[2] * input_weight_.numel();
  }

  at::Tensor input_weight_, bias_;
  fused::Pair stride_;
  int64_t channels_, of_state_;
};

// The plain and the associative LSTM.
class ConvLstm : public Recurrent {
 public:
  using Cell = std::array<at::Tensor, 2> (*)(const at::Tensor& gates, const at::Tensor& cell);

  // forget: how many gates.
  ConvLstm(Cell cell, at::Tensor input_weight, at::Tensor state_weight, at::Tensor bias,
           fused::Pair stride, int64_t channels, int64_t forget)
      : Recurrent(std::move(input_weight), std::move(bias), stride, channels, forget),
        cell_(cell),
        state_weight_(std::move(state_weight)) {}

  // As from the second iteration on.
  int64_t multiply_adds(const Shape& input) const override {
    const Shape output = output_shape(input);
    return input_multiply_adds(input) + output[1] * output[2] * state_weight_.numel();
  }

 private:
  std::vector<at::Tensor> step(at::Tensor from_input, const std::vector<at::Tensor>& state,
                               const ForwardContext& context) const override {
    const bool first = state.empty();
    const auto [hidden, cell] =
        first ? cell_(from_input, {})
              : cell_(same_convolution(state[0], state_weight_, {}, kOne, context).add_(from_input),
                      state[1]);
    return {hidden, cell};
  }

  Cell cell_;
  at::Tensor state_weight_;
};

class ConvGru : public Recurrent {
 public:
  ConvGru(at::Tensor input_weight, at::Tensor gate_weight, at::Tensor candidate_weight,
          at::Tensor bias, fused::Pair stride, int64_t channels)
      : Recurrent(std::move(input_weight), std::move(bias), stride, channels, channels),
        gate_weight_(std::move(gate_weight)),
        candidate_weight_(std::move(candidate_weight)) {}

  int64_t multiply_adds(const Shape& input) const override {
    const Shape output = output_shape(input);
    return input_multiply_adds(input) +
           output[1] * output[2] * (gate_weight_.numel() + candidate_weight_.numel());
  }

 private:
  std::vector<at::Tensor> step(at::Tensor from_input, const std::vector<at::Tensor>& state,
                               const ForwardContext& context) const override {
    const int64_t gate_channels = from_input.size(1) - channels_;
    at::Tensor gates = from_input.narrow(1, 0, gate_channels);
    at::Tensor candidate = from_input.narrow(1, gate_channels, channels_);
    if (state.empty()) {
      return {recurrent::gru_cell(gates, candidate, {})};
    }
    const at::Tensor& hidden = state[0];
    gates = same_convolution(hidden, gate_weight_, {}, kOne, context).add_(gates);
    candidate = same_convolution(recurrent::gru_reset_state(gates, hidden), candidate_weight_, {},
                                 kOne, context)
                    .add_(candidate);
    return {recurrent::gru_cell(gates, candidate, hidden)};
  }

  at::Tensor gate_weight_, candidate_weight_;
};

// What all kinds read from their spec.
struct Options {
  int64_t channels;
  fused::Pair kernel, stride, state_kernel;
  bool bias;

  explicit Options(OptionReader& options)
      : channels(options.integer("out_channels", 1)),
        kernel(options.pair("kernel_size", 1)),
        stride(options.pair("stride", 1, {{1, 1}})),
        state_kernel(options.pair("state_kernel_size", 1, kernel)),
        bias(options.flag("bias", true)) {}
};

at::Tensor add_weight(const BuildContext& context, const std::string& name, int64_t out, int64_t in,
                      fused::Pair kernel) {
  const int64_t area = kernel[0] * kernel[1];
  return context.parameters.add(context.path + "." + name, {out, in, kernel[0], kernel[1]},
                                ParameterRole::weight, in * area, out * area);
}

// The gates' bias, which belongs to the input's convolution.
at::Tensor add_bias(const BuildContext& context, const Options& o, int64_t gates) {
  const int64_t area = o.kernel[0] * o.kernel[1];
  return o.bias ? context.parameters.add(context.path + ".bias", {gates}, ParameterRole::bias,
                                         context.input[0] * area, gates * area)
                : at::Tensor();
}

std::unique_ptr<Layer> make_lstm(const Options& o, const BuildContext& context, int64_t gates,
                                 int64_t forget, ConvLstm::Cell cell) {
  require_image(context.input);
  const at::Tensor input = add_weight(context, "weight", gates, context.input[0], o.kernel);
  const at::Tensor state = add_weight(context, "state_weight", gates, o.channels, o.state_kernel);
  return std::make_unique<ConvLstm>(cell, input, state, add_bias(context, o, gates), o.stride,
                                    o.channels, forget);
}

}  // namespace

std::unique_ptr<Layer> make_conv_lstm(OptionReader& options, const BuildContext& context) {
  const Options o(options);
  return make_lstm(o, context, 4 * o.channels, o.channels, recurrent::lstm_cell);
}

std::unique_ptr<Layer> make_conv_associative_lstm(OptionReader& options,
                                                  const BuildContext& context) {
  const Options o(options);
  if (o.channels % 2 != 0) {
    options.fail(
        concat("'out_channels' must be even, for real and imaginary parts, not ", o.channels));
  }
  return make_lstm(o, context, 9 * o.channels / 2, o.channels / 2,
                   recurrent::associative_lstm_cell);
}

std::unique_ptr<Layer> make_conv_gru(OptionReader& options, const BuildContext& context) {
  const Options o(options);
  require_image(context.input);
  const at::Tensor input =
      add_weight(context, "weight", 3 * o.channels, context.input[0], o.kernel);
  const at::Tensor gate =
      add_weight(context, "state_weight", 2 * o.channels, o.channels, o.state_kernel);
  const at::Tensor candidate =
      add_weight(context, "candidate_weight", o.channels, o.channels, o.state_kernel);
  return std::make_unique<ConvGru>(input, gate, candidate, add_bias(context, o, 3 * o.channels),
                                   o.stride, o.channels);
}

}  // namespace imgcomp

// Rounds a latent, and says how many bits it takes: an entropy model whose probabilities depend on
// what has been decoded before, group of channels by group of channels and, within each, first one
// half of a checkerboard (the anchors) and then the other (Minnen and Singh 2020, "Channel-wise
// Autoregressive Entropy Models"; He et al. 2021, "Checkerboard Context Model").
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/log2.h>
#include <ATen/ops/remainder.h>
#include <ATen/ops/round.h>
#include <ATen/ops/sigmoid.h>

#include <cmath>

#include "imgcomp/error.h"
#include "imgcomp/levels.h"
#include "models/image_draws.h"
#include "models/layers.h"

namespace imgcomp {
namespace {

constexpr double kLeastLogScale = -4.0, kLargestLogScale = 6.0;
constexpr double kContextSlope = 0.125;     // exact in integer arithmetic: a shift
constexpr double kLeastProbability = 1e-9;  // 30 bits, so that outliers have a gradient

// What one group's mean and scale are made of.
struct Group {
  int64_t first = 0, size = 0;       // channels
  std::unique_ptr<Layer> earlier{};  // of the groups before it, at all places; null: none
  std::unique_ptr<Layer> anchors{};  // of its own anchors, for the other half
  at::Tensor bias{};  // (hidden) or (levels, hidden); undefined: none beside the convolutions'
  std::unique_ptr<Layer> activation{}, between{}, last{};
};

// 1 at the anchors, 0 elsewhere: (1, 1, H, W).
at::Tensor checkerboard(const at::Tensor& x) {
  const at::Tensor rows = at::arange(x.size(2), x.options());
  const at::Tensor columns = at::arange(x.size(3), x.options());
  return at::remainder(rows.view({-1, 1}) + columns + 1.0, 2.0).view({1, 1, x.size(2), x.size(3)});
}

// The probability of v − ½ … v + ½ under a logistic distribution, in bits, for each value.
at::Tensor information(const at::Tensor& value, const at::Tensor& mean,
                       const at::Tensor& log_scale) {
  const at::Tensor precision = (-log_scale.clamp(kLeastLogScale, kLargestLogScale)).exp();
  // Both ends on the same side of 0, where the difference keeps its digits.
  const at::Tensor distance = (value - mean).abs();
  const at::Tensor probability =
      at::sigmoid((0.5 - distance) * precision) - at::sigmoid((-0.5 - distance) * precision);
  return -at::log2(probability.clamp_min(kLeastProbability));
}

class EntropyModel : public Layer {
 public:
  EntropyModel(at::Tensor log_gain, std::vector<Group> groups)
      : log_gain_(std::move(log_gain)), groups_(std::move(groups)) {}

  Shape output_shape(const Shape& input) const override { return input; }

  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const override {
    if (!context.training && !context.rounds) {
      return x;
    }
    const at::Tensor gain = per_channel(log_gain_, context, x.size(0)).exp();
    if (context.steps.defined()) {
      context.bits = bits(x, context);
      return x / gain;
    }
    const at::Tensor scaled = x * gain;
    const at::Tensor rounded = at::round(scaled).detach();
    if (!context.training) {
      context.bits = bits(rounded, context);
      return rounded / gain;
    }
    if (!context.image_draws) {
      throw UsageError("a training pass through entropy_model needs random draws for its images");
    }
    // Noise of a step's width for the rate, rounding for the decoder; the gain's gradient is kept
    // through the rounding.
    const at::Tensor noise = 0.5 * draw_uniform(x, *context.image_draws);
    context.bits = bits(scaled + noise, context);
    return x + (rounded - scaled.detach()) / gain;
  }

  int64_t multiply_adds(const Shape& input) const override {
    int64_t total = 0;
    for (const Group& group : groups_) {
      Shape shape{group.first, input[1], input[2]};
      if (group.earlier) {
        total += group.earlier->multiply_adds(shape);
      }
      shape[0] = group.size;
      total += group.anchors->multiply_adds(shape);
      shape = group.anchors->output_shape(shape);
      total += group.between->multiply_adds(shape) + group.last->multiply_adds(shape);
    }
    return total;
  }

  bool output_is_disposable() const override { return true; }

 private:
  // (N): of all values of an image together.
  at::Tensor bits(const at::Tensor& values, ForwardContext& context) const {
    const at::Tensor anchors = checkerboard(values);
    // Parts of the channels in the layout of all: convolutions are quick in one of them only.
    const at::MemoryFormat layout = values.suggest_memory_format();
    at::Tensor total;
    for (const Group& group : groups_) {
      const at::Tensor own = values.narrow(1, group.first, group.size);
      at::Tensor base;
      if (group.bias.defined()) {
        base = per_channel(group.bias, context, values.size(0));
      }
      if (group.earlier) {
        const at::Tensor seen =
            group.earlier->forward(values.narrow(1, 0, group.first).contiguous(layout), context);
        base = base.defined() ? base + seen : seen;
      }
      const at::Tensor seen = group.anchors->forward((own * anchors).contiguous(layout), context);
      at::Tensor y = group.activation->forward(base + seen * (1.0 - anchors), context);
      y = group.activation->forward(group.between->forward(y, context), context);
      y = group.last->forward(y, context).to(at::kFloat);  // also under autocast
      const at::Tensor found =
          information(own, y.narrow(1, 0, group.size), y.narrow(1, group.size, group.size))
              .flatten(1)
              .sum(1);
      total = total.defined() ? total + found : found;
    }
    return total;
  }

  // (1, C, 1, 1), or with several levels (N, C, 1, 1).
  static at::Tensor per_channel(const at::Tensor& parameter, const ForwardContext& context,
                                int64_t images) {
    return at_levels(parameter, context, images).unsqueeze(2).unsqueeze(3);
  }

  at::Tensor log_gain_;
  std::vector<Group> groups_;
};

}  // namespace

std::unique_ptr<Layer> make_entropy_model(OptionReader& options, const BuildContext& context) {
  require_image(context.input);
  const std::vector<int64_t> sizes = options.integers("groups");
  const int64_t hidden = options.integer("hidden_channels", 1);
  const int64_t kernel = odd_kernel(options, 3);
  const double gain = options.number("gain", 1e-6, 1e6, 1.0);
  int64_t sum = 0;
  for (const int64_t size : sizes) {
    if (size < 1 || size > context.input[0]) {
      options.fail(concat("'groups' must be sizes of at least 1, not ", size));
    }
    sum += size;
  }
  if (sum != context.input[0]) {
    options.fail(concat("'groups' must be all ", context.input[0],
                        " channels of the input together, not ", sum));
  }
  const auto height = context.input[1], width = context.input[2];
  const Shape between{hidden, height, width};
  const auto inner = [&](const std::string& name) {
    return BuildContext{context.parameters, context.path + "." + name, context.input};
  };
  std::vector<double> log_gains;
  for (const double lambda : context.lambdas) {
    // Of steps whose squared error falls as lambda grows, as is best at high rates.
    log_gains.push_back(std::log(gain) + 0.5 * std::log(lambda));
  }
  if (log_gains.empty()) {
    log_gains.push_back(std::log(gain));
  }
  const at::Tensor log_gain = context.parameters.add_constant(
      context.path + ".log_gain", by_level(context, context.input[0]), log_gains);
  std::vector<Group> groups;
  int64_t first = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const BuildContext at = inner(concat("group", i));
    Group group{.first = first, .size = sizes[i]};
    if (first > 0) {
      group.earlier = make_same_convolution(at, "earlier", {first, height, width}, hidden, kernel);
    }
    if (first == 0 || !context.lambdas.empty()) {
      group.bias = at.parameters.add_constant(at.path + ".bias", by_level(context, hidden), 0.0);
    }
    group.anchors =
        make_same_convolution(at, "anchors", {group.size, height, width}, hidden, kernel);
    group.activation = make_layer({"leaky_relu", "activation", {{"negative_slope", kContextSlope}}},
                                  {at.parameters, at.path + ".activation", between});
    group.between = make_same_convolution(at, "between", between, hidden, 1);
    group.last = make_same_convolution(at, "last", between, 2 * group.size, 1);
    // At first every value has mean 0 and scale 1.
    for (const char* parameter : {".last.weight", ".last.bias"}) {
      at.parameters.make_constant(at.path + parameter, 0.0);
    }
    groups.push_back(std::move(group));
    first += sizes[i];
  }
  return std::make_unique<EntropyModel>(log_gain, std::move(groups));
}

}  // namespace imgcomp

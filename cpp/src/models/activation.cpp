// Pointwise layers: activations, in place where the builder allows it, and dropout.
#include <ATen/TensorOperators.h>
#include <ATen/ops/bernoulli.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>

#include "imgcomp/error.h"
#include "layers.h"

namespace imgcomp {
namespace {

class Pointwise : public Layer {
 public:
  Shape output_shape(const Shape& input) const override { return input; }
};

class Relu : public Pointwise {
  Fusible fusible() const override { return Fusible::relu; }
  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return at::relu(x);
  }
  at::Tensor forward_inplace(at::Tensor x, ForwardContext& /*context*/) const override {
    return at::relu_(x);
  }
};

class Sigmoid : public Pointwise {
  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return at::sigmoid(x);
  }
  at::Tensor forward_inplace(at::Tensor x, ForwardContext& /*context*/) const override {
    return at::sigmoid_(x);
  }
};

class Tanh : public Pointwise {
  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return at::tanh(x);
  }
  at::Tensor forward_inplace(at::Tensor x, ForwardContext& /*context*/) const override {
    return at::tanh_(x);
  }
};

class Elu : public Pointwise {
  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return at::elu(x);
  }
};

// factor · x + offset, fixed numbers.
class Affine : public Pointwise {
 public:
  Affine(double factor, double offset) : factor_(factor), offset_(offset) {}

 private:
  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return x * factor_ + offset_;
  }
  at::Tensor forward_inplace(at::Tensor x, ForwardContext& /*context*/) const override {
    return x.mul_(factor_).add_(offset_);
  }
  bool output_is_disposable() const override { return true; }
  double factor_, offset_;
};

class LeakyRelu : public Pointwise {
 public:
  explicit LeakyRelu(double slope) : slope_(slope) {}

 private:
  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return at::leaky_relu(x, slope_);
  }
  at::Tensor forward_inplace(at::Tensor x, ForwardContext& /*context*/) const override {
    // Needs slope > 0 to recover the sign of the input from the output.
    return slope_ > 0 ? at::leaky_relu_(x, slope_) : at::leaky_relu(x, slope_);
  }
  double slope_;
};

class Dropout : public Pointwise {
 public:
  Dropout(double probability, bool whole_channels)
      : probability_(probability), whole_channels_(whole_channels) {}

  Shape output_shape(const Shape& input) const override {
    if (whole_channels_) {
      require_image(input);
    }
    return input;
  }

 private:
  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const override {
    if (!context.training || probability_ == 0.0) {
      return x;
    }
    if (!context.generator) {
      throw UsageError("a training pass through dropout needs a random generator");
    }
    Shape sizes = x.sizes().vec();
    if (whole_channels_) {
      sizes[2] = sizes[3] = 1;
    }
    const double kept = 1.0 - probability_;
    const at::Tensor mask =
        at::empty(sizes, x.options()).bernoulli_(kept, context.generator).div_(kept);
    return x * mask;
  }

  double probability_;
  bool whole_channels_;
};

std::unique_ptr<Layer> make_any_dropout(OptionReader& options, bool whole_channels) {
  const double probability = options.number("p", 0.0, 1.0, 0.5);
  if (probability == 1.0) {
    options.fail("'p' must be smaller than 1: nothing would be left");
  }
  return std::make_unique<Dropout>(probability, whole_channels);
}

}  // namespace

std::unique_ptr<Layer> make_relu(OptionReader& /*options*/, const BuildContext& /*context*/) {
  return std::make_unique<Relu>();
}

std::unique_ptr<Layer> make_affine(OptionReader& options, const BuildContext& /*context*/) {
  constexpr double kMost = 1e6;
  const double factor = options.number("factor", -kMost, kMost, 1.0);
  return std::make_unique<Affine>(factor, options.number("offset", -kMost, kMost, 0.0));
}

std::unique_ptr<Layer> make_elu(OptionReader& /*options*/, const BuildContext& /*context*/) {
  return std::make_unique<Elu>();
}

std::unique_ptr<Layer> make_sigmoid(OptionReader& /*options*/, const BuildContext& /*context*/) {
  return std::make_unique<Sigmoid>();
}

std::unique_ptr<Layer> make_tanh(OptionReader& /*options*/, const BuildContext& /*context*/) {
  return std::make_unique<Tanh>();
}

std::unique_ptr<Layer> make_leaky_relu(OptionReader& options, const BuildContext& /*context*/) {
  return std::make_unique<LeakyRelu>(options.number("negative_slope", 0.0, 1.0, 0.01));
}

std::unique_ptr<Layer> make_dropout(OptionReader& options, const BuildContext& /*context*/) {
  return make_any_dropout(options, false);
}

std::unique_ptr<Layer> make_dropout2d(OptionReader& options, const BuildContext& /*context*/) {
  return make_any_dropout(options, true);
}

}  // namespace imgcomp

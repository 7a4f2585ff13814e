// Fully connected layers, with tied weights on request, and the reshaping around them.
#include <ATen/autocast_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "imgcomp/error.h"
#include "layers.h"

namespace imgcomp {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// x · weightᵀ + bias, or x · weight + bias where `transposed`, whose backward leaves the weight's
// gradient as factors and tells autograd of none.
struct FactoredLinear : torch::autograd::Function<FactoredLinear> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, bool transposed,
                            const c10::intrusive_ptr<OwnGradients>& own) {
    context->save_for_backward({x, weight});
    context->saved_data["transposed"] = transposed;
    context->saved_data["own"] = c10::IValue::make_capsule(own);
    const at::Tensor matrix = transposed ? weight : weight.t();
    return bias ? at::addmm(*bias, x, matrix) : at::mm(x, matrix);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &gradient = gradients[0];
    const bool transposed = context->saved_data["transposed"].toBool();
    auto own =
        c10::static_intrusive_pointer_cast<OwnGradients>(context->saved_data["own"].toCapsule());
    own->add(weight, transposed ? Product{x, gradient} : Product{gradient, x});
    variable_list result(5);
    if (context->needs_input_grad(0)) {
      result[0] = at::mm(gradient, transposed ? weight.t() : weight);
    }
    if (context->needs_input_grad(2)) {
      result[2] = gradient.sum(0);
    }
    return result;
  }
};

class Dense : public Layer {
 public:
  // weight: (out, in), or (in, out) where `transposed` (tied to another layer's weight).
  Dense(at::Tensor weight, at::Tensor bias, bool transposed)
      : weight_(std::move(weight)), bias_(std::move(bias)), transposed_(transposed) {}

  Shape output_shape(const Shape& input) const override {
    const int64_t in_features = weight_.size(transposed_ ? 0 : 1);
    if (input.size() != 1 || input[0] != in_features) {
      throw SpecError(
          concat("expects a vector of ", in_features, " features, got shape ", to_string(input),
                 input.size() == 1 ? "" : " (a 'flatten' layer makes a vector of an image)"));
    }
    return {weight_.size(transposed_ ? 1 : 0)};
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const override {
    if (context.own_gradients && !at::autocast::is_autocast_enabled(x.device().type())) {
      return FactoredLinear::apply(x, weight_, if_defined(bias_), transposed_,
                                   context.own_gradients);
    }
    return at::linear(x, transposed_ ? weight_.t() : weight_, bias_);
  }

  int64_t multiply_adds(const Shape& /*input*/) const override { return weight_.numel(); }
  bool output_is_disposable() const override { return true; }
  bool any_size() const override { return false; }

 private:
  at::Tensor weight_, bias_;
  bool transposed_;
};

class Reshape : public Layer {
 public:
  explicit Reshape(Shape shape) : shape_(std::move(shape)) {}

  Shape output_shape(const Shape& input) const override {
    if (num_elements(input) != num_elements(shape_)) {
      throw SpecError(concat("cannot bring shape ", to_string(input), " with ", num_elements(input),
                             " values to ", to_string(shape_), " with ", num_elements(shape_)));
    }
    return shape_;
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    Shape sizes{x.size(0)};
    sizes.insert(sizes.end(), shape_.begin(), shape_.end());
    // Values are taken in (channel, row, column) order whatever the memory format.
    return x.reshape(sizes);
  }

  bool any_size() const override { return false; }

 private:
  Shape shape_;
};

}  // namespace

std::unique_ptr<Layer> make_dense(OptionReader& options, const BuildContext& context) {
  const auto tied_to = options.text("tied_to");
  const bool with_bias = options.flag("bias", true);
  if (context.input.size() != 1) {
    throw SpecError(concat(context.path, " (dense): expects a vector, got shape ",
                           to_string(context.input),
                           " (a 'flatten' layer makes a vector of an image)"));
  }
  const int64_t in_features = context.input[0];
  at::Tensor weight;
  int64_t out_features = 0;
  if (tied_to) {
    weight = context.parameters.find(*tied_to + ".weight");
    if (weight.dim() != 2 || weight.size(0) != in_features) {
      options.fail(concat("a weight of shape ", to_string(weight.sizes().vec()), " ('", *tied_to,
                          "') cannot be used transposed on ", in_features, " features"));
    }
    out_features = options.integer("out_features", 1, weight.size(1));
    if (out_features != weight.size(1)) {
      options.fail(concat("'out_features' must be ", weight.size(1), " as the weight of '",
                          *tied_to, "' has it, not ", out_features));
    }
  } else {
    out_features = options.integer("out_features", 1);
    weight = context.parameters.add(context.path + ".weight", {out_features, in_features},
                                    ParameterRole::weight, in_features, out_features);
  }
  at::Tensor bias;
  if (with_bias) {
    bias = context.parameters.add(context.path + ".bias", {out_features}, ParameterRole::bias,
                                  in_features, out_features);
  }
  return std::make_unique<Dense>(weight, bias, tied_to.has_value());
}

std::unique_ptr<Layer> make_flatten(OptionReader& /*options*/, const BuildContext& context) {
  return std::make_unique<Reshape>(Shape{num_elements(context.input)});
}

std::unique_ptr<Layer> make_reshape(OptionReader& options, const BuildContext& /*context*/) {
  const Shape shape = options.integers("shape");
  for (const int64_t size : shape) {
    if (size < 1) {
      options.fail(concat("'shape' must be positive sizes, not ", to_string(shape)));
    }
  }
  return std::make_unique<Reshape>(shape);
}

}  // namespace imgcomp

// A residual block (He et al. 2016): x plus what two convolutions make of it, which at first is
// nothing, so that a network begins as the same one without its blocks.
#include <ATen/TensorOperators.h>

#include <array>

#include "imgcomp/error.h"
#include "imgcomp/levels.h"
#include "models/layers.h"

namespace imgcomp {
namespace {

class Residual : public Layer {
 public:
  Residual(std::array<std::unique_ptr<Layer>, 3> inside, at::Tensor bias)
      : inside_(std::move(inside)), bias_(std::move(bias)) {}

  Shape output_shape(const Shape& input) const override { return input; }

  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const override {
    at::Tensor y = inside_[0]->forward(x, context);
    if (bias_.defined()) {
      y = y + at_levels(bias_, context, x.size(0)).unsqueeze(2).unsqueeze(3);
    }
    y = inside_[1]->forward(y, context);
    return x + inside_[2]->forward(y, context);
  }

  int64_t multiply_adds(const Shape& input) const override {
    int64_t total = 0;
    Shape shape = input;
    for (const auto& layer : inside_) {
      total += layer->multiply_adds(shape);
      shape = layer->output_shape(shape);
    }
    return total;
  }

  bool output_is_disposable() const override { return true; }

 private:
  std::array<std::unique_ptr<Layer>, 3> inside_;  // convolution, leaky relu, convolution
  at::Tensor bias_;  // (levels, hidden), of the first; undefined where there is one rate
};

}  // namespace

std::unique_ptr<Layer> make_same_convolution(const BuildContext& context, const std::string& name,
                                             const Shape& input, int64_t out_channels,
                                             int64_t kernel) {
  const LayerSpec spec{
      "conv2d",
      name,
      {{"out_channels", out_channels}, {"kernel_size", kernel}, {"padding", (kernel - 1) / 2}}};
  return make_layer(spec, {context.parameters, context.path + "." + name, input});
}

Shape by_level(const BuildContext& context, int64_t size) {
  const auto levels = static_cast<int64_t>(context.lambdas.size());
  return levels == 0 ? Shape{size} : Shape{levels, size};
}

int64_t odd_kernel(OptionReader& options, int64_t fallback) {
  const int64_t kernel = options.integer("kernel_size", 1, fallback);
  constexpr int64_t kLargest = 31;
  if (kernel % 2 == 0 || kernel > kLargest) {
    options.fail(concat("'kernel_size' must be odd and at most ", kLargest, ", not ", kernel));
  }
  return kernel;
}

std::unique_ptr<Layer> make_residual(OptionReader& options, const BuildContext& context) {
  require_image(context.input);
  const int64_t hidden = options.integer("hidden_channels", 1);
  const int64_t kernel = odd_kernel(options, 3);
  const double slope = options.number("negative_slope", 0.0, 1.0, 0.1);
  const Shape between{hidden, context.input[1], context.input[2]};
  std::array<std::unique_ptr<Layer>, 3> inside{
      make_same_convolution(context, "first", context.input, hidden, kernel),
      make_layer({"leaky_relu", "activation", {{"negative_slope", slope}}},
                 {context.parameters, context.path + ".activation", between}),
      make_same_convolution(context, "second", between, context.input[0], kernel)};
  for (const char* parameter : {".second.weight", ".second.bias"}) {
    context.parameters.make_constant(context.path + parameter, 0.0);
  }
  at::Tensor bias;
  if (!context.lambdas.empty()) {
    bias = context.parameters.add_constant(context.path + ".bias", by_level(context, hidden), 0.0);
  }
  return std::make_unique<Residual>(std::move(inside), bias);
}

}  // namespace imgcomp

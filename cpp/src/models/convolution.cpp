// Convolution and transposed convolution in two dimensions.
#include <ATen/ops/conv_transpose2d.h>

#include "imgcomp/error.h"
#include "layers.h"
#include "models/fused/convolution.h"
#include "models/matrix_convolution.h"

namespace imgcomp {
namespace {

struct Geometry {
  std::array<int64_t, 2> kernel, stride, padding, output_padding, dilation;
};

void require_channels(const Shape& input, int64_t channels) {
  require_image(input);
  if (input[0] != channels) {
    throw SpecError(concat("expects ", channels, " channels, got shape ", to_string(input)));
  }
}

class Conv2d : public Layer {
 public:
  Conv2d(at::Tensor weight, at::Tensor bias, const Geometry& geometry)
      : weight_(std::move(weight)), bias_(std::move(bias)), geometry_(geometry) {}

  Shape output_shape(const Shape& input) const override {
    require_channels(input, weight_.size(1));
    Shape output{weight_.size(0), 0, 0};
    for (size_t axis = 0; axis < 2; ++axis) {
      const int64_t window = geometry_.dilation[axis] * (geometry_.kernel[axis] - 1) + 1;
      const int64_t padded = input[axis + 1] + 2 * geometry_.padding[axis];
      if (padded < window) {
        throw SpecError(concat("a kernel that spans ", window, " does not fit an input of shape ",
                               to_string(input), " padded to ", padded));
      }
      output[axis + 1] = (padded - window) / geometry_.stride[axis] + 1;
    }
    return output;
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const override {
    const fused::Geometry geometry{geometry_.stride, geometry_.padding, geometry_.padding,
                                   geometry_.dilation};
    return fused::convolution(x, weight_, bias_, geometry, around_,
                              fused::memory_of(weight_, context));
  }

  bool absorb(const Layer& next) override {
    if (next.fusible() == Fusible::relu && !around_.relu) {
      around_.relu = true;
      return true;
    }
    if (next.fusible() == Fusible::max_pool_2x2 && around_.relu && !around_.max_pool) {
      around_.max_pool = true;
      return true;
    }
    return false;
  }

  bool take_over(const Layer& previous) override {
    if (previous.fusible() != Fusible::upsample_2x || around_.upsample || around_.relu) {
      return false;
    }
    around_.upsample = true;
    return true;
  }

  int64_t multiply_adds(const Shape& input) const override {
    const Shape output = output_shape(input);
    return output[1] * output[2] * weight_.numel();
  }

  // relu's gradient reads its output.
  bool output_is_disposable() const override { return !around_.relu || around_.max_pool; }

 private:
  at::Tensor weight_, bias_;
  Geometry geometry_;
  fused::Around around_;
};

class ConvTranspose2d : public Layer {
 public:
  ConvTranspose2d(at::Tensor weight, at::Tensor bias, const Geometry& geometry)
      : weight_(std::move(weight)), bias_(std::move(bias)), geometry_(geometry) {}

  Shape output_shape(const Shape& input) const override {
    require_channels(input, weight_.size(0));
    Shape output{weight_.size(1), 0, 0};
    for (size_t axis = 0; axis < 2; ++axis) {
      output[axis + 1] = (input[axis + 1] - 1) * geometry_.stride[axis] -
                         2 * geometry_.padding[axis] + geometry_.kernel[axis] +
                         geometry_.output_padding[axis];
      if (output[axis + 1] < 1) {
        throw SpecError(concat("padding ", geometry_.padding[axis],
                               " leaves nothing of the output for an input of shape ",
                               to_string(input)));
      }
    }
    return output;
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    if (matrix_convolution_applies(x, weight_)) {
      return matrix_conv_transpose2d(x, weight_, bias_, geometry_.stride, geometry_.padding,
                                     geometry_.output_padding);
    }
    return at::conv_transpose2d(x, weight_, bias_, geometry_.stride, geometry_.padding,
                                geometry_.output_padding);
  }

  int64_t multiply_adds(const Shape& input) const override {
    return input[1] * input[2] * weight_.numel();
  }

  bool output_is_disposable() const override { return true; }

 private:
  at::Tensor weight_, bias_;
  Geometry geometry_;
};

Geometry read_geometry(OptionReader& options) {
  return {options.pair("kernel_size", 1),
          options.pair("stride", 1, {{1, 1}}),
          options.pair("padding", 0, {{0, 0}}),
          {0, 0},
          {1, 1}};
}

}  // namespace

std::unique_ptr<Layer> make_conv2d(OptionReader& options, const BuildContext& context) {
  const int64_t out_channels = options.integer("out_channels", 1);
  Geometry geometry = read_geometry(options);
  geometry.dilation = options.pair("dilation", 1, {{1, 1}});
  const bool with_bias = options.flag("bias", true);
  require_image(context.input);

  const int64_t area = geometry.kernel[0] * geometry.kernel[1];
  const int64_t fan_in = context.input[0] * area;
  const int64_t fan_out = out_channels * area;
  at::Tensor weight = context.parameters.add(
      context.path + ".weight",
      {out_channels, context.input[0], geometry.kernel[0], geometry.kernel[1]},
      ParameterRole::weight, fan_in, fan_out);
  at::Tensor bias;
  if (with_bias) {
    bias = context.parameters.add(context.path + ".bias", {out_channels}, ParameterRole::bias,
                                  fan_in, fan_out);
  }
  return std::make_unique<Conv2d>(weight, bias, geometry);
}

std::unique_ptr<Layer> make_conv_transpose2d(OptionReader& options, const BuildContext& context) {
  const int64_t out_channels = options.integer("out_channels", 1);
  Geometry geometry = read_geometry(options);
  geometry.output_padding = options.pair("output_padding", 0, {{0, 0}});
  const bool with_bias = options.flag("bias", true);
  require_image(context.input);
  for (size_t axis = 0; axis < 2; ++axis) {
    if (geometry.output_padding[axis] >= geometry.stride[axis]) {
      options.fail(concat("'output_padding' must be smaller than 'stride', not ",
                          geometry.output_padding[axis], " with stride ", geometry.stride[axis]));
    }
  }

  const int64_t area = geometry.kernel[0] * geometry.kernel[1];
  const int64_t fan_in = out_channels * area;  // sic: see Parameter::fan_in
  const int64_t fan_out = context.input[0] * area;
  at::Tensor weight = context.parameters.add(
      context.path + ".weight",
      {context.input[0], out_channels, geometry.kernel[0], geometry.kernel[1]},
      ParameterRole::weight, fan_in, fan_out);
  at::Tensor bias;
  if (with_bias) {
    bias = context.parameters.add(context.path + ".bias", {out_channels}, ParameterRole::bias,
                                  fan_in, fan_out);
  }
  return std::make_unique<ConvTranspose2d>(weight, bias, geometry);
}

}  // namespace imgcomp

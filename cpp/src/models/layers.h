// The factories behind make_layer, one per layer kind, grouped by file.
#pragma once

#include <memory>
#include <optional>

#include "imgcomp/layer.h"
#include "options.h"

namespace imgcomp {

using LayerFactory = std::unique_ptr<Layer> (*)(OptionReader& options, const BuildContext& context);

// convolution.cpp
std::unique_ptr<Layer> make_conv2d(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_conv_transpose2d(OptionReader& options, const BuildContext& context);

// recurrent/layers.cpp
std::unique_ptr<Layer> make_conv_lstm(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_conv_associative_lstm(OptionReader& options,
                                                  const BuildContext& context);
std::unique_ptr<Layer> make_conv_gru(OptionReader& options, const BuildContext& context);

// recurrent/binarize.cpp
std::unique_ptr<Layer> make_binarize(OptionReader& options, const BuildContext& context);

// dense.cpp
std::unique_ptr<Layer> make_dense(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_flatten(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_reshape(OptionReader& options, const BuildContext& context);

// residual.cpp
std::unique_ptr<Layer> make_residual(OptionReader& options, const BuildContext& context);
// A convolution of stride 1 that keeps the size; its parameters are <path>.<name>.weight and .bias.
std::unique_ptr<Layer> make_same_convolution(const BuildContext& context, const std::string& name,
                                             const Shape& input, int64_t out_channels,
                                             int64_t kernel);
// Of a parameter that has a row for each level: (size), or (levels, size) where there are several.
Shape by_level(const BuildContext& context, int64_t size);
// The option 'kernel_size', an odd number.
int64_t odd_kernel(OptionReader& options, int64_t fallback);

// entropy_model.cpp
std::unique_ptr<Layer> make_entropy_model(OptionReader& options, const BuildContext& context);

// resample.cpp
std::unique_ptr<Layer> make_max_pool2d(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_avg_pool2d(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_upsample(OptionReader& options, const BuildContext& context);

// depth_to_space.cpp
std::unique_ptr<Layer> make_depth_to_space(OptionReader& options, const BuildContext& context);

// activation.cpp
std::unique_ptr<Layer> make_quantize(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_relu(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_affine(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_elu(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_leaky_relu(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_sigmoid(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_tanh(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_dropout(OptionReader& options, const BuildContext& context);
std::unique_ptr<Layer> make_dropout2d(OptionReader& options, const BuildContext& context);

// A custom autograd function takes no undefined tensors, only absent ones.
std::optional<at::Tensor> if_defined(const at::Tensor& tensor);

// SpecError unless `input` is (channels, height, width).
void require_image(const Shape& input);

}  // namespace imgcomp

#include "layers.h"

#include <map>

#include "imgcomp/error.h"

namespace imgcomp {
namespace {

const std::map<std::string, LayerFactory>& factories() {
  static const std::map<std::string, LayerFactory> table{
      {"affine", make_affine},
      {"avg_pool2d", make_avg_pool2d},
      {"binarize", make_binarize},
      {"conv2d", make_conv2d},
      {"conv_associative_lstm", make_conv_associative_lstm},
      {"conv_gru", make_conv_gru},
      {"conv_lstm", make_conv_lstm},
      {"conv_transpose2d", make_conv_transpose2d},
      {"dense", make_dense},
      {"depth_to_space", make_depth_to_space},
      {"dropout", make_dropout},
      {"dropout2d", make_dropout2d},
      {"elu", make_elu},
      {"entropy_model", make_entropy_model},
      {"flatten", make_flatten},
      {"leaky_relu", make_leaky_relu},
      {"max_pool2d", make_max_pool2d},
      {"quantize", make_quantize},
      {"relu", make_relu},
      {"reshape", make_reshape},
      {"residual", make_residual},
      {"sigmoid", make_sigmoid},
      {"tanh", make_tanh},
      {"upsample", make_upsample},
  };
  return table;
}

}  // namespace

std::vector<std::string> layer_kinds() {
  std::vector<std::string> kinds;
  for (const auto& [kind, factory] : factories()) {
    kinds.push_back(kind);
  }
  return kinds;
}

std::unique_ptr<Layer> make_layer(const LayerSpec& spec, const BuildContext& context) {
  const auto found = factories().find(spec.kind);
  if (found == factories().end()) {
    std::string list;
    for (const auto& kind : layer_kinds()) {
      list += (list.empty() ? "" : ", ") + kind;
    }
    throw SpecError(
        concat(context.path, ": unknown layer kind '", spec.kind, "'; there are: ", list));
  }
  OptionReader options(spec, context.path);
  std::unique_ptr<Layer> layer = found->second(options, context);
  options.finish();
  return layer;
}

std::optional<at::Tensor> if_defined(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

void require_image(const Shape& input) {
  if (input.size() != 3) {
    throw SpecError(
        concat("expects an image (channels, height, width), got shape ", to_string(input)));
  }
}

}  // namespace imgcomp

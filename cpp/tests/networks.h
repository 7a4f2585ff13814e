// Small networks that several tests build.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "imgcomp/spec.h"

namespace imgcomp::testing {

inline LayerSpec layer(std::string kind, std::string name,
                       std::map<std::string, SpecValue> options = {}) {
  return {std::move(kind), std::move(name), std::move(options)};
}

// 1×4×4 → `hidden` → 1×4×4
inline NetworkSpec dense_autoencoder(int64_t hidden) {
  NetworkSpec spec;
  spec.input_shape = {1, 4, 4};
  spec.parts = {
      {"encoder",
       {layer("flatten", "flat"), layer("dense", "code", {{"out_features", hidden}}),
        layer("tanh", "tanh")}},
      {"decoder",
       {layer("dense", "out", {{"out_features", int64_t{16}}}),
        layer("reshape", "image", {{"shape", Shape{1, 4, 4}}}), layer("sigmoid", "sigmoid")}},
  };
  return spec;
}

// 2×4×4 → 3×2×2 → 2×4×4
inline NetworkSpec convolutional_autoencoder() {
  NetworkSpec spec;
  spec.input_shape = {2, 4, 4};
  spec.parts = {
      {"encoder",
       {layer("conv2d", "conv",
              {{"out_channels", int64_t{3}}, {"kernel_size", int64_t{3}}, {"padding", int64_t{1}}}),
        layer("relu", "relu"), layer("max_pool2d", "pool", {{"kernel_size", int64_t{2}}})}},
      {"decoder",
       {layer("conv_transpose2d", "deconv",
              {{"out_channels", int64_t{2}}, {"kernel_size", int64_t{2}}, {"stride", int64_t{2}}}),
        layer("sigmoid", "sigmoid")}},
  };
  return spec;
}

// 1×4×4 → 2×2×2 → 1×4×4, of as many rates as lambdas; one where there are none.
inline NetworkSpec rated_autoencoder(std::vector<double> lambdas) {
  NetworkSpec spec;
  spec.input_shape = {1, 4, 4};
  spec.lambdas = std::move(lambdas);
  const std::map<std::string, SpecValue> halves{{"kernel_size", int64_t{2}},
                                                {"stride", int64_t{2}}};
  const auto to = [&](int64_t channels) {
    std::map<std::string, SpecValue> options = halves;
    options["out_channels"] = channels;
    return options;
  };
  const auto hidden = [](int64_t channels) {
    return std::map<std::string, SpecValue>{{"hidden_channels", channels}};
  };
  std::map<std::string, SpecValue> code = hidden(3);
  code["groups"] = Shape{1, 1};
  spec.parts = {
      {"encoder",
       {layer("conv2d", "analysis", to(2)), layer("residual", "block", hidden(3)),
        layer("entropy_model", "code", code)}},
      {"decoder",
       {layer("residual", "block", hidden(3)), layer("conv_transpose2d", "synthesis", to(1))}}};
  return spec;
}

// 1×4×4 → 3 logits
inline NetworkSpec dense_classifier() {
  NetworkSpec spec;
  spec.task = Task::classifier;
  spec.input_shape = {1, 4, 4};
  spec.parts = {
      {"classifier",
       {layer("flatten", "flat"), layer("dense", "out", {{"out_features", int64_t{3}}})}}};
  return spec;
}

}  // namespace imgcomp::testing

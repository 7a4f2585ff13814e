// Small networks that several tests build.
#pragma once

#include <map>
#include <string>
#include <utility>

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

// One pass of a pipeline as the CPU loop and the CUDA kernels take it.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "imgcomp/interpolation.h"
#include "imgcomp/pipeline.h"
#include "preprocess/geometry.h"
#include "preprocess/noise.h"

namespace imgcomp {

// value → (value − center) · gain. float32 on the CPU: (C,), or (C, H, W) where each element has
// its own; undefined: values stay as they are.
struct Affine {
  at::Tensor center, gain;

  bool defined() const { return center.defined(); }
  bool per_element() const { return center.dim() == 3; }
};

// The matrices of both axes, cut into blocks for the CPU's registers.
struct BlockedOperator;

struct PreprocessPass {
  Shape input, output;  // (C, H, W)
  std::vector<GeometryStep> geometry;
  std::vector<float> fill;  // per channel: what comes in from beyond an edge
  Affine before;
  std::shared_ptr<const BandMatrix> rows, columns;  // null: height and width stay as they are
  std::shared_ptr<const BlockedOperator> blocked;   // both, for the CPU
  Affine after;
  std::vector<NoiseStep> noise;
};

std::vector<std::shared_ptr<const PreprocessPass>> compile(const std::vector<PreprocessStep>& steps,
                                                           const Shape& input_shape);

}  // namespace imgcomp

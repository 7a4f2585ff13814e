// Preprocessing: a list of steps, compiled into as few passes over the images as possible.
//
// One pass gathers images by index, turns, flips and shifts them, maps each value linearly, pools
// and interpolates, maps linearly again, adds noise, and stores 32- or 16-bit floats in the wanted
// memory format. Common pipelines are one pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "imgcomp/spec.h"

namespace imgcomp {

// Bytes 0 … 255 become low … high.
struct ScaleStep {
  double low, high;
};

// (value − mean) / deviation; where the deviation is 0 only the mean is subtracted. float64 tensors
// that broadcast to (C, H, W).
struct StandardizeStep {
  at::Tensor mean, deviation;
};

// Means over square windows; see pool_matrix.
struct PoolStep {
  int64_t window, step;
};

// See spline_matrix.
struct SplineStep {
  int64_t height, width, order;
};

// By 0°, 90°, 180° or 270°, each as likely.
struct RotateStep {};

// Left to right and upside down, each with probability ½.
struct FlipStep {
  bool horizontal, vertical;
};

// Along each axis by −pixels … pixels, each as likely; what comes in from outside is `fill`.
struct ShiftStep {
  int64_t pixels;
  double fill;
};

struct GaussianNoiseStep {
  double deviation;
};

// Each value becomes `low` or `high` with probability amount / 2 each.
struct SaltAndPepperStep {
  double amount, low, high;
};

using PreprocessStep = std::variant<ScaleStep, StandardizeStep, PoolStep, SplineStep, RotateStep,
                                    FlipStep, ShiftStep, GaussianNoiseStep, SaltAndPepperStep>;

struct PipelineOptions {
  // Random steps draw from (seed, epoch, the image's index, the value's place) alone.
  uint64_t seed = 0;
  uint64_t epoch = 0;
  bool noise = true;                  // false: without it, the geometry drawn all the same
  at::ScalarType dtype = at::kFloat;  // or at::kBFloat16
  at::MemoryFormat format = at::MemoryFormat::Contiguous;
};

struct PreprocessPass;

class Pipeline {
 public:
  // input_shape: (C, H, W). UsageError for settings out of range and steps that do not fit the
  // shape.
  Pipeline(const std::vector<PreprocessStep>& steps, const Shape& input_shape);

  const Shape& input_shape() const { return input_shape_; }
  const Shape& output_shape() const { return output_shape_; }
  bool has_noise() const;
  bool has_geometry() const;
  bool is_random() const { return has_noise() || has_geometry(); }
  const std::vector<std::shared_ptr<const PreprocessPass>>& passes() const { return passes_; }

  // images: uint8 or float32 (N, C, H, W), contiguous. index: int64 (B,), on the same device,
  // values in [0, N); vouched for by the caller where `trusted_index`. Returns (B, output shape).
  at::Tensor run(const at::Tensor& images, const at::Tensor& index, const PipelineOptions& options,
                 bool trusted_index = false) const;

  // The same into a tensor of that shape, type and memory format.
  void run_into(const at::Tensor& images, const at::Tensor& index, const PipelineOptions& options,
                at::Tensor& output, bool trusted_index = false) const;

 private:
  Shape input_shape_, output_shape_;
  std::vector<std::shared_ptr<const PreprocessPass>> passes_;
};

}  // namespace imgcomp

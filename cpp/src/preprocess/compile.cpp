// From a pipeline's steps to its passes.
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <limits>
#include <optional>

#include "imgcomp/error.h"
#include "preprocess/blocked_operator.h"
#include "preprocess/pass.h"

namespace imgcomp {
namespace {

constexpr int64_t kMaxShift = 1 << 20;

void check_finite(const char* name, double value) {
  if (!std::isfinite(static_cast<float>(value))) {
    throw UsageError(concat(name, " must be a finite 32-bit number, not ", value));
  }
}

// An affine map under construction: float64, shapes that broadcast to (C, H, W).
struct WideAffine {
  at::Tensor center, gain;

  bool is_constant_per_channel() const {
    return center.size(1) == 1 && center.size(2) == 1 && gain.size(1) == 1 && gain.size(2) == 1;
  }

  WideAffine then(const WideAffine& next) const {
    return {center + next.center / gain, gain * next.gain};
  }

  Affine narrow(const Shape& shape) const {
    const Shape full = is_constant_per_channel() ? Shape{shape[0], 1, 1} : shape;
    Affine affine;
    affine.center = center.expand(full).to(at::kFloat).contiguous();
    affine.gain = gain.expand(full).to(at::kFloat).contiguous();
    if (!at::isfinite(affine.center).all().item<bool>() ||
        !at::isfinite(affine.gain).all().item<bool>()) {
      throw UsageError("the steps' scales together exceed what 32-bit numbers hold");
    }
    if (is_constant_per_channel()) {
      affine.center = affine.center.flatten();
      affine.gain = affine.gain.flatten();
    }
    return affine;
  }
};

WideAffine affine_of(const ScaleStep& step, const Shape& /*shape*/) {
  check_finite("low", step.low);
  check_finite("high", step.high);
  if (!(step.low < step.high)) {
    throw UsageError(
        concat("Scale needs low below high, not low ", step.low, " and high ", step.high));
  }
  const double gain = (step.high - step.low) / 255.0;
  return {at::full({1, 1, 1}, -step.low / gain, at::kDouble),
          at::full({1, 1, 1}, gain, at::kDouble)};
}

at::Tensor broadcastable(const char* name, const at::Tensor& values, const Shape& shape) {
  at::Tensor wide = values.detach().to(at::kCPU, at::kDouble);
  bool fits = wide.dim() <= 3;
  while (fits && wide.dim() < 3) {
    wide = wide.unsqueeze(0);
  }
  for (int64_t axis = 0; fits && axis < 3; ++axis) {
    fits = wide.size(axis) == 1 || wide.size(axis) == shape[axis];
  }
  if (!fits) {
    throw UsageError(concat("Standardize: the ", name, " of shape ",
                            to_string(values.sizes().vec()), " does not broadcast to images of ",
                            to_string(shape)));
  }
  if (!at::isfinite(wide).all().item<bool>()) {
    throw UsageError(concat("Standardize: the ", name, " must be finite"));
  }
  return wide;
}

WideAffine affine_of(const StandardizeStep& step, const Shape& shape) {
  const at::Tensor mean = broadcastable("mean", step.mean, shape);
  const at::Tensor deviation = broadcastable("standard deviation", step.deviation, shape);
  if (deviation.lt(0).any().item<bool>()) {
    throw UsageError(concat("Standardize: a standard deviation must not be negative, got ",
                            deviation.min().item<double>()));
  }
  return {mean, at::where(deviation.eq(0), at::ones_like(deviation), deviation).reciprocal()};
}

// The pass at hand. What may still go into it depends on what is in it, as its parts run in a fixed
// order: geometry, before, operator, after, noise.
class Draft {
 public:
  explicit Draft(Shape input) : shape_(input), input_(std::move(input)) {}

  const Shape& shape() const { return shape_; }  // of what comes out so far
  bool is_empty() const {
    return geometry_.empty() && !before_ && steps_.empty() && !after_ && noise_.empty();
  }

  bool add_geometry(const GeometryStep& step, double fill) {
    const bool fills = step.kind == GeometryKind::shift;
    if (!steps_.empty() || after_ || !noise_.empty() || geometry_.size() == kMaxGeometrySteps ||
        (before_ && !before_->is_constant_per_channel()) || (fills && fill_ && *fill_ != fill)) {
      return false;
    }
    // A map that is the same everywhere comes to the same after the geometry; the fill must then
    // be what it maps to the value asked for.
    if (fills && !fill_) {
      fill_ = fill;
      affine_before_fill_ = before_;
    } else if (fills && before_changed_since_fill()) {
      return false;
    }
    geometry_.push_back(step);
    return true;
  }

  bool add_affine(const WideAffine& affine) {
    if (!noise_.empty()) {
      return false;
    }
    // The operator's rows sum to 1, so that it does not matter on which side of it a map is that is
    // the same everywhere.
    const bool goes_after = after_ || (!steps_.empty() && !affine.is_constant_per_channel());
    std::optional<WideAffine>& place = goes_after ? after_ : before_;
    place = place ? place->then(affine) : affine;
    return true;
  }

  bool add_operator(const AxisStep& rows, const AxisStep& columns) {
    if (after_ || !noise_.empty()) {
      return false;
    }
    steps_.push_back({rows, columns});
    shape_[1] = axis_output(shape_[1], rows);
    shape_[2] = axis_output(shape_[2], columns);
    return true;
  }

  bool add_noise(const NoiseStep& step) {
    if (noise_.size() == kMaxNoiseSteps) {
      return false;
    }
    noise_.push_back(step);
    return true;
  }

  std::shared_ptr<const PreprocessPass> finish() const {
    auto pass = std::make_shared<PreprocessPass>();
    pass->input = input_;
    pass->output = shape_;
    pass->geometry = geometry_;
    pass->fill = fill();
    if (before_) {
      pass->before = before_->narrow(input_);
    }
    set_operator(*pass);
    if (after_) {
      pass->after = after_->narrow(shape_);
    }
    pass->noise = noise_;
    return pass;
  }

 private:
  bool before_changed_since_fill() const {
    return before_.has_value() != affine_before_fill_.has_value() ||
           (before_ && !before_->center.is_same(affine_before_fill_->center));
  }

  std::vector<float> fill() const {
    std::vector<float> values(static_cast<size_t>(input_[0]), 0.0F);
    if (!fill_) {
      return values;
    }
    for (int64_t channel = 0; channel < input_[0]; ++channel) {
      double value = *fill_;
      if (affine_before_fill_) {
        const Shape each{input_[0], 1, 1};
        value = value / affine_before_fill_->gain.expand(each)[channel].item<double>() +
                affine_before_fill_->center.expand(each)[channel].item<double>();
      }
      values[channel] = static_cast<float>(value);
    }
    return values;
  }

  void set_operator(PreprocessPass& pass) const {
    std::vector<AxisStep> rows, columns;
    for (const auto& [row, column] : steps_) {
      rows.push_back(row);
      columns.push_back(column);
    }
    auto row_matrix = axis_matrix(input_[1], rows);
    auto column_matrix = axis_matrix(input_[2], columns);
    if (row_matrix->is_identity() && column_matrix->is_identity()) {
      return;
    }
    pass.blocked = std::make_shared<BlockedOperator>(*row_matrix, *column_matrix);
    pass.rows = std::move(row_matrix);
    pass.columns = std::move(column_matrix);
  }

  Shape shape_, input_;
  std::vector<GeometryStep> geometry_;
  std::optional<double> fill_;  // in the values' units at that place
  std::optional<WideAffine> affine_before_fill_;
  std::optional<WideAffine> before_, after_;
  std::vector<std::pair<AxisStep, AxisStep>> steps_;
  std::vector<NoiseStep> noise_;
};

// Puts each step into the pass at hand, or begins the next one.
class Compiler {
 public:
  explicit Compiler(const Shape& input) : draft_(input) {}

  void operator()(const ScaleStep& step) { add_affine(affine_of(step, draft_.shape())); }
  void operator()(const StandardizeStep& step) { add_affine(affine_of(step, draft_.shape())); }

  void operator()(const PoolStep& step) {
    const AxisStep axis{AxisStep::Kind::pool, step.window, step.step};
    add_operator(axis, axis);
  }
  void operator()(const SplineStep& step) {
    add_operator({AxisStep::Kind::spline, step.height, step.order},
                 {AxisStep::Kind::spline, step.width, step.order});
  }

  void operator()(const RotateStep& /*step*/) {
    const Shape& shape = draft_.shape();
    if (shape[1] != shape[2]) {
      throw UsageError(
          concat("rotations by 90° need square images, not ", shape[1], "×", shape[2]));
    }
    add_geometry({GeometryKind::rotate90, next_random_++, false, false, 0}, 0.0);
  }
  void operator()(const FlipStep& step) {
    if (!step.horizontal && !step.vertical) {
      throw UsageError("a flip must be horizontal, vertical or both");
    }
    add_geometry({GeometryKind::flip, next_random_++, step.horizontal, step.vertical, 0}, 0.0);
  }
  void operator()(const ShiftStep& step) {
    if (step.pixels < 0 || step.pixels > kMaxShift) {
      throw UsageError(concat("a shift must be of 0…", kMaxShift, " pixels, not ", step.pixels));
    }
    check_finite("fill", step.fill);
    add_geometry(
        {GeometryKind::shift, next_random_++, false, false, static_cast<int32_t>(step.pixels)},
        step.fill);
  }

  void operator()(const GaussianNoiseStep& step) {
    check_finite("the noise's standard deviation", step.deviation);
    if (step.deviation < 0.0) {
      throw UsageError(
          concat("the noise's standard deviation must not be negative, not ", step.deviation));
    }
    add_noise({NoiseKind::gaussian, next_random_++, static_cast<float>(step.deviation), 0, 0, 0});
  }
  void operator()(const SaltAndPepperStep& step) {
    if (!(step.amount >= 0.0 && step.amount <= 1.0)) {
      throw UsageError(concat("the amount of salt and pepper must be 0…1, not ", step.amount));
    }
    check_finite("low", step.low);
    check_finite("high", step.high);
    add_noise({NoiseKind::salt_and_pepper, next_random_++, 0,
               static_cast<uint32_t>(std::llround(step.amount * 2147483648.0)),
               static_cast<float>(step.low), static_cast<float>(step.high)});
  }

  std::vector<std::shared_ptr<const PreprocessPass>> finish() {
    if (!draft_.is_empty() || passes_.empty()) {
      passes_.push_back(draft_.finish());
    }
    return std::move(passes_);
  }

 private:
  void begin_next() {
    passes_.push_back(draft_.finish());
    draft_ = Draft(draft_.shape());
  }
  void add_affine(const WideAffine& affine) {
    if (!draft_.add_affine(affine)) {
      begin_next();
      draft_.add_affine(affine);
    }
  }
  void add_operator(const AxisStep& rows, const AxisStep& columns) {
    if (!draft_.add_operator(rows, columns)) {
      begin_next();
      draft_.add_operator(rows, columns);
    }
  }
  void add_geometry(const GeometryStep& step, double fill) {
    if (!draft_.add_geometry(step, fill)) {
      begin_next();
      draft_.add_geometry(step, fill);
    }
  }
  void add_noise(const NoiseStep& step) {
    if (!draft_.add_noise(step)) {
      begin_next();
      draft_.add_noise(step);
    }
  }

  Draft draft_;
  uint32_t next_random_ = 0;
  std::vector<std::shared_ptr<const PreprocessPass>> passes_;
};

}  // namespace

std::vector<std::shared_ptr<const PreprocessPass>> compile(const std::vector<PreprocessStep>& steps,
                                                           const Shape& input_shape) {
  Compiler compiler(input_shape);
  for (const PreprocessStep& step : steps) {
    std::visit(compiler, step);
  }
  return compiler.finish();
}

}  // namespace imgcomp

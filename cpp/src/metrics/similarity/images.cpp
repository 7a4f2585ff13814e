// Similarity by the loops, plane by plane, with the gradients computed along with the values.
#include "metrics/similarity/images.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "metrics/similarity/constants.h"
#include "metrics/similarity/loops.h"

namespace imgcomp::similarity {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Pixels that are worth a thread.
constexpr int64_t kGrain = int64_t{1} << 14;

using Plane = std::vector<double>;

// Means over 2×2 pixels; an odd side's last pixels count twice.
void halve(const Plane& plane, const Scale& scale, Plane& half) {
  const int64_t width = scale.width, last_row = scale.height - 1, last_column = width - 1;
  for (int64_t row = 0; row <= last_row / 2; ++row) {
    const double* upper = plane.data() + 2 * row * width;
    const double* lower = plane.data() + std::min(2 * row + 1, last_row) * width;
    double* out = half.data() + row * (last_column / 2 + 1);
    for (int64_t column = 0; column <= last_column / 2; ++column) {
      const int64_t left = 2 * column, right = std::min(2 * column + 1, last_column);
      out[column] = 0.25 * (upper[left] + upper[right] + lower[left] + lower[right]);
    }
  }
}

// The gradient of that, added to factor · gradient: what reached the plane by itself.
void add_halved_gradient(const Plane& half, const Scale& scale, double factor, Plane& gradient) {
  const int64_t width = scale.width, last_row = scale.height - 1, last_column = width - 1;
  for (int64_t row = 0; row <= last_row; ++row) {
    // Alone in its pair, it counted twice.
    const double share = row == last_row && row % 2 == 0 ? 0.5 : 0.25;
    const double* in = half.data() + row / 2 * (last_column / 2 + 1);
    double* out = gradient.data() + row * width;
    for (int64_t column = 0; column < width; ++column) {
      out[column] = factor * out[column] + share * in[column / 2];
    }
    if (last_column % 2 == 0) {
      out[last_column] += share * in[last_column / 2];
    }
  }
}

// Of which of the two images gradients are wanted.
struct Wanted {
  bool x, y;

  bool any() const { return x || y; }
};

// Compares planes of one size; each thread has one.
class PlaneSimilarity {
 public:
  PlaneSimilarity(int64_t height, int64_t width, const Levels& levels, Wanted wanted)
      : levels_(levels), wanted_(wanted), loops_(best_loops()) {
    int64_t scratch = 0;
    for (const Level& level : levels.levels) {
      const Scale scale{.height = height,
                        .width = width,
                        .weights = level.weights.data(),
                        .window = static_cast<int64_t>(level.weights.size()),
                        .c1 = squared(kK1 * levels.data_range),
                        .c2 = squared(kK2 * levels.data_range),
                        .luminance = &level == &levels.levels.back()};
      const auto size = static_cast<size_t>(height * width);
      const size_t with = wanted.any() ? size : 0;
      stages_.push_back({scale, Plane(size), Plane(size), Plane(with), Plane(with), 0.0, 0.0});
      scratch = std::max(scratch, scale.scratch());
      height = (height + 1) / 2;
      width = (width + 1) / 2;
    }
    scratch_.resize(static_cast<size_t>(scratch));
  }

  // What is compared, at the finest scale; to be filled.
  Plane& x() { return stages_.front().x; }
  Plane& y() { return stages_.front().y; }

  // The gradients of what `compare` gave, where they are wanted.
  const Plane& to_x() const { return stages_.front().to_x; }
  const Plane& to_y() const { return stages_.front().to_y; }

  double compare() {
    double product = 1.0;
    for (size_t i = 0; i < stages_.size(); ++i) {
      Stage& stage = stages_[i];
      if (i > 0) {
        halve(stages_[i - 1].x, stages_[i - 1].scale, stage.x);
        halve(stages_[i - 1].y, stages_[i - 1].scale, stage.y);
      }
      stage.mean = loops_.sum(stage.scale, stage.x.data(), stage.y.data(),
                              wanted_.any() ? stage.to_x.data() : nullptr,
                              wanted_.any() ? stage.to_y.data() : nullptr, scratch_.data()) /
                   positions(stage.scale);
      stage.factor = factor(stage.mean, levels_.levels[i].exponent);
      product *= stage.factor;
    }
    if (wanted_.x) {
      collect_gradient(&Stage::to_x);
    }
    if (wanted_.y) {
      collect_gradient(&Stage::to_y);
    }
    return product;
  }

 private:
  struct Stage {
    Scale scale;
    Plane x, y, to_x, to_y;
    double mean, factor;
  };

  static double positions(const Scale& scale) {
    return static_cast<double>(scale.out_height() * scale.out_width());
  }

  double factor(double mean, double exponent) const {
    if (!levels_.clamped) {
      return mean;
    }
    return mean <= 0.0 ? 0.0 : std::pow(mean, exponent);  // NaN stays NaN
  }

  // The product's derivative with respect to the mean of a stage.
  double slope(size_t place) const {
    const Stage& stage = stages_[place];
    if (!levels_.clamped) {
      return 1.0;
    }
    if (stage.mean <= 0.0) {
      return 0.0;
    }
    const double exponent = levels_.levels[place].exponent;
    double found = exponent * std::pow(stage.mean, exponent - 1.0);
    for (size_t i = 0; i < stages_.size(); ++i) {
      found *= i == place ? 1.0 : stages_[i].factor;
    }
    return found;
  }

  // From the coarsest scale to the finest.
  void collect_gradient(Plane Stage::* gradient) {
    for (size_t i = stages_.size(); i-- > 0;) {
      Stage& stage = stages_[i];
      const double by = slope(i) / positions(stage.scale);
      if (i + 1 < stages_.size()) {
        add_halved_gradient(stages_[i + 1].*gradient, stage.scale, by, stage.*gradient);
      } else {
        for (double& value : stage.*gradient) {
          value *= by;
        }
      }
    }
  }

  const Levels& levels_;
  Wanted wanted_;
  const Loops& loops_;
  std::vector<Stage> stages_;
  std::vector<double> scratch_;
};

// Whether a plane's pixels lie equally far apart, as where channels are planes or lie together.
bool even(const at::Tensor& images) {
  return images.size(2) == 1 || images.size(3) == 1 ||
         images.stride(2) == images.size(3) * images.stride(3);
}

// How far. The stride of a side of one pixel means nothing.
int64_t apart(const at::Tensor& images) {
  return images.stride(images.size(3) > 1 ? 3 : 2);
}

// Values that planes are filled from as they are; anything else as float64.
at::Tensor readable(const at::Tensor& images) {
  const at::ScalarType type = images.scalar_type();
  const bool known = type == at::kByte || type == at::kFloat || type == at::kDouble;
  const at::Tensor values = known ? images : images.to(at::kDouble);
  return even(values) ? values : values.contiguous();
}

// The values of a plane, `stride` of them from pixel to pixel.
template <class Value>
struct PlaneOf {
  Value* first;
  int64_t stride;

  PlaneOf(const at::Tensor& images, Value* data, int64_t plane)
      : first(data + plane / images.size(1) * images.stride(0) +
              plane % images.size(1) * images.stride(1)),
        stride(apart(images)) {}
};

template <class Value>
void copy(PlaneOf<const Value> from, Plane& to) {
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<double>(from.first[static_cast<int64_t>(i) * from.stride]);
  }
}

template <class Value>
void copy(const Plane& from, PlaneOf<Value> to) {
  for (size_t i = 0; i < from.size(); ++i) {
    to.first[static_cast<int64_t>(i) * to.stride] = static_cast<Value>(from[i]);
  }
}

void read_plane(const at::Tensor& images, int64_t plane, Plane& to) {
  if (images.scalar_type() == at::kByte) {
    copy(PlaneOf(images, images.const_data_ptr<uint8_t>(), plane), to);
  } else if (images.scalar_type() == at::kFloat) {
    copy(PlaneOf(images, images.const_data_ptr<float>(), plane), to);
  } else {
    copy(PlaneOf(images, images.const_data_ptr<double>(), plane), to);
  }
}

// `gradients` are float32 or float64.
void write_plane(const Plane& from, int64_t plane, const at::Tensor& gradients) {
  if (gradients.scalar_type() == at::kFloat) {
    copy(from, PlaneOf(gradients, gradients.mutable_data_ptr<float>(), plane));
  } else {
    copy(from, PlaneOf(gradients, gradients.mutable_data_ptr<double>(), plane));
  }
}

// In the images' memory layout, so that nobody needs to bring them to it.
at::Tensor empty_gradients(const at::Tensor& images) {
  const bool single = images.scalar_type() != at::kDouble;
  const at::TensorOptions options = images.options().dtype(single ? at::kFloat : at::kDouble);
  const at::Tensor alike = at::empty_like(images, options);
  return even(alike) ? alike : at::empty_like(images, options, at::MemoryFormat::Contiguous);
}

struct Compared {
  at::Tensor values;      // (N, C)
  at::Tensor to_x, to_y;  // of the values, as the images; undefined unless wanted
};

Compared compared(const at::Tensor& images, const at::Tensor& others, const Levels& levels,
                  Wanted wanted) {
  const at::Tensor x = readable(images), y = readable(others);
  Compared found{at::empty({x.size(0), x.size(1)}, x.options().dtype(at::kDouble)),
                 wanted.x ? empty_gradients(images) : at::Tensor(),
                 wanted.y ? empty_gradients(others) : at::Tensor()};
  double* values = found.values.mutable_data_ptr<double>();
  const int64_t pixels = std::max<int64_t>(1, x.size(2) * x.size(3));
  at::parallel_for(0, found.values.numel(), std::max<int64_t>(1, kGrain / pixels),
                   [&](int64_t begin, int64_t end) {
                     PlaneSimilarity plane(x.size(2), x.size(3), levels, wanted);
                     for (int64_t i = begin; i < end; ++i) {
                       read_plane(x, i, plane.x());
                       read_plane(y, i, plane.y());
                       values[i] = plane.compare();
                       if (wanted.x) {
                         write_plane(plane.to_x(), i, found.to_x);
                       }
                       if (wanted.y) {
                         write_plane(plane.to_y(), i, found.to_y);
                       }
                     }
                   });
  return found;
}

struct KeptLevels : torch::CustomClassHolder {
  explicit KeptLevels(Levels kept) : levels(std::move(kept)) {}
  Levels levels;
};

struct Similarity : Function<Similarity> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y,
                            const Levels& levels) {
    const Compared found = compared(x, y, levels, {x.requires_grad(), y.requires_grad()});
    context->save_for_backward({x, y, found.to_x, found.to_y});
    context->saved_data["levels"] =
        c10::IValue::make_capsule(c10::make_intrusive<KeptLevels>(levels));
    return found.values.mean(1);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    if (at::GradMode::is_enabled()) {
      return differentiable(context, saved[0], saved[1], gradients[0]);
    }
    const at::Tensor by = (gradients[0] / saved[0].size(1)).view({-1, 1, 1, 1});
    const auto to = [&](size_t image) {
      const at::Tensor& of_values = saved[image + 2];
      return of_values.defined()
                 ? (of_values * by.to(of_values.scalar_type())).to(saved[image].scalar_type())
                 : at::Tensor();
    };
    return {to(0), to(1), at::Tensor()};
  }

 private:
  // Gradients that can be differentiated again.
  static variable_list differentiable(AutogradContext* context, const at::Tensor& x,
                                      const at::Tensor& y, const at::Tensor& gradient) {
    const auto kept = context->saved_data["levels"].toCapsule();
    const Levels& levels = static_cast<const KeptLevels&>(*kept).levels;
    variable_list inputs;
    for (const at::Tensor& images : {x, y}) {
      if (images.requires_grad()) {
        inputs.push_back(images);
      }
    }
    variable_list found = torch::autograd::grad({similarity_by_operations(x, y, levels)}, inputs,
                                                {gradient}, true, true);
    if (!x.requires_grad()) {
      found.insert(found.begin(), at::Tensor());
    }
    found.resize(3);
    return found;
  }
};

}  // namespace

at::Tensor similarity_of_images(const at::Tensor& x, const at::Tensor& y, const Levels& levels) {
  if (!x.is_cpu() || !y.is_cpu()) {
    return similarity_by_operations(x, y, levels);
  }
  if (at::GradMode::is_enabled() && (x.requires_grad() || y.requires_grad())) {
    return Similarity::apply(x, y, levels);
  }
  return compared(x, y, levels, {false, false}).values.mean(1);
}

}  // namespace imgcomp::similarity

// Layers that change the spatial size without weights: pooling and upsampling.
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include "imgcomp/error.h"
#include "layers.h"

namespace imgcomp {
namespace {

class Pool2d : public Layer {
 public:
  enum class Kind { max, average };

  Pool2d(Kind kind, std::array<int64_t, 2> window, std::array<int64_t, 2> stride,
         std::array<int64_t, 2> padding)
      : kind_(kind), window_(window), stride_(stride), padding_(padding) {}

  Shape output_shape(const Shape& input) const override {
    require_image(input);
    Shape output{input[0], 0, 0};
    for (size_t axis = 0; axis < 2; ++axis) {
      const int64_t padded = input[axis + 1] + 2 * padding_[axis];
      if (padded < window_[axis]) {
        throw SpecError(concat("a window of ", window_[axis], " does not fit an input of shape ",
                               to_string(input)));
      }
      output[axis + 1] = (padded - window_[axis]) / stride_[axis] + 1;
    }
    return output;
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return kind_ == Kind::max ? at::max_pool2d(x, window_, stride_, padding_)
                              : at::avg_pool2d(x, window_, stride_, padding_);
  }

  Fusible fusible() const override {
    const std::array<int64_t, 2> two{2, 2};
    const bool plain = window_ == two && stride_ == two && padding_ == std::array<int64_t, 2>{0, 0};
    return kind_ == Kind::max && plain ? Fusible::max_pool_2x2 : Fusible::no;
  }

  // Max pooling keeps its input and the indices, average pooling nothing.
  bool output_is_disposable() const override { return true; }

 private:
  Kind kind_;
  std::array<int64_t, 2> window_, stride_, padding_;
};

class Upsample : public Layer {
 public:
  Upsample(int64_t factor, bool bilinear) : factor_(factor), bilinear_(bilinear) {}

  Shape output_shape(const Shape& input) const override {
    require_image(input);
    return {input[0], input[1] * factor_, input[2] * factor_};
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    const std::array<int64_t, 2> size{x.size(2) * factor_, x.size(3) * factor_};
    return bilinear_ ? at::upsample_bilinear2d(x, size, /*align_corners=*/false)
                     : at::upsample_nearest2d(x, size);
  }

  Fusible fusible() const override {
    return factor_ == 2 && !bilinear_ ? Fusible::upsample_2x : Fusible::no;
  }

  bool output_is_disposable() const override { return true; }

 private:
  int64_t factor_;
  bool bilinear_;
};

// Unpooling: each value in the upper left of its window, zeros around it.
class Unpool : public Layer {
 public:
  explicit Unpool(int64_t factor) : factor_(factor) {}

  Shape output_shape(const Shape& input) const override {
    require_image(input);
    return {input[0], input[1] * factor_, input[2] * factor_};
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    at::Tensor output = at::zeros({x.size(0), x.size(1), x.size(2) * factor_, x.size(3) * factor_},
                                  x.options().memory_format(x.suggest_memory_format()));
    output.slice(2, 0, std::nullopt, factor_).slice(3, 0, std::nullopt, factor_).copy_(x);
    return output;
  }

  bool output_is_disposable() const override { return true; }

 private:
  int64_t factor_;
};

std::unique_ptr<Layer> make_pool(OptionReader& options, Pool2d::Kind kind) {
  const auto window = options.pair("kernel_size", 1);
  const auto stride = options.pair("stride", 1, window);
  const auto padding = options.pair("padding", 0, {{0, 0}});
  for (size_t axis = 0; axis < 2; ++axis) {
    if (2 * padding[axis] > window[axis]) {
      options.fail(concat("'padding' must be at most half of 'kernel_size', not ", padding[axis],
                          " with ", window[axis]));
    }
  }
  return std::make_unique<Pool2d>(kind, window, stride, padding);
}

}  // namespace

std::unique_ptr<Layer> make_max_pool2d(OptionReader& options, const BuildContext& /*context*/) {
  return make_pool(options, Pool2d::Kind::max);
}

std::unique_ptr<Layer> make_avg_pool2d(OptionReader& options, const BuildContext& /*context*/) {
  return make_pool(options, Pool2d::Kind::average);
}

std::unique_ptr<Layer> make_upsample(OptionReader& options, const BuildContext& /*context*/) {
  const int64_t factor = options.integer("factor", 1, 2);
  const std::string mode = options.choice("mode", {"nearest", "bilinear", "zeros"}, "nearest");
  if (mode == "zeros") {
    return std::make_unique<Unpool>(factor);
  }
  return std::make_unique<Upsample>(factor, mode == "bilinear");
}

}  // namespace imgcomp

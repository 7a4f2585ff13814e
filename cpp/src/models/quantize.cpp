// Numbers to the nearest of a few levels, which are learnt: uniform quantisation with
// straight-through gradients (Esser et al. 2020, "Learned Step Size Quantization", section 2).
#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/round.h>

#include "imgcomp/error.h"
#include "models/layers.h"

namespace imgcomp {
namespace {

// Channel c has the levels offset[c] + k · |step[c]|, k = 0 … levels − 1. The gradient goes through
// the rounding as if it were not there, but not beyond the outermost levels; those of step and
// offset are the ones that autograd finds then.
class Quantize : public Layer {
 public:
  Quantize(at::Tensor offset, at::Tensor step, int64_t levels)
      : offset_(std::move(offset)), step_(std::move(step)), levels_(levels) {}

  Shape output_shape(const Shape& input) const override { return input; }

  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    const at::Tensor offset = along_channels(offset_, x);
    const at::Tensor step = along_channels(step_, x).abs().clamp_min(kLeastStep);
    const at::Tensor place = at::clamp((x - offset) / step, 0, levels_ - 1);
    const at::Tensor rounding = (at::round(place) - place).detach();
    return (place + rounding) * step + offset;
  }

 private:
  static constexpr double kLeastStep = 1e-12;  // keeps the division finite

  static at::Tensor along_channels(const at::Tensor& values, const at::Tensor& x) {
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[1] = values.numel();
    return values.view(shape);
  }

  at::Tensor offset_, step_;
  int64_t levels_;
};

}  // namespace

std::unique_ptr<Layer> make_quantize(OptionReader& options, const BuildContext& context) {
  const int64_t levels = options.integer("levels", 2);
  constexpr int64_t kMostLevels = int64_t{1} << 16;
  if (levels > kMostLevels) {
    options.fail(concat("'levels' must be at most ", kMostLevels, ", not ", levels));
  }
  const int64_t channels = context.input[0];
  // At first the levels span 0 … 1.
  const at::Tensor offset =
      context.parameters.add_constant(context.path + ".offset", {channels}, 0.0);
  const at::Tensor step = context.parameters.add_constant(context.path + ".step", {channels},
                                                          1.0 / static_cast<double>(levels - 1));
  return std::make_unique<Quantize>(offset, step, levels);
}

}  // namespace imgcomp

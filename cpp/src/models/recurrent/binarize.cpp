// Numbers in −1 … 1 to bits: the binarizer of Toderici et al. (2016, "Variable Rate Image
// Compression with Recurrent Neural Networks", section 3.2).
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ge.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <torch/csrc/autograd/custom_function.h>

#include "imgcomp/error.h"
#include "models/layers.h"

namespace imgcomp {
namespace {

// The gradient goes straight through: the bits' expectation is x itself.
struct Bits : torch::autograd::Function<Bits> {
  static at::Tensor forward(torch::autograd::AutogradContext* /*context*/, const at::Tensor& x,
                            const std::optional<at::Generator>& generator) {
    const at::Tensor one = at::ones_like(x);
    if (!generator) {
      return at::where(at::ge(x, 0), one, -one);
    }
    const at::Tensor drawn = at::empty_like(x).uniform_(-1.0, 1.0, generator);
    return at::where(at::lt(drawn, x), one, -one);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* /*context*/,
                                                 torch::autograd::variable_list gradients) {
    return {gradients[0], at::Tensor()};
  }
};

// In training +1 with probability (1 + x) / 2, else −1; otherwise the sign, +1 for 0.
class Binarize : public Layer {
 public:
  Shape output_shape(const Shape& input) const override { return input; }

  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const override {
    if (context.training && !context.generator) {
      throw UsageError("a training pass through binarize needs a random generator");
    }
    return Bits::apply(x, context.training ? context.generator : std::nullopt);
  }
};

}  // namespace

std::unique_ptr<Layer> make_binarize(OptionReader& /*options*/, const BuildContext& /*context*/) {
  return std::make_unique<Binarize>();
}

}  // namespace imgcomp

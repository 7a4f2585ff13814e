// Depth to space: channels, in groups of factor², become squares of pixels, as
// torch.nn.PixelShuffle orders them. Images whose channels lie together are rearranged by loops of
// our own, several times as fast as ATen's.
#include <ATen/Parallel.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <torch/csrc/autograd/custom_function.h>

#include "imgcomp/error.h"
#include "models/fused/plan.h"
#include "models/layers.h"

namespace imgcomp {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// A pixel with channels · factor² values and the square of factor² pixels that it becomes.
struct Squares {
  int64_t factor, columns, channels;  // columns: of the image of many channels

  // One row of many channels ↔ `factor` rows of few. kFactor: the factor where it is known, else 0.
  template <bool kToSpace, int64_t kFactor>
  void row(const float* from, float* to) const {
    const int64_t side = kFactor > 0 ? kFactor : factor, area = side * side;
    for (int64_t x = 0; x < columns; ++x) {
      for (int64_t place = 0; place < area; ++place) {
        const int64_t deep = x * channels * area + place;
        const int64_t wide = ((place / side * columns + x) * side + place % side) * channels;
        for (int64_t c = 0; c < channels; ++c) {
          if constexpr (kToSpace) {
            to[wide + c] = from[deep + c * area];
          } else {
            to[deep + c * area] = from[wide + c];
          }
        }
      }
    }
  }
};

// Depth to space, or back; also where it is derived any number of times.
template <bool kToSpace>
at::Tensor rearranged(const at::Tensor& x, int64_t factor);

template <bool kToSpace>
struct Rearrange : Function<Rearrange<kToSpace>> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, int64_t factor) {
    context->saved_data["factor"] = factor;
    const int64_t area = factor * factor;
    const int64_t rows = kToSpace ? x.size(2) : x.size(2) / factor;
    const Squares squares{factor, kToSpace ? x.size(3) : x.size(3) / factor,
                          kToSpace ? x.size(1) / area : x.size(1)};
    at::Tensor result =
        kToSpace ? fused::empty_images(x.size(0), squares.channels, rows * factor,
                                       squares.columns * factor)
                 : fused::empty_images(x.size(0), squares.channels * area, rows, squares.columns);
    const auto* from = x.const_data_ptr<float>();
    auto* to = result.mutable_data_ptr<float>();
    const int64_t floats = squares.columns * squares.channels * area;
    constexpr int64_t kGrain = 4096;  // floats that are worth a thread
    at::parallel_for(0, x.size(0) * rows, kGrain / floats + 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const int64_t at = row * floats;
        factor == 2 ? squares.row<kToSpace, 2>(from + at, to + at)
                    : squares.row<kToSpace, 0>(from + at, to + at);
      }
    });
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    return {rearranged<!kToSpace>(gradients[0], context->saved_data["factor"].toInt()), {}};
  }
};

template <bool kToSpace>
at::Tensor rearranged(const at::Tensor& x, int64_t factor) {
  if (x.is_cpu() && x.scalar_type() == at::kFloat && x.numel() > 0 &&
      x.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    return Rearrange<kToSpace>::apply(x, factor);
  }
  return kToSpace ? at::pixel_shuffle(x, factor) : at::pixel_unshuffle(x, factor);
}

class DepthToSpace : public Layer {
 public:
  explicit DepthToSpace(int64_t factor) : factor_(factor) {}

  Shape output_shape(const Shape& input) const override {
    require_image(input);
    if (input[0] % (factor_ * factor_) != 0) {
      throw SpecError(concat("expects channels in groups of ", factor_ * factor_, ", got shape ",
                             to_string(input)));
    }
    return {input[0] / (factor_ * factor_), input[1] * factor_, input[2] * factor_};
  }

  at::Tensor forward(const at::Tensor& x, ForwardContext& /*context*/) const override {
    return rearranged<true>(x, factor_);
  }

  bool output_is_disposable() const override { return true; }

 private:
  int64_t factor_;
};

}  // namespace

std::unique_ptr<Layer> make_depth_to_space(OptionReader& options, const BuildContext& /*context*/) {
  return std::make_unique<DepthToSpace>(options.integer("factor", 1, 2));
}

}  // namespace imgcomp

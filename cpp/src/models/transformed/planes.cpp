#include "models/transformed/planes.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "models/fused/epilogue.h"
#include "models/transformed/kernels.h"

namespace imgcomp::transformed {
namespace {

using fused::Plan;
using fused::Scratch;

// Channels are added four at a time; what lies beyond the last channel is never read.
using Four = float __attribute__((vector_size(16), aligned(4), may_alias));
constexpr int64_t kFour = 4;

constexpr fused::Pair kThree{3, 3};

Four& four_at(float* p) {
  return *reinterpret_cast<Four*>(p);
}
const Four& four_at(const float* p) {
  return *reinterpret_cast<const Four*>(p);
}

int64_t floor_half(int64_t value) {
  return (value < 0 ? value - 1 : value) / 2;
}

// The sizes of one call. Products are (padded_height, padded_width, planes) with zeros around, so
// that no pixel of the output needs to ask whether its taps lie in the image; planes are ordered
// (tap, channel). The output's gradient likewise has a border.
struct Layout {
  int64_t factor;  // of upsampling
  int64_t taps, depth, planes;
  std::array<int64_t, 2> border, padded;                  // of the products, in input pixels
  std::array<int64_t, 2> gradient_border, gradient_size;  // of the output's gradient
  int64_t channels;                                       // of the output, in fours

  explicit Layout(const Plan& plan)
      : factor(plan.around.upsample ? 2 : 1),
        taps(plan.kernel[0] * plan.kernel[1]),
        depth(taps * plan.out_channels),
        planes(fused::round_up(depth, plan.vector)),
        channels(fused::round_up(plan.out_channels, kFour)) {
    const std::array<int64_t, 2> size{plan.height, plan.width};
    const std::array<int64_t, 2> out{plan.out_height, plan.out_width};
    for (size_t axis = 0; axis < 2; ++axis) {
      border[axis] = (plan.padding[axis] + factor - 1) / factor;
      padded[axis] = size[axis] + 2 * border[axis];
      gradient_border[axis] = plan.kernel[axis] - 1 - plan.padding[axis];
      gradient_size[axis] = out[axis] + 2 * gradient_border[axis];
    }
  }

  // One four more than there is, for the last pixel's.
  int64_t product_floats() const { return padded[0] * padded[1] * planes + kFour; }
  int64_t gradient_floats() const { return gradient_size[0] * gradient_size[1] * channels + kFour; }

  // Which product pixel (on one axis) output `at` reads through tap `tap`.
  int64_t source(size_t axis, int64_t at, int64_t tap, const Plan& plan) const {
    const int64_t pixel = at + tap - plan.padding[axis];
    return (factor == 2 ? floor_half(pixel) : pixel) + border[axis];
  }
};

// Matrices in the order in which multiply reads: (columns / vector, depth, vector).
at::Tensor in_blocks(const at::Tensor& matrix, int64_t padded, int64_t vector) {
  const at::Tensor whole = at::zeros({matrix.size(0), padded}, at::TensorOptions(at::kFloat));
  whole.narrow(1, 0, matrix.size(1)).copy_(matrix);
  return whole.view({matrix.size(0), padded / vector, vector}).permute({1, 0, 2}).contiguous();
}

// One number for each place on an axis and each tap there, so that loops over pixels only look up.
template <class Number>
std::vector<int64_t> table(int64_t places, int64_t taps, const Number& number) {
  std::vector<int64_t> result;
  result.reserve(static_cast<size_t>(places * taps));
  for (int64_t place = 0; place < places; ++place) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      result.push_back(number(place, tap));
    }
  }
  return result;
}

// Each output pixel is the sum of what its taps read.
class PlaneAdder {
 public:
  PlaneAdder(const Plan& plan, const Layout& layout)
      : plan_(plan),
        channels_(layout.channels),
        rows_(table(plan.out_height, plan.kernel[0],
                    [&](int64_t y, int64_t tap) {
                      return layout.source(0, y, tap, plan) * layout.padded[1] * layout.planes +
                             tap * plan.kernel[1] * plan.out_channels;
                    })),
        columns_(table(plan.out_width, plan.kernel[1], [&](int64_t x, int64_t tap) {
          return layout.source(1, x, tap, plan) * layout.planes + tap * plan.out_channels;
        })) {}

  // rows: (out_height, out_width, channels).
  void add(const float* products, const float* bias, float* rows) const {
    plan_.kernel == kThree ? add<3, 3>(products, bias, rows) : add<0, 0>(products, bias, rows);
  }

 private:
  // The kernel's size, where it is known; loops are unrolled then.
  template <int64_t Height, int64_t Width>
  void add(const float* products, const float* bias, float* rows) const {
    const int64_t height = Height > 0 ? Height : plan_.kernel[0];
    const int64_t width = Width > 0 ? Width : plan_.kernel[1];
    for (int64_t y = 0; y < plan_.out_height; ++y) {
      const int64_t* row = rows_.data() + y * height;
      for (int64_t x = 0; x < plan_.out_width; ++x) {
        const int64_t* column = columns_.data() + x * width;
        for (int64_t c = 0; c < channels_; c += kFour) {
          Four sum = four_at(bias + c);
          for (int64_t dy = 0; dy < height; ++dy) {
            const float* line = products + row[dy] + c;
            for (int64_t dx = 0; dx < width; ++dx) {
              sum += four_at(line + column[dx]);
            }
          }
          four_at(rows + c) = sum;
        }
        rows += channels_;
      }
    }
  }

  const Plan& plan_;
  int64_t channels_;
  std::vector<int64_t> rows_, columns_;  // floats to the products that a tap reads
};

// The products' gradient: each takes that of the outputs which read it.
class PlaneSpreader {
 public:
  PlaneSpreader(const Plan& plan, const Layout& layout)
      : plan_(plan),
        layout_(layout),
        row_(layout.gradient_size[1] * layout.channels),
        rows_(table(plan.height, plan.kernel[0],
                    [&](int64_t y, int64_t tap) { return output(0, y, tap) * row_; })),
        columns_(table(plan.width, plan.kernel[1], [&](int64_t x, int64_t tap) {
          return output(1, x, tap) * layout.channels;
        })) {}

  // gradient: with its border; products: (height, width, planes), without any.
  void spread(const float* gradient, float* products) const {
    if (layout_.factor == 2) {
      spread<true, 0, 0>(gradient, products);
    } else if (plan_.kernel == kThree) {
      spread<false, 3, 3>(gradient, products);
    } else {
      spread<false, 0, 0>(gradient, products);
    }
  }

 private:
  // The first of `factor` outputs that read a pixel through a tap, in coordinates with the border.
  int64_t output(size_t axis, int64_t pixel, int64_t tap) const {
    return layout_.factor * pixel - tap + plan_.padding[axis] + layout_.gradient_border[axis];
  }

  template <bool Upsampled, int64_t Height, int64_t Width>
  void spread(const float* gradient, float* products) const {
    const int64_t height = Height > 0 ? Height : plan_.kernel[0];
    const int64_t width = Width > 0 ? Width : plan_.kernel[1];
    const int64_t channels = layout_.channels, out_channels = plan_.out_channels;
    for (int64_t y = 0; y < plan_.height; ++y) {
      const int64_t* row = rows_.data() + y * height;
      for (int64_t x = 0; x < plan_.width; ++x) {
        const int64_t* column = columns_.data() + x * width;
        float* to = products;
        for (int64_t dy = 0; dy < height; ++dy) {
          const float* line = gradient + row[dy];
          for (int64_t dx = 0; dx < width; ++dx) {
            const float* from = line + column[dx];
            for (int64_t c = 0; c < channels; c += kFour) {
              Four sum = four_at(from + c);
              if constexpr (Upsampled) {
                sum += four_at(from + channels + c) + four_at(from + row_ + c) +
                       four_at(from + row_ + channels + c);
              }
              // What is beyond the last channel is overwritten by the next tap, or lies in planes
              // that nobody reads.
              four_at(to + c) = sum;
            }
            to += out_channels;
          }
        }
        products += layout_.planes;
      }
    }
  }

  const Plan& plan_;
  const Layout& layout_;
  int64_t row_;
  std::vector<int64_t> rows_, columns_;  // floats to the outputs that read a pixel
};

}  // namespace

bool planes_take(const Plan& plan) {
  const int64_t area = plan.kernel[0] * plan.kernel[1];
  const int64_t planes = fused::round_up(area * plan.out_channels, plan.vector);
  return best_kernels() != nullptr && area > 1 && planes <= 4 * plan.vector &&
         2 * planes <= area * plan.padded_channels && plan.in_channels >= 4;
}

void forward_planes(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice) {
  const Kernels& kernels = *best_kernels();
  const Layout layout(plan);
  const int64_t in = plan.in_channels, planes = layout.planes;
  const at::Tensor matrix =
      in_blocks(weight.permute({1, 2, 3, 0}).reshape({in, layout.depth}), planes, plan.vector);
  const at::Tensor offset = at::zeros({layout.channels}, at::TensorOptions(at::kFloat));
  if (bias) {
    offset.narrow(0, 0, plan.out_channels).copy_(bias->detach());
  }
  const auto* weights = matrix.const_data_ptr<float>();
  const auto* offsets = offset.const_data_ptr<float>();
  const auto* images = x.const_data_ptr<float>();
  auto* results = result.mutable_data_ptr<float>();
  auto* choices = choice.defined() ? choice.mutable_data_ptr<uint8_t>() : nullptr;
  const PlaneAdder adder(plan, layout);

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const Scratch products(layout.product_floats());
    // The border stays zero.
    std::memset(products.data, 0, static_cast<size_t>(layout.product_floats()) * sizeof(float));
    const fused::RowFinisher finisher(plan, *direct::best_kernels(), layout.channels,
                                      plan.out_height);
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t y = 0; y < plan.height; ++y) {
        const int64_t at = (y + layout.border[0]) * layout.padded[1] + layout.border[1];
        kernels.multiply(plan.width, in, planes,
                         images + i * plan.image_size() + y * plan.width * in, in, weights,
                         products.data + at * planes, planes);
      }
      const int64_t at = i * plan.result_floats();
      adder.add(products.data, offsets, finisher.rows(0, results + at));
      finisher.finish(0, plan.out_height, results + at,
                      choices == nullptr ? nullptr : choices + at);
    }
  });
}

fused::Gradients backward_planes(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                                 const fused::Incoming& incoming) {
  const Kernels& kernels = *best_kernels();
  const direct::Kernels& pointwise = *direct::best_kernels();
  const Layout layout(plan);
  const int64_t in = plan.in_channels, planes = layout.planes, depth = layout.depth;
  const int64_t padded_in = fused::round_up(in, plan.vector);
  const bool narrow = padded_in != in;
  fused::Gradients result;
  at::Tensor matrix;  // (planes, in)
  if (incoming.with_input) {
    matrix = in_blocks(weight.permute({2, 3, 0, 1}).reshape({depth, in}), padded_in, plan.vector);
    result.input = fused::empty_images(plan.n, in, plan.height, plan.width);
  }
  fused::Sums sums(incoming.with_weight ? in * planes : 0, layout.channels);
  const auto* weights = incoming.with_input ? matrix.const_data_ptr<float>() : nullptr;
  const auto* images = x.const_data_ptr<float>();
  auto* inputs = incoming.with_input ? result.input.mutable_data_ptr<float>() : nullptr;
  const int64_t pixels = plan.height * plan.width;
  const PlaneSpreader spreader(plan, layout);

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const fused::GradientExpander expander(plan, pointwise, layout.channels,
                                           layout.gradient_border[1]);
    const Scratch gradient(layout.gradient_floats());
    std::memset(gradient.data, 0, static_cast<size_t>(layout.gradient_floats()) * sizeof(float));
    const Scratch products(pixels * planes + kFour);
    // Planes that only fill the vectors stay zero, but for what spills into them.
    std::memset(products.data, 0, static_cast<size_t>(pixels * planes) * sizeof(float));
    const Scratch wide(narrow && inputs != nullptr ? pixels * padded_in : 0);
    float* inner =
        gradient.data + layout.gradient_border[0] * layout.gradient_size[1] * layout.channels;
    float* weight_sums = sums.weight_of(at::get_thread_num());
    float* bias_sums = sums.bias_of(at::get_thread_num());
    for (int64_t i = begin; i < end; ++i) {
      expander.expand(incoming, i, inner);
      pointwise.add_pixels(inner, expander.floats() / layout.channels, layout.channels, bias_sums);
      spreader.spread(gradient.data, products.data);
      if (incoming.with_weight) {
        kernels.outer(pixels, in, planes, images + i * plan.image_size(), in, products.data, planes,
                      weight_sums);
      }
      if (inputs != nullptr) {
        float* to = inputs + i * plan.image_size();
        kernels.multiply(pixels, depth, padded_in, products.data, planes, weights,
                         narrow ? wide.data : to, padded_in);
        if (narrow) {
          fused::narrow_pixels(wide.data, pixels, padded_in, in, to);
        }
      }
    }
  });
  if (incoming.with_weight) {
    result.weight = fused::Sums::total(sums.weight)
                        .view({in, planes})
                        .narrow(1, 0, depth)
                        .view({in, plan.kernel[0], plan.kernel[1], plan.out_channels})
                        .permute({3, 0, 1, 2});
  }
  result.bias = fused::Sums::total(sums.bias).narrow(0, 0, plan.out_channels);
  return result;
}

}  // namespace imgcomp::transformed

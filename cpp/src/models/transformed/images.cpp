#include "models/transformed/images.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

#include "models/fused/epilogue.h"
#include "models/transformed/kernels.h"

namespace imgcomp::transformed {
namespace {

using fused::Plan;
using fused::Scratch;

// Values at points that are worked on together: more would not stay in the second-level cache.
constexpr int64_t kCacheBytes = int64_t{1} << 20;

// Points begin at different places of a cache's page, or they would push each other out.
constexpr int64_t kSkew = 16;

const Scheme& scheme_of(const Plan& plan) {
  const Kernels& kernels = *best_kernels();
  return plan.around.upsample ? kernels.upsampled : kernels.winograd;
}

// How a plan's images are cut into tiles, and how many tiles are worked on at once: some rows of an
// image's tiles, or all tiles of some images.
struct Layout {
  const Kernels& kernels = *best_kernels();
  const Scheme& scheme;
  int64_t in, padded_in, out, padded_out;
  Tiling tiling{};
  int64_t rows, images;  // at once

  explicit Layout(const Plan& plan)
      : scheme(scheme_of(plan)),
        in(plan.in_channels),
        padded_in(fused::round_up(plan.in_channels, plan.vector)),
        out(plan.out_channels),
        padded_out(plan.padded_channels) {
    const auto tiles = [&](int64_t pixels) {
      return (pixels + scheme.outputs - 1) / scheme.outputs;
    };
    // Upsampled: one pixel around the image before upsampling is the padding after it.
    tiling = {in,
              plan.height,
              plan.width,
              plan.around.upsample ? 1 : plan.padding[0],
              padded_out,
              plan.out_height,
              plan.out_width,
              tiles(plan.out_height),
              tiles(plan.out_width),
              0};
    const auto bytes = static_cast<int64_t>(sizeof(float));
    const int64_t row = tiling.columns * scheme.points * (padded_in + padded_out) * bytes;
    // They go through all transformed weights, which may be more than fit a cache themselves: then
    // as many values as weights, so that these are not read oftener than they earn.
    const int64_t weights = scheme.points * in * padded_out * bytes;
    const int64_t fitting = std::max<int64_t>(1, std::max(kCacheBytes, weights) / row);
    // As equal as they can be.
    const int64_t parts = (tiling.rows + fitting - 1) / fitting;
    rows = (tiling.rows + parts - 1) / parts;
    images = std::clamp<int64_t>(fitting / tiling.rows, 1, plan.n);
  }

  Tiling with(int64_t padded) const {
    Tiling result = tiling;
    result.point_stride = images * rows * tiling.columns * padded + kSkew;
    return result;
  }
};

// Weights at the points, for products along the kernel's input (or, turned, output) channels.
at::Tensor transformed_weights(const Layout& layout, const at::Tensor& weight, bool turned) {
  const int64_t depth = turned ? layout.out : layout.in;
  const int64_t outputs = turned ? layout.in : layout.out;
  const int64_t padded = turned ? layout.padded_in : layout.padded_out;
  const auto floats = at::TensorOptions(at::kFloat);
  const at::Tensor kernels = at::zeros({3, 3, depth, padded}, floats);
  kernels.narrow(3, 0, outputs)
      .copy_(turned ? weight.permute({2, 3, 0, 1}) : weight.permute({2, 3, 1, 0}));
  at::Tensor result = at::empty({layout.scheme.points * depth * padded}, floats);
  layout.scheme.weights(kernels.const_data_ptr<float>(), depth, padded,
                        result.mutable_data_ptr<float>());
  return result;
}

// The gradient of the weight from the threads' sums of its gradients at the points.
at::Tensor weight_gradient(const Layout& layout, const at::Tensor& sums) {
  const at::Tensor total = fused::Sums::total(sums);
  const at::Tensor kernels =
      at::empty({3, 3, layout.in, layout.padded_out}, at::TensorOptions(at::kFloat));
  layout.scheme.weights_adjoint(total.const_data_ptr<float>(), layout.in, layout.padded_out,
                                kernels.mutable_data_ptr<float>());
  return kernels.narrow(3, 0, layout.out).permute({3, 2, 0, 1});
}

// Calls visit(image, row of tiles, place of its first tile among those worked on at once).
template <class Visit>
void each_row(const Layout& layout, int64_t images, int64_t first_row, int64_t rows,
              const Visit& visit) {
  for (int64_t image = 0; image < images; ++image) {
    for (int64_t row = 0; row < rows; ++row) {
      visit(image, first_row + row, (image * rows + row) * layout.tiling.columns);
    }
  }
}

}  // namespace

bool takes(const Plan& plan) {
  return best_kernels() != nullptr && plan.kernel == fused::Pair{3, 3} &&
         plan.padding[0] == plan.padding[1] && plan.in_channels >= plan.vector &&
         plan.out_channels >= plan.vector &&
         (!plan.around.upsample || plan.padding == fused::Pair{1, 1});
}

int64_t cost(const Plan& plan) {
  const Layout layout(plan);
  const int64_t tiles = layout.tiling.rows * layout.tiling.columns;
  // Measured: what a vector of channels of a tile costs in the time of its products.
  const int64_t transforms =
      tiles * (layout.padded_in + layout.padded_out) * 15 * layout.scheme.points;
  return tiles * layout.scheme.points * layout.in * layout.padded_out + transforms;
}

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice,
                    fused::WeightMemory* memory) {
  const Layout layout(plan);
  const Scheme& scheme = layout.scheme;
  const at::Tensor at_points = fused::kept(memory, &fused::WeightMemory::forward, [&] {
    return transformed_weights(layout, weight, false);
  });
  const at::Tensor offset = at::zeros({layout.padded_out}, at::TensorOptions(at::kFloat));
  if (bias) {
    offset.narrow(0, 0, layout.out).copy_(bias->detach());
  }
  const auto* weights = at_points.const_data_ptr<float>();
  const auto* offsets = offset.const_data_ptr<float>();
  const auto* images = x.const_data_ptr<float>();
  auto* results = result.mutable_data_ptr<float>();
  auto* choices = choice.defined() ? choice.mutable_data_ptr<uint8_t>() : nullptr;
  const Tiling in = layout.with(layout.padded_in);
  const Tiling out = layout.with(layout.padded_out);

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const Scratch inputs(scheme.points * in.point_stride);
    const Scratch outputs(scheme.points * out.point_stride);
    const fused::RowFinisher finisher(plan, *direct::best_kernels(), layout.padded_out,
                                      scheme.outputs);
    for (int64_t first = begin; first < end; first += layout.images) {
      const int64_t count = std::min(layout.images, end - first);
      for (int64_t top = 0; top < in.rows; top += layout.rows) {
        const int64_t rows = std::min(layout.rows, in.rows - top);
        each_row(layout, count, top, rows, [&](int64_t image, int64_t row, int64_t tile) {
          scheme.input(in, images + (first + image) * plan.image_size(), row, layout.padded_in,
                       inputs.data + tile * layout.padded_in);
        });
        for (int64_t point = 0; point < scheme.points; ++point) {
          layout.kernels.multiply(count * rows * in.columns, layout.in, layout.padded_out,
                                  inputs.data + point * in.point_stride, layout.padded_in,
                                  weights + point * layout.in * layout.padded_out,
                                  outputs.data + point * out.point_stride, layout.padded_out);
        }
        each_row(layout, count, top, rows, [&](int64_t image, int64_t row, int64_t tile) {
          const int64_t at = (first + image) * plan.result_floats();
          const int64_t y = row * scheme.outputs;
          scheme.output(out, outputs.data + tile * layout.padded_out, offsets, row, y,
                        finisher.rows(y, results + at));
          finisher.finish(y, std::min(scheme.outputs, plan.out_height - y), results + at,
                          choices == nullptr ? nullptr : choices + at);
        });
      }
    }
  });
}

fused::Gradients backward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                                 const fused::Incoming& incoming, fused::WeightMemory* memory) {
  const Layout layout(plan);
  const Scheme& scheme = layout.scheme;
  const bool with_input = incoming.with_input;
  const bool narrow = layout.padded_in != layout.in;
  const int64_t weight_floats = layout.in * layout.padded_out;
  at::Tensor turned;
  fused::Gradients result;
  if (with_input) {
    turned = fused::kept(memory, &fused::WeightMemory::turned,
                         [&] { return transformed_weights(layout, weight, true); });
    result.input = fused::empty_images(plan.n, plan.in_channels, plan.height, plan.width);
  }
  const bool go_on = memory != nullptr && memory->sums_gradients;
  fused::Sums sums(incoming.with_weight ? scheme.points * weight_floats : 0, layout.padded_out,
                   go_on ? memory->sum : at::Tensor());
  const auto* images = x.const_data_ptr<float>();
  const auto* weights = with_input ? turned.const_data_ptr<float>() : nullptr;
  auto* input_gradients = with_input ? result.input.mutable_data_ptr<float>() : nullptr;
  const Tiling in = layout.with(layout.padded_in);
  const Tiling out = layout.with(layout.padded_out);
  const int64_t wide_floats = plan.height * plan.width * layout.padded_in;
  // Then the gradient is read where it lies, past relu's zeros, instead of being copied first.
  const bool as_it_is = layout.padded_out == layout.out && !plan.around.max_pool;
  const auto* gradients = incoming.gradient.const_data_ptr<float>();
  const auto* activations =
      plan.around.relu && as_it_is ? incoming.output.const_data_ptr<float>() : nullptr;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const Scratch inputs(scheme.points * in.point_stride);
    const Scratch outputs(scheme.points * out.point_stride);
    const fused::GradientExpander expander(plan, *direct::best_kernels(), layout.padded_out, 0);
    const Scratch expanded(as_it_is ? 0 : layout.images * expander.floats());
    const Scratch wide(with_input && narrow ? layout.images * wide_floats : 0);
    float* weight_sums = sums.weight_of(at::get_thread_num());
    float* bias_sums = sums.bias_of(at::get_thread_num());
    for (int64_t first = begin; first < end; first += layout.images) {
      const int64_t count = std::min(layout.images, end - first);
      float* input_gradient =
          narrow ? wide.data : input_gradients + (with_input ? first * plan.image_size() : 0);
      for (int64_t image = 0; image < count && !as_it_is; ++image) {
        expander.expand(incoming, first + image, expanded.data + image * expander.floats());
      }
      const int64_t skipped = first * expander.floats();
      const float* gradient = as_it_is ? gradients + skipped : expanded.data;
      const float* relu = as_it_is && plan.around.relu ? activations + skipped : nullptr;
      if (with_input) {
        std::memset(input_gradient, 0, static_cast<size_t>(count * wide_floats) * sizeof(float));
      }
      for (int64_t top = 0; top < in.rows; top += layout.rows) {
        const int64_t rows = std::min(layout.rows, in.rows - top);
        const int64_t tiles = count * rows * in.columns;
        each_row(layout, count, top, rows, [&](int64_t image, int64_t row, int64_t tile) {
          if (incoming.with_weight) {
            scheme.input(in, images + (first + image) * plan.image_size(), row, layout.padded_in,
                         inputs.data + tile * layout.padded_in);
          }
          const int64_t at = image * expander.floats();
          scheme.output_adjoint(out, gradient + at, relu == nullptr ? nullptr : relu + at, row,
                                outputs.data + tile * layout.padded_out);
        });
        direct::best_kernels()->add_pixels(outputs.data + scheme.total * out.point_stride, tiles,
                                           layout.padded_out, bias_sums);
        for (int64_t point = 0; point < scheme.points; ++point) {
          float* input = inputs.data + point * in.point_stride;
          const float* output = outputs.data + point * out.point_stride;
          if (incoming.with_weight) {
            layout.kernels.outer(tiles, layout.in, layout.padded_out, input, layout.padded_in,
                                 output, layout.padded_out, weight_sums + point * weight_floats);
          }
          if (with_input) {
            // The input's values at this point are done with: their gradient takes their place.
            layout.kernels.multiply(tiles, layout.out, layout.padded_in, output, layout.padded_out,
                                    weights + point * layout.out * layout.padded_in, input,
                                    layout.padded_in);
          }
        }
        if (with_input) {
          each_row(layout, count, top, rows, [&](int64_t image, int64_t row, int64_t tile) {
            scheme.input_adjoint(in, inputs.data + tile * layout.padded_in, row, layout.padded_in,
                                 input_gradient + image * wide_floats);
          });
        }
      }
      if (with_input && narrow) {
        fused::narrow_pixels(wide.data, count * plan.height * plan.width, layout.padded_in,
                             layout.in, input_gradients + first * plan.image_size());
      }
    }
  });
  if (go_on) {
    memory->sum = sums.weight;
    memory->whole = [layout](const at::Tensor& sum) { return weight_gradient(layout, sum); };
  } else if (incoming.with_weight) {
    result.weight = weight_gradient(layout, sums.weight);
  }
  result.bias = fused::Sums::total(sums.bias).narrow(0, 0, layout.out);
  return result;
}

}  // namespace imgcomp::transformed

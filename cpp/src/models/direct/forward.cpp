// The convolution, image by image.
#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include "models/direct/plan.h"

namespace imgcomp::direct {

void forward_images(const Plan& plan, const at::Tensor& x, const at::Tensor& weight,
                    const std::optional<at::Tensor>& bias, at::Tensor& result, at::Tensor& choice) {
  const Shape& s = plan.shape;
  const at::Tensor filters = weight.permute({0, 2, 3, 1}).contiguous();
  const auto* filter = filters.const_data_ptr<float>();
  const int64_t taps = plan.taps();
  const at::Tensor pack =
      packed(plan.kernels.width, plan.out_channels, taps,
             [&](int64_t output, int64_t tap) { return filter[output * taps + tap]; });
  const at::Tensor offset = at::zeros({s.out_channels}, at::TensorOptions(at::kFloat));
  if (bias) {
    offset.narrow(0, 0, plan.out_channels).copy_(bias->detach());
  }
  const auto* weights = pack.const_data_ptr<float>();
  const auto* offsets = offset.const_data_ptr<float>();
  const auto* images = x.const_data_ptr<float>();
  auto* results = result.mutable_data_ptr<float>();
  auto* choices = choice.defined() ? choice.mutable_data_ptr<uint8_t>() : nullptr;
  const auto [rows, columns] = plan.result_size();
  const int64_t result_size = rows * columns * plan.out_channels;
  const int64_t row_size = s.out_width * s.out_channels;

  at::parallel_for(0, plan.n, 1, [&](int64_t begin, int64_t end) {
    const Scratch padded(plan.padding[1] == 0 ? 0 : plan.padded_size());
    const Scratch raw(plan.epilogue.max_pool ? 2 * row_size
                      : plan.whole_vectors() ? 0
                                             : s.out_height * row_size);
    const bool narrow = !plan.whole_vectors();
    const Scratch narrowed(plan.epilogue.max_pool && narrow ? 2 * s.out_width * plan.out_channels
                                                            : 0);
    for (int64_t i = begin; i < end; ++i) {
      const float* input = plan.padded_input(images + i * plan.image_size(), padded.data);
      float* to = results + i * result_size;
      if (plan.epilogue.max_pool) {
        for (int64_t y = 0; y < rows; ++y) {
          plan.kernels.convolve(s, input, weights, offsets, 2 * y, 2 * y + 2, raw.data);
          const float* upper = raw.data;
          if (narrow) {
            narrow_pixels(raw.data, 2 * s.out_width, s.out_channels, plan.out_channels,
                          narrowed.data);
            upper = narrowed.data;
          }
          const int64_t at = y * columns * plan.out_channels;
          plan.kernels.relu_max_pool(upper, upper + s.out_width * plan.out_channels, columns,
                                     plan.out_channels, to + at, choices + i * result_size + at);
        }
        continue;
      }
      plan.kernels.convolve(s, input, weights, offsets, 0, s.out_height, narrow ? raw.data : to);
      if (narrow) {
        narrow_pixels(raw.data, plan.out_pixels(), s.out_channels, plan.out_channels, to);
      }
      if (plan.epilogue.relu) {
        plan.kernels.relu(to, result_size);
      }
    }
  });
}

}  // namespace imgcomp::direct

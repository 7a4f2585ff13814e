#include "imgcomp/gather.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/nan_to_num.h>

#include <algorithm>

#include "imgcomp/error.h"
#include "imgcomp/spec.h"
#include "preprocess/pixel.h"
#include "clones.h"
#ifdef IMGCOMP_WITH_CUDA
#include "preprocess/gather_cuda.h"
#endif

namespace imgcomp {
namespace {

// Pixels that one thread should have at least, for the start of a thread to be worth it.
constexpr int64_t kPixelsPerThread = 32768;

IMGCOMP_CLONES void scale_image(const uint8_t* __restrict source, float* __restrict output,
                                int64_t count, float span, float low) {
  for (int64_t i = 0; i < count; ++i) {
    output[i] = scale_byte(source[i], span, low);
  }
}

// (C, area) bytes → (area, C) floats.
void scale_image_channels_last(const uint8_t* source, float* output, int64_t channels, int64_t area,
                               float span, float low) {
  for (int64_t channel = 0; channel < channels; ++channel) {
    for (int64_t pixel = 0; pixel < area; ++pixel) {
      output[pixel * channels + channel] = scale_byte(source[channel * area + pixel], span, low);
    }
  }
}

void gather_scale_cpu(const at::Tensor& images, const at::Tensor& index, float span, float low,
                      at::Tensor& output, bool channels_last) {
  const int64_t channels = images.size(1);
  const int64_t area = images.size(2) * images.size(3);
  const int64_t per_image = channels * area;
  const auto* source = images.const_data_ptr<uint8_t>();
  const auto* chosen = index.const_data_ptr<int64_t>();
  auto* result = output.mutable_data_ptr<float>();
  const int64_t grain = std::max<int64_t>(1, kPixelsPerThread / per_image);
  at::parallel_for(0, index.size(0), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint8_t* from = source + chosen[i] * per_image;
      float* to = result + i * per_image;
      if (channels_last) {
        scale_image_channels_last(from, to, channels, area, span, low);
      } else {
        scale_image(from, to, per_image, span, low);
      }
    }
  });
}

void check_arguments(const at::Tensor& images, const at::Tensor& index,
                     std::array<double, 2> data_range, bool trusted_index) {
  if (images.scalar_type() != at::kByte || images.dim() != 4 || !images.is_contiguous()) {
    throw UsageError(concat("images must be a contiguous uint8 tensor (N, C, H, W), not ",
                            images.scalar_type(), " of shape ", to_string(images.sizes().vec())));
  }
  if (index.scalar_type() != at::kLong || index.dim() != 1 || !index.is_contiguous()) {
    throw UsageError(concat("index must be a contiguous int64 tensor (B,), not ",
                            index.scalar_type(), " of shape ", to_string(index.sizes().vec())));
  }
  if (images.device() != index.device()) {
    throw UsageError(
        concat("images are on ", images.device(), " but the index is on ", index.device()));
  }
  if (!(data_range[0] < data_range[1])) {
    throw UsageError(
        concat("data_range must rise, not [", data_range[0], ", ", data_range[1], "]"));
  }
  if (!trusted_index && index.numel() > 0) {
    const auto smallest = index.min().item<int64_t>();
    const auto largest = index.max().item<int64_t>();
    if (smallest < 0 || largest >= images.size(0)) {
      throw UsageError(concat("index must lie in 0…", images.size(0) - 1, ", got ",
                              smallest < 0 ? smallest : largest));
    }
  }
}

}  // namespace

at::Tensor gather_scale(const at::Tensor& images, const at::Tensor& index,
                        std::array<double, 2> data_range, at::MemoryFormat format,
                        bool trusted_index) {
  check_arguments(images, index, data_range, trusted_index);
  const auto low = static_cast<float>(data_range[0]);
  const auto span = static_cast<float>(data_range[1] - data_range[0]);
  at::Tensor output = at::empty({index.size(0), images.size(1), images.size(2), images.size(3)},
                                images.options().dtype(at::kFloat), format);
  if (output.numel() == 0) {
    return output;
  }
  // With one channel both formats are the same memory.
  const bool channels_last = format == at::MemoryFormat::ChannelsLast && images.size(1) > 1;
  if (images.is_cpu()) {
    gather_scale_cpu(images, index, span, low, output, channels_last);
    return output;
  }
#ifdef IMGCOMP_WITH_CUDA
  if (images.is_cuda()) {
    cuda::gather_scale(images, index, span, low, output, channels_last);
    return output;
  }
#endif
  // Built without kernels for this device: the same by ATen.
  return output.copy_(
      at::index_select(images, 0, index).to(at::kFloat).div_(255.0).mul_(span).add_(low));
}

at::Tensor to_bytes(const at::Tensor& values, std::array<double, 2> data_range) {
  const double low = data_range[0];
  const double span = data_range[1] - data_range[0];
  at::Tensor scaled = values.detach().to(at::kFloat);
  scaled = low == 0.0 && span == 1.0 ? scaled * 255.0 : (scaled - low) * (255.0 / span);
  return scaled.nan_to_num_(0.0).round_().clamp_(0.0, 255.0).to(at::kByte);
}

}  // namespace imgcomp

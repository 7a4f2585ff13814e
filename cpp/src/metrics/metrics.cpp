#include "imgcomp/metrics.h"

#include <ATen/TensorOperators.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log10.h>

#include <algorithm>
#include <cmath>

#include "imgcomp/error.h"
#include "imgcomp/gather.h"
#include "imgcomp/spec.h"
#include "clones.h"

namespace imgcomp {
namespace {

void check_pair(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.dim() < 2) {
    throw UsageError(concat("two batches (N, …) of one shape are compared, not ",
                            to_string(a.sizes().vec()), " with ", to_string(b.sizes().vec())));
  }
}

// Values that one thread should have at least.
constexpr int64_t kValuesPerThread = 32768;

// Rounds half to even and clamps to 0 … 255; NaN becomes 0. As to_bytes does.
inline int32_t byte_of(float value, float low, float scale) {
  const float scaled = std::nearbyint((value - low) * scale);
  const float positive = scaled > 0.0f ? scaled : 0.0f;
  return static_cast<int32_t>(positive < 255.0f ? positive : 255.0f);
}

IMGCOMP_CLONES int64_t squared_byte_error(const float* __restrict a, const float* __restrict b,
                                          int64_t count, float low, float scale) {
  // 32768 squares of at most 65025 fit 32 bits.
  constexpr int64_t kChunk = 32768;
  int64_t total = 0;
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    const int64_t end = std::min(begin + kChunk, count);
    uint32_t sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      const int32_t difference = byte_of(a[i], low, scale) - byte_of(b[i], low, scale);
      sum += static_cast<uint32_t>(difference * difference);
    }
    total += sum;
  }
  return total;
}

}  // namespace

at::Tensor mse_per_image(const at::Tensor& a, const at::Tensor& b) {
  check_pair(a, b);
  return (a.to(at::kDouble) - b.to(at::kDouble)).square_().flatten(1).mean(1);
}

at::Tensor mse_per_image_8bit(const at::Tensor& a, const at::Tensor& b,
                              std::array<double, 2> data_range) {
  check_pair(a, b);
  // Walks both in memory order, so they must be laid out alike; any order of pixels will do.
  const bool alike = a.is_non_overlapping_and_dense() && a.strides() == b.strides();
  if (a.is_cpu() && alike && a.scalar_type() == at::kFloat && b.scalar_type() == at::kFloat &&
      a.stride(0) * a.size(0) == a.numel()) {
    const int64_t count = a.numel() / a.size(0);
    const auto low = static_cast<float>(data_range[0]);
    const auto scale = static_cast<float>(255.0 / (data_range[1] - data_range[0]));
    const auto* first = a.const_data_ptr<float>();
    const auto* second = b.const_data_ptr<float>();
    at::Tensor mse = at::empty({a.size(0)}, at::TensorOptions(at::kDouble));
    auto* result = mse.mutable_data_ptr<double>();
    at::parallel_for(0, a.size(0), std::max<int64_t>(1, kValuesPerThread / count),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t i = begin; i < end; ++i) {
                         const int64_t sum = squared_byte_error(
                             first + i * count, second + i * count, count, low, scale);
                         result[i] = static_cast<double>(sum) / static_cast<double>(count);
                       }
                     });
    return mse;
  }
  // Squares of at most 255 and sums of up to 258 such squares per row are exact in float32; the
  // sum is taken in double, so the result is exact for any image size.
  const at::Tensor difference =
      to_bytes(a, data_range).to(at::kFloat) - to_bytes(b, data_range).to(at::kFloat);
  return difference.square().flatten(1).mean(1, false, at::kDouble);
}

at::Tensor psnr_from_mse(const at::Tensor& mse, double peak) {
  return at::log10(peak * peak / mse.to(at::kDouble)) * 10.0;
}

bool reconstruction_has_collapsed(const at::Tensor& output, const at::Tensor& target,
                                  double threshold) {
  check_pair(output, target);
  if (output.size(0) < 2) {
    return false;
  }
  // Root mean square over all values of the standard deviation over the batch.
  const auto spread = [](const at::Tensor& batch) {
    return batch.detach().to(at::kDouble).var(0, /*unbiased=*/false).mean().sqrt().item<double>();
  };
  const double target_spread = spread(target);
  return target_spread > 0.0 && spread(output) < threshold * target_spread;
}

bool classifier_has_collapsed(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor predicted = logits.argmax(1);
  return logits.size(0) > 1 && predicted.eq(predicted[0]).all().item<bool>() &&
         !labels.eq(labels[0]).all().item<bool>();
}

}  // namespace imgcomp

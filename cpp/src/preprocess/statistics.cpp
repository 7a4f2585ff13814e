#include "imgcomp/statistics.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "imgcomp/error.h"
#include "imgcomp/spec.h"
#include "clones.h"

namespace imgcomp {
namespace {

__extension__ typedef unsigned __int128 Wide;

// So many squares of bytes fit into 32 bits.
constexpr int64_t kImagesPerFlush = (int64_t{1} << 32) / (255 * 255) - 1;
// Pixels at a time: their sums stay in the first cache.
constexpr int64_t kPixelBlock = 2048;
constexpr int64_t kValuesPerThread = 1 << 18;

IMGCOMP_CLONES void add_bytes(const uint8_t* __restrict values, int64_t count,
                              uint32_t* __restrict sums, uint32_t* __restrict squares) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t value = values[i];
    sums[i] += value;
    squares[i] += value * value;
  }
}

template <class Value>
[[gnu::always_inline]] inline void add_values(const Value* __restrict values,
                                              const Value* __restrict first, int64_t count,
                                              double* __restrict sums, double* __restrict squares) {
  for (int64_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(values[i]) - static_cast<double>(first[i]);
    sums[i] += value;
    squares[i] += value * value;
  }
}

IMGCOMP_CLONES void add_floats(const float* values, const float* first, int64_t count, double* sums,
                               double* squares) {
  add_values(values, first, count, sums, squares);
}
IMGCOMP_CLONES void add_floats(const double* values, const double* first, int64_t count,
                               double* sums, double* squares) {
  add_values(values, first, count, sums, squares);
}

struct Sums {
  std::vector<uint64_t> values, squares;
};

// Exact sums over all images for each pixel.
Sums sum_bytes(const at::Tensor& images, int64_t per_image) {
  const int64_t images_count = images.size(0);
  const auto* source = images.const_data_ptr<uint8_t>();
  Sums total{std::vector<uint64_t>(static_cast<size_t>(per_image)),
             std::vector<uint64_t>(static_cast<size_t>(per_image))};
  std::mutex mutex;
  const int64_t grain = std::max<int64_t>(1, kValuesPerThread / per_image);
  at::parallel_for(0, images_count, grain, [&](int64_t begin, int64_t end) {
    std::vector<uint32_t> values(kPixelBlock), squares(kPixelBlock);
    for (int64_t pixel = 0; pixel < per_image; pixel += kPixelBlock) {
      const int64_t count = std::min(kPixelBlock, per_image - pixel);
      for (int64_t flush = begin; flush < end; flush += kImagesPerFlush) {
        std::fill(values.begin(), values.end(), 0U);
        std::fill(squares.begin(), squares.end(), 0U);
        for (int64_t i = flush; i < std::min(end, flush + kImagesPerFlush); ++i) {
          add_bytes(source + i * per_image + pixel, count, values.data(), squares.data());
        }
        // Whole numbers: the threads' order makes no difference.
        const std::lock_guard<std::mutex> lock(mutex);
        for (int64_t i = 0; i < count; ++i) {
          total.values[pixel + i] += values[i];
          total.squares[pixel + i] += squares[i];
        }
      }
    }
  });
  return total;
}

Statistics empty_statistics(const at::Tensor& images, bool per_channel) {
  const at::TensorOptions options = at::TensorOptions().dtype(at::kDouble);
  const std::vector<int64_t> shape = {images.size(1), per_channel ? 1 : images.size(2),
                                      per_channel ? 1 : images.size(3)};
  return {at::empty(shape, options), at::empty(shape, options)};
}

Statistics statistics_of_bytes(const at::Tensor& images, bool per_channel) {
  const int64_t area = images.size(2) * images.size(3);
  const Sums sums = sum_bytes(images, images.size(1) * area);
  Statistics result = empty_statistics(images, per_channel);
  auto* mean = result.mean.mutable_data_ptr<double>();
  auto* deviation = result.deviation.mutable_data_ptr<double>();
  const int64_t pooled = per_channel ? area : 1;
  for (int64_t i = 0; i < result.mean.numel(); ++i) {
    Wide values = 0, squares = 0;
    for (int64_t k = i * pooled; k < (i + 1) * pooled; ++k) {
      values += sums.values[k];
      squares += sums.squares[k];
    }
    const auto count = static_cast<Wide>(images.size(0)) * static_cast<Wide>(pooled);
    mean[i] = static_cast<double>(values) / static_cast<double>(count);
    deviation[i] = std::sqrt(static_cast<double>(count * squares - values * values)) /
                   static_cast<double>(count);
  }
  return result;
}

template <class Value>
Statistics statistics_of_floats(const at::Tensor& images, bool per_channel) {
  const int64_t area = images.size(2) * images.size(3);
  const int64_t per_image = images.size(1) * area;
  const auto* source = images.const_data_ptr<Value>();
  const auto count = static_cast<double>(images.size(0));
  std::vector<double> means(static_cast<size_t>(per_image));
  std::vector<double> variances(static_cast<size_t>(per_image));
  const int64_t blocks = (per_image + kPixelBlock - 1) / kPixelBlock;
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t pixel = begin * kPixelBlock; pixel < std::min(per_image, end * kPixelBlock);
         pixel += kPixelBlock) {
      const int64_t width = std::min(kPixelBlock, per_image - pixel);
      for (int64_t i = 0; i < images.size(0); ++i) {
        add_floats(source + i * per_image + pixel, source + pixel, width, &means[pixel],
                   &variances[pixel]);
      }
      for (int64_t i = pixel; i < pixel + width; ++i) {
        const double shifted = means[i] / count;
        const double variance = variances[i] / count - shifted * shifted;
        variances[i] = variance < 0.0 ? 0.0 : variance;  // NaN stays
        means[i] = static_cast<double>(source[i]) + shifted;
      }
    }
  });
  Statistics result = empty_statistics(images, per_channel);
  auto* mean = result.mean.mutable_data_ptr<double>();
  auto* deviation = result.deviation.mutable_data_ptr<double>();
  const int64_t pooled = per_channel ? area : 1;
  for (int64_t i = 0; i < result.mean.numel(); ++i) {
    double value = 0.0, square = 0.0, variance = 0.0;
    const double first = means[i * pooled];
    for (int64_t k = i * pooled; k < (i + 1) * pooled; ++k) {
      const double shifted = means[k] - first;
      value += shifted;
      square += shifted * shifted;
      variance += variances[k];
    }
    value /= static_cast<double>(pooled);
    mean[i] = first + value;
    const double pooled_variance =
        (variance + square) / static_cast<double>(pooled) - value * value;
    deviation[i] = std::sqrt(pooled_variance < 0.0 ? 0.0 : pooled_variance);
    if (!std::isfinite(mean[i]) || !std::isfinite(deviation[i])) {
      throw UsageError("statistics need images of finite values; these have NaN or infinity");
    }
  }
  return result;
}

}  // namespace

Statistics image_statistics(const at::Tensor& images, bool per_channel) {
  if (images.dim() != 4 || images.numel() == 0 || !images.is_contiguous()) {
    throw UsageError(concat("statistics need contiguous images (N, C, H, W) and at least one, not ",
                            images.scalar_type(), " of shape ", to_string(images.sizes().vec())));
  }
  if (!images.is_cpu()) {
    return image_statistics(images.cpu(), per_channel);
  }
  switch (images.scalar_type()) {
    case at::kByte:
      return statistics_of_bytes(images, per_channel);
    case at::kFloat:
      return statistics_of_floats<float>(images, per_channel);
    case at::kDouble:
      return statistics_of_floats<double>(images, per_channel);
    default:
      throw UsageError(
          concat("statistics need uint8, float32 or float64 images, not ", images.scalar_type()));
  }
}

}  // namespace imgcomp

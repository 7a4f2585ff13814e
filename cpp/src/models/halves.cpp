#include "models/halves.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "clones.h"

namespace imgcomp {
namespace {

// Numbers that are worth a thread.
constexpr int64_t kGrain = int64_t{1} << 15;
// Rows whose sums are added up before they are added to others: float32 would lose bits, and sums
// must not depend on the number of threads.
constexpr int64_t kSummedRows = 256;

inline uint16_t rounded(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t half = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
  return static_cast<uint16_t>(value == value ? half : 0x7FC0U);
}

inline float widened(uint16_t half) {
  return std::bit_cast<float>(static_cast<uint32_t>(half) << 16U);
}

IMGCOMP_CLONES void round_all(const float* from, int64_t count, uint16_t* to) {
  for (int64_t i = 0; i < count; ++i) {
    to[i] = rounded(from[i]);
  }
}

IMGCOMP_CLONES void round_and_sum(const float* from, int64_t rows, int64_t columns, uint16_t* to,
                                  float* sums) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < columns; ++c) {
      const float value = from[row * columns + c];
      sums[c] += value;
      to[row * columns + c] = rounded(value);
    }
  }
}

IMGCOMP_CLONES void widen(const uint16_t* from, int64_t rows, int64_t columns, const float* bias,
                          float least, float* to) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < columns; ++c) {
      const float value = widened(from[row * columns + c]) + bias[c];
      to[row * columns + c] = value < least ? least : value;  // NaN stays
    }
  }
}

uint16_t* bits_of(const at::Tensor& halves) {
  return reinterpret_cast<uint16_t*>(halves.mutable_data_ptr<at::BFloat16>());
}

at::Tensor empty_halves(const at::Tensor& rows) {
  return at::empty(rows.sizes(), rows.options().dtype(at::kBFloat16));
}

}  // namespace

at::Tensor to_halves(const at::Tensor& rows) {
  const at::Tensor numbers = rows.contiguous();
  at::Tensor halves = empty_halves(numbers);
  const float* from = numbers.const_data_ptr<float>();
  uint16_t* to = bits_of(halves);
  at::parallel_for(0, numbers.numel(), kGrain, [&](int64_t begin, int64_t end) {
    round_all(from + begin, end - begin, to + begin);
  });
  return halves;
}

SummedHalves to_halves_with_sums(const at::Tensor& rows) {
  const at::Tensor numbers = rows.contiguous();
  const int64_t count = numbers.size(0), columns = numbers.size(1);
  const int64_t blocks = (count + kSummedRows - 1) / kSummedRows;
  at::Tensor halves = empty_halves(numbers);
  const at::Tensor sums = at::zeros({blocks, columns}, numbers.options());
  const float* from = numbers.const_data_ptr<float>();
  uint16_t* to = bits_of(halves);
  float* of_blocks = sums.mutable_data_ptr<float>();
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, kSummedRows * columns));
  at::parallel_for(0, blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t first = block * kSummedRows;
      round_and_sum(from + first * columns, std::min(kSummedRows, count - first), columns,
                    to + first * columns, of_blocks + block * columns);
    }
  });
  return {halves, sums.sum(0)};
}

void from_halves(const at::Tensor& products, const std::optional<at::Tensor>& bias, bool relu,
                 const at::Tensor& rows) {
  const int64_t columns = rows.size(1);
  const at::Tensor added =
      (bias ? bias->detach() : at::zeros({columns}, rows.options())).contiguous();
  const at::Tensor numbers = products.contiguous();
  const auto* from = reinterpret_cast<const uint16_t*>(numbers.const_data_ptr<at::BFloat16>());
  float* to = rows.mutable_data_ptr<float>();
  const float least = relu ? 0.0F : -std::numeric_limits<float>::infinity();
  at::parallel_for(0, rows.size(0), std::max<int64_t>(1, kGrain / std::max<int64_t>(1, columns)),
                   [&](int64_t begin, int64_t end) {
                     widen(from + begin * columns, end - begin, columns,
                           added.const_data_ptr<float>(), least, to + begin * columns);
                   });
}

}  // namespace imgcomp

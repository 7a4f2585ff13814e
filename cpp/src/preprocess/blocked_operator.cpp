#include "preprocess/blocked_operator.h"

#include <algorithm>
#include <cstring>

#include "clones.h"

// Processors with AVX-512 permute two vectors in one instruction; elsewhere that is no gain.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define IMGCOMP_PERMUTE
#endif

namespace imgcomp {
namespace {

// The compiler splits it where the machine's registers are narrower.
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));

OperatorBlock block_of_rows(const BandMatrix& matrix, int64_t first, int64_t count) {
  OperatorBlock block{first, count, matrix.columns, 0, 0, 0, 0, 0};
  for (int64_t i = first; i < first + count; ++i) {
    block.begin = std::min(block.begin, matrix.rows[i].begin);
    block.end = std::max(block.end, matrix.rows[i].end());
  }
  return block;
}

// Weights of a block, sample by sample, `stride` values for each.
void append_weights(const BandMatrix& matrix, OperatorBlock& block, int64_t stride,
                    std::vector<float>& weights) {
  block.weights = static_cast<int64_t>(weights.size());
  weights.resize(weights.size() + static_cast<size_t>((block.end - block.begin) * stride), 0.0F);
  for (int64_t i = 0; i < block.count; ++i) {
    const Band& row = matrix.rows[block.first + i];
    for (int64_t k = row.begin; k < row.end(); ++k) {
      weights[block.weights + (k - block.begin) * stride + i] =
          static_cast<float>(row.weights[k - row.begin]);
    }
  }
}

// The widest band of a block's rows or columns.
int64_t widest_band(const BandMatrix& matrix, const OperatorBlock& block) {
  size_t widest = 0;
  for (int64_t i = 0; i < block.count; ++i) {
    widest = std::max(widest, matrix.rows[block.first + i].weights.size());
  }
  return static_cast<int64_t>(widest);
}

// First sample of a row's `taps`: within the block, however near its end.
int64_t first_tap(const Band& row, const OperatorBlock& block, int64_t taps) {
  return std::min(row.begin, block.end - taps);
}

// Row by row, if that is at most half of the multiplications.
void add_row_taps(const BandMatrix& matrix, OperatorBlock& block, BlockedOperator& op) {
  const int64_t taps = widest_band(matrix, block);
  if (2 * taps > block.end - block.begin) {
    return;
  }
  block.taps = taps;
  block.first_samples = static_cast<int64_t>(op.samples.size());
  block.tap_weights = static_cast<int64_t>(op.tap_weights.size());
  for (int64_t i = 0; i < block.count; ++i) {
    const Band& row = matrix.rows[block.first + i];
    const int64_t first = first_tap(row, block, taps);
    op.samples.push_back(static_cast<int32_t>(first));
    for (int64_t k = first; k < first + taps; ++k) {
      const bool inside = k >= row.begin && k < row.end();
      op.tap_weights.push_back(inside ? static_cast<float>(row.weights[k - row.begin]) : 0.0F);
    }
  }
}

// Sample by sample of each column's band, where that is clearly less work.
void add_column_taps(const BandMatrix& matrix, OperatorBlock& block, BlockedOperator& op) {
  const int64_t taps = widest_band(matrix, block);
  if (3 * taps > block.end - block.begin) {
    return;
  }
  block.taps = taps;
  block.first_samples = static_cast<int64_t>(op.samples.size());
  block.tap_weights = static_cast<int64_t>(op.tap_weights.size());
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const Band& row = matrix.rows[block.first + std::min(lane, block.count - 1)];
      const int64_t k = first_tap(row, block, taps) + tap;
      const bool inside = k >= row.begin && k < row.end();
      op.samples.push_back(static_cast<int32_t>(k));
      op.tap_weights.push_back(inside ? static_cast<float>(row.weights[k - row.begin]) : 0.0F);
    }
  }
}

// Rows r of the strip: Σ over samples k of weights(k, r) · input(k, ·).
template <int Rows>
[[gnu::always_inline]] inline void down(const float* input, int64_t width, int64_t padded_width,
                                        const OperatorBlock& block, const float* weights,
                                        float* strip) {
  for (int64_t x = 0; x < padded_width; x += kLanes) {
    Lanes sum[Rows] = {};
    const float* from = input + block.begin * width + x;
    const float* weight = weights;
    for (int64_t k = block.begin; k < block.end; ++k, from += width, weight += Rows) {
      Lanes values;
      std::memcpy(&values, from, sizeof(values));
      for (int r = 0; r < Rows; ++r) {
        sum[r] += values * weight[r];
      }
    }
    for (int r = 0; r < Rows; ++r) {
      std::memcpy(strip + r * padded_width + x, &sum[r], sizeof(Lanes));
    }
  }
}

// The same, row by row over its band alone.
[[gnu::always_inline]] inline void down_taps(const BlockedOperator& op, const OperatorBlock& block,
                                             const float* input, float* strip) {
  for (int64_t r = 0; r < block.count; ++r) {
    const float* from = input + op.samples[block.first_samples + r] * op.in_width;
    const float* weights = op.tap_weights.data() + block.tap_weights + r * block.taps;
    for (int64_t x = 0; x < op.padded_width; x += kLanes) {
      Lanes sum = {};
      for (int64_t k = 0; k < block.taps; ++k) {
        Lanes values;
        std::memcpy(&values, from + k * op.in_width + x, sizeof(values));
        sum += values * weights[k];
      }
      std::memcpy(strip + r * op.padded_width + x, &sum, sizeof(sum));
    }
  }
}

[[gnu::always_inline]] inline void store(const Lanes& values, int64_t count, float* output) {
  if (count == kLanes) {
    std::memcpy(output, &values, sizeof(values));
  } else {  // an image narrower than a vector
    std::memcpy(output, &values, static_cast<size_t>(count) * sizeof(float));
  }
}

// One block of columns: output(r, ·) = Σ over samples k of strip(r, k) · weights(k, ·).
template <int Rows>
[[gnu::always_inline]] inline void across(const float* strip, int64_t padded_width,
                                          const OperatorBlock& block, const float* weights,
                                          float* output, int64_t width) {
  Lanes sum[Rows] = {};
  const float* weight = weights;
  for (int64_t k = block.begin; k < block.end; ++k, weight += kLanes) {
    Lanes values;
    std::memcpy(&values, weight, sizeof(values));
    for (int r = 0; r < Rows; ++r) {
      sum[r] += values * strip[r * padded_width + k];
    }
  }
  for (int r = 0; r < Rows; ++r) {
    store(sum[r], block.count, output + r * width);
  }
}

template <int Rows>
[[gnu::always_inline]] inline void apply_block(const BlockedOperator& op, const OperatorBlock& rows,
                                               const float* input, float* output, float* strip) {
  if (rows.taps != 0) {
    down_taps(op, rows, input, strip);
  } else {
    down<Rows>(input, op.in_width, op.padded_width, rows, op.row_weights.data() + rows.weights,
               strip);
  }
  for (const OperatorBlock& columns : op.column_blocks) {
    float* to = output + rows.first * op.width + columns.first;
    across<Rows>(strip, op.padded_width, columns, op.column_weights.data() + columns.weights, to,
                 op.width);
  }
}

IMGCOMP_CLONES void apply_blocks(const BlockedOperator& op, const float* input, float* output,
                                 float* strip) {
  for (const OperatorBlock& rows : op.row_blocks) {
    switch (rows.count) {
      case 1:
        apply_block<1>(op, rows, input, output, strip);
        break;
      case 2:
        apply_block<2>(op, rows, input, output, strip);
        break;
      case 3:
        apply_block<3>(op, rows, input, output, strip);
        break;
      case 4:
        apply_block<4>(op, rows, input, output, strip);
        break;
      case 5:
        apply_block<5>(op, rows, input, output, strip);
        break;
      case 6:
        apply_block<6>(op, rows, input, output, strip);
        break;
      case 7:
        apply_block<7>(op, rows, input, output, strip);
        break;
      default:
        apply_block<8>(op, rows, input, output, strip);
        break;
    }
  }
}

#ifdef IMGCOMP_PERMUTE
typedef int32_t Places __attribute__((vector_size(kLanes * sizeof(int32_t))));

// Images of at most two vectors' width and narrow bands: each row stays in registers between the
// two products, and one instruction finds sixteen columns' samples in it.
[[gnu::target("arch=x86-64-v4")]] void apply_taps(const BlockedOperator& op, const float* input,
                                                  float* output) {
  for (const OperatorBlock& rows : op.row_blocks) {
    for (int64_t r = 0; r < rows.count; ++r) {
      const float* from = input + op.samples[rows.first_samples + r] * op.in_width;
      const float* row_weights = op.tap_weights.data() + rows.tap_weights + r * rows.taps;
      Lanes low = {}, high = {};
      for (int64_t k = 0; k < rows.taps; ++k, from += op.in_width) {
        Lanes first, second;
        std::memcpy(&first, from, sizeof(first));
        std::memcpy(&second, from + op.padded_width - kLanes, sizeof(second));
        low += first * row_weights[k];
        high += second * row_weights[k];
      }
      for (const OperatorBlock& columns : op.column_blocks) {
        const int32_t* samples = op.samples.data() + columns.first_samples;
        const float* weights = op.tap_weights.data() + columns.tap_weights;
        Lanes sum = {};
        for (int64_t tap = 0; tap < columns.taps; ++tap) {
          Places places;
          Lanes weight;
          std::memcpy(&places, samples + tap * kLanes, sizeof(places));
          std::memcpy(&weight, weights + tap * kLanes, sizeof(weight));
          sum += __builtin_shuffle(low, high, places) * weight;
        }
        store(sum, columns.count, output + (rows.first + r) * op.width + columns.first);
      }
    }
  }
}

bool can_permute() {
  static const bool can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return can;
}
#endif

}  // namespace

BlockedOperator::BlockedOperator(const BandMatrix& rows, const BandMatrix& columns)
    : in_height(rows.columns),
      in_width(columns.columns),
      height(rows.size()),
      width(columns.size()),
      padded_width((columns.columns + kLanes - 1) / kLanes * kLanes) {
  // As few blocks as possible, of sizes as equal as possible.
  const int64_t count = (height + kMaxBlockRows - 1) / kMaxBlockRows;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = height * i / count;
    row_blocks.push_back(block_of_rows(rows, first, height * (i + 1) / count - first));
    append_weights(rows, row_blocks.back(), row_blocks.back().count, row_weights);
    add_row_taps(rows, row_blocks.back(), *this);
  }
  // Whole vectors; the last one overlaps its neighbour rather than the row's end.
  for (int64_t first = 0; first < width; first += kLanes) {
    const int64_t start = std::max<int64_t>(0, std::min(first, width - kLanes));
    column_blocks.push_back(block_of_rows(columns, start, std::min(kLanes, width)));
    append_weights(columns, column_blocks.back(), kLanes, column_weights);
    add_column_taps(columns, column_blocks.back(), *this);
  }
  const auto narrow = [](const OperatorBlock& block) { return block.taps != 0; };
  small = padded_width <= 2 * kLanes && std::all_of(row_blocks.begin(), row_blocks.end(), narrow) &&
          std::all_of(column_blocks.begin(), column_blocks.end(), narrow);
}

void BlockedOperator::apply(const float* input, float* output, float* strip) const {
#ifdef IMGCOMP_PERMUTE
  if (small && can_permute()) {
    return apply_taps(*this, input, output);
  }
#endif
  apply_blocks(*this, input, output, strip);
}

}  // namespace imgcomp

#include "preprocess/blocked_operator.h"

#include <algorithm>
#include <cstring>

#include "preprocess/simd.h"

namespace imgcomp {
namespace {

// The compiler splits it where the machine's registers are narrower.
typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));

OperatorBlock block_of_rows(const BandMatrix& matrix, int64_t first, int64_t count) {
  OperatorBlock block{first, count, matrix.columns, 0, 0};
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
  if (block.count == kLanes) {
    for (int r = 0; r < Rows; ++r) {
      std::memcpy(output + r * width, &sum[r], sizeof(Lanes));
    }
  } else {  // an image narrower than a vector
    for (int r = 0; r < Rows; ++r) {
      std::memcpy(output + r * width, &sum[r], static_cast<size_t>(block.count) * sizeof(float));
    }
  }
}

template <int Rows>
[[gnu::always_inline]] inline void apply_block(const BlockedOperator& op, const OperatorBlock& rows,
                                               const float* input, float* output, float* strip) {
  down<Rows>(input, op.in_width, op.padded_width, rows, op.row_weights.data() + rows.weights,
             strip);
  for (const OperatorBlock& columns : op.column_blocks) {
    across<Rows>(strip, op.padded_width, columns, op.column_weights.data() + columns.weights,
                 output + rows.first * op.width + columns.first, op.width);
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
  }
  // Whole vectors; the last one overlaps its neighbour rather than the row's end.
  for (int64_t first = 0; first < width; first += kLanes) {
    const int64_t start = std::max<int64_t>(0, std::min(first, width - kLanes));
    column_blocks.push_back(block_of_rows(columns, start, std::min(kLanes, width)));
    append_weights(columns, column_blocks.back(), kLanes, column_weights);
  }
}

void BlockedOperator::apply(const float* input, float* output, float* strip) const {
  apply_blocks(*this, input, output, strip);
}

}  // namespace imgcomp

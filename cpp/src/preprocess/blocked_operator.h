// Both axes' matrices in the form that the CPU multiplies an image's plane with.
#pragma once

#include <cstdint>
#include <vector>

#include "imgcomp/interpolation.h"

namespace imgcomp {

constexpr int64_t kLanes = 16;        // columns side by side in vector registers
constexpr int64_t kMaxBlockRows = 8;  // rows at once

// Neighbouring output rows or columns, and the input samples [begin, end) that any of them needs.
struct OperatorBlock {
  int64_t first, count;
  int64_t begin, end;
  int64_t weights;  // where its weights begin, (end − begin, count or kLanes)
  // Where the bands are much narrower than the block's samples: how many samples the widest has,
  // and where each one's first sample and weights begin. 0: the whole block is multiplied.
  int64_t taps = 0;
  int64_t first_samples = 0;  // rows: (count,); columns: (taps, kLanes)
  int64_t tap_weights = 0;    // rows: (count, taps); columns: (taps, kLanes)
};

struct BlockedOperator {
  BlockedOperator(const BandMatrix& rows, const BandMatrix& columns);

  // Values that apply() needs to work in, and past the end of its input.
  int64_t strip_size() const { return kMaxBlockRows * padded_width; }

  // input: (in_height, in_width), readable for kLanes values past its end. output: (height, width).
  void apply(const float* input, float* output, float* strip) const;

  int64_t in_height, in_width, height, width;
  int64_t padded_width;  // in_width rounded up to whole vectors
  std::vector<OperatorBlock> row_blocks, column_blocks;
  std::vector<float> row_weights, column_weights;
  bool small;  // at most two vectors wide, and all blocks have taps
  std::vector<int32_t> samples;
  std::vector<float> tap_weights;
};

}  // namespace imgcomp

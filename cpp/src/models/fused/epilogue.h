// What follows a convolution, on rows of one image that are still in the cache: dropping the
// channels that fill the vectors, relu, 2×2 max pooling; and the way back.
#pragma once

#include "models/direct/kernels.h"
#include "models/fused/plan.h"

namespace imgcomp::fused {

// One thread's; takes the convolution's rows as they come and finishes them.
class RowFinisher {
 public:
  // channels: of the rows that come, padded or not. rows: the most that come at once.
  RowFinisher(const Plan& plan, const direct::Kernels& pointwise, int64_t channels, int64_t rows);

  // Where rows from `first` on are to be written, (count, out_width, channels).
  float* rows(int64_t first, float* result) const;

  // Does the rest for rows [first, first + count). first is even, and so is count but at the end.
  void finish(int64_t first, int64_t count, float* result, uint8_t* choice) const;

 private:
  const Plan& plan_;
  const direct::Kernels& pointwise_;
  int64_t channels_;
  bool straight_;  // rows are written where the result is
  Scratch raw_, narrowed_;
};

// One thread's; the gradient of the convolution's own output from that of what followed it.
class GradientExpander {
 public:
  // channels: of the pixels that are wanted, padded (with zeros) or not; edge: columns of zeros at
  // both ends of each row.
  GradientExpander(const Plan& plan, const direct::Kernels& pointwise, int64_t channels,
                   int64_t edge);

  int64_t floats() const { return plan_.out_height * row_; }

  // Of one image, into `expanded` (out_height, edge + out_width + edge, channels).
  void expand(const Incoming& incoming, int64_t image, float* expanded) const;

 private:
  void place(const float* row, int64_t y, float* expanded) const;

  const Plan& plan_;
  const direct::Kernels& pointwise_;
  int64_t channels_, edge_, row_;
  bool straight_;  // rows need nothing around or between their pixels
  Scratch rows_;
};

}  // namespace imgcomp::fused

// SSIM of one plane at one scale, with its derivatives: the loops, compiled once for each
// instruction set. Raw pointers only: see images.h for the tensors.
#pragma once

#include <cstdint>

namespace imgcomp::similarity {

// Maps that are filtered together: x, y, (x − y)² and x · y; later what the sum's derivatives with
// respect to their windowed means are. The square of the difference, and not x² + y², makes equal
// images equal to the last bit.
inline constexpr int64_t kMaps = 4;

// How a plane is looked at.
struct Scale {
  int64_t height, width;  // no smaller than the window
  const double* weights;  // of the window, `window` of them, the same from both ends
  int64_t window;
  double c1, c2;   // what keeps the quotients finite
  bool luminance;  // luminance · contrast–structure; else contrast–structure alone

  int64_t out_height() const { return height - window + 1; }
  int64_t out_width() const { return width - window + 1; }

  // Values from one row of the scratch memory to the next: zeros on both sides of what is filtered,
  // as far as the widest vectors reach.
  int64_t span() const { return (width + 2 * (window - 1) + 23) / 8 * 8; }

  // Values that the loops work in: two rings of `window` rows of maps, and three rows.
  int64_t scratch() const { return (2 * window + 3) * kMaps * span(); }
};

struct Loops {
  // The sum over the window's positions. x, y: (height, width). The sum's derivatives go to to_x
  // and to_y, of the same shape, or both are null. scratch: memory of this call's own, any content.
  double (*sum)(const Scale& scale, const double* x, const double* y, double* to_x, double* to_y,
                double* scratch);
};

// The best for this processor; there always is one.
const Loops& best_loops();

const Loops& baseline_loops();
const Loops& avx2_loops();
const Loops& avx512_loops();

}  // namespace imgcomp::similarity

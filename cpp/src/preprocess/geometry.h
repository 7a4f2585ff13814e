// Where a pixel comes from under rotations by 90°, flips and shifts, for the CPU and CUDA alike.
#pragma once

#include <cstdint>

#include "preprocess/philox.h"
#include "preprocess/pixel.h"

namespace imgcomp {

enum class GeometryKind : int32_t { rotate90, flip, shift };

struct GeometryStep {
  GeometryKind kind;
  uint32_t step;              // number among the pipeline's random steps
  bool horizontal, vertical;  // flip: which axes may be turned round
  int32_t pixels;             // shift: by up to so many, each way
};

constexpr int kMaxGeometrySteps = 8;  // in one pass

// Output pixel (y, x) is source pixel (ty + yy·y + yx·x, tx + xy·y + xx·x) where it lies in rows
// [top, bottom) and columns [left, right); outside it has come in from beyond an edge.
struct Placement {
  int32_t yy = 1, yx = 0, ty = 0;
  int32_t xy = 0, xx = 1, tx = 0;
  int32_t top = 0, bottom = 0, left = 0, right = 0;
};

namespace detail {

// Only output pixels with 0 ≤ a·y + b·x + t < size stay; one of a and b is ±1, the other 0.
IMGCOMP_HOST_DEVICE inline void keep_within(Placement& p, int32_t a, int32_t b, int32_t t,
                                            int32_t size) {
  const bool rising = a + b > 0;
  const int32_t first = rising ? -t : t - size + 1;
  const int32_t last = rising ? size - t : t + 1;  // one past it
  int32_t& low = a != 0 ? p.top : p.left;
  int32_t& high = a != 0 ? p.bottom : p.right;
  low = low > first ? low : first;
  high = high < last ? high : last;
}

// The source row y becomes `size` − 1 − y, or the source column.
IMGCOMP_HOST_DEVICE inline void mirror(int32_t& from_y, int32_t& from_x, int32_t& t, int32_t size) {
  from_y = -from_y;
  from_x = -from_x;
  t = size - 1 - t;
}

}  // namespace detail

// What the steps, applied in order, do to one image; rotations only where height = width.
IMGCOMP_HOST_DEVICE inline Placement place(const GeometryStep* steps, int count, DrawKey key,
                                           int32_t height, int32_t width) {
  Placement p;
  p.bottom = height;
  p.right = width;
  // From the last step's output back to the source.
  for (int i = count - 1; i >= 0; --i) {
    const GeometryStep& step = steps[i];
    const Random4 random = draw(key, step.step, 0);
    if (step.kind == GeometryKind::rotate90) {
      // Quarter turns against the clock, as torch.rot90: out(y, x) = in(x, size − 1 − y).
      for (uint32_t turn = random.word[0] >> 30; turn > 0; --turn) {
        const Placement q = p;
        p.yy = q.xy, p.yx = q.xx, p.ty = q.tx;
        p.xy = q.yy, p.xx = q.yx, p.tx = q.ty;
        detail::mirror(p.xy, p.xx, p.tx, width);
      }
    } else if (step.kind == GeometryKind::flip) {
      if (step.horizontal && (random.word[0] >> 31) != 0) {
        detail::mirror(p.xy, p.xx, p.tx, width);
      }
      if (step.vertical && (random.word[1] >> 31) != 0) {
        detail::mirror(p.yy, p.yx, p.ty, height);
      }
    } else {
      const auto count_of = static_cast<uint32_t>(2 * step.pixels + 1);
      p.ty -= static_cast<int32_t>(draw_below(random.word[0], count_of)) - step.pixels;
      p.tx -= static_cast<int32_t>(draw_below(random.word[1], count_of)) - step.pixels;
      detail::keep_within(p, p.yy, p.yx, p.ty, height);
      detail::keep_within(p, p.xy, p.xx, p.tx, width);
    }
  }
  return p;
}

}  // namespace imgcomp

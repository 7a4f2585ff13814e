#include "models/fused/phase.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/stack.h>

namespace imgcomp::fused {

at::Tensor phase_convolution(const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& bias) {
  // Of three taps, an even output's last two and an odd one's first two meet the same pixel.
  const auto two_taps = [](const at::Tensor& taps, int64_t axis, int64_t phase) {
    const auto one = [&](int64_t i) { return taps.narrow(axis, i, 1); };
    return phase == 0 ? at::cat({one(0), one(1) + one(2)}, axis)
                      : at::cat({one(0) + one(1), one(2)}, axis);
  };
  const int64_t height = x.size(2), width = x.size(3);
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < 2; ++i) {
    std::vector<at::Tensor> columns;
    for (int64_t j = 0; j < 2; ++j) {
      const at::Tensor taps = two_taps(two_taps(weight, 2, i), 3, j);
      const at::Tensor phase = at::conv2d(x, taps, bias, {1, 1}, {1, 1});
      columns.push_back(phase.narrow(2, i, height).narrow(3, j, width));
    }
    rows.push_back(at::stack(columns, 4));  // (N, C', H, W, 2)
  }
  // (N, C', H, 2, W, 2): the phases between the pixels of each axis.
  return at::stack(rows, 3).reshape({x.size(0), weight.size(0), 2 * height, 2 * width});
}

}  // namespace imgcomp::fused

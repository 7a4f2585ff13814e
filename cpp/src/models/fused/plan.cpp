#include "models/fused/plan.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cstring>

namespace imgcomp::fused {

Plan::Plan(int64_t floats, const at::Tensor& x, const at::Tensor& weight, const Geometry& geometry,
           Around what)
    : vector(floats),
      n(x.size(0)),
      in_channels(x.size(1)),
      height(x.size(2)),
      width(x.size(3)),
      out_channels(weight.size(0)),
      padded_channels(round_up(out_channels, floats)),
      kernel{weight.size(2), weight.size(3)},
      stride(geometry.stride),
      padding(geometry.padding),
      plain(stride == Pair{1, 1} && geometry.even()),
      around(what) {
  const int64_t factor = around.upsample ? 2 : 1;
  const auto places = [&](size_t axis, int64_t size) {
    const int64_t padded = factor * size + padding[axis] + geometry.padding_after[axis];
    return (padded - kernel[axis]) / stride[axis] + 1;
  };
  out_height = places(0, height);
  out_width = places(1, width);
}

at::Tensor empty_images(int64_t n, int64_t channels, int64_t height, int64_t width) {
  return at::empty({n, channels, height, width}, at::TensorOptions(at::kFloat),
                   at::MemoryFormat::ChannelsLast);
}

Scratch::Scratch(int64_t floats)
    : tensor(at::empty({floats}, at::TensorOptions(at::kFloat))),
      data(tensor.mutable_data_ptr<float>()) {}

namespace {

// So few that calling memcpy would take longer than copying.
template <int64_t Channels>
void copy_few(int64_t pixels, const float* from, int64_t from_stride, float* to,
              int64_t to_stride) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    std::memcpy(to + pixel * to_stride, from + pixel * from_stride, Channels * sizeof(float));
  }
}

}  // namespace

void copy_pixels(int64_t pixels, int64_t channels, const float* from, int64_t from_stride,
                 float* to, int64_t to_stride) {
  if (from_stride == channels && to_stride == channels) {
    std::memcpy(to, from, static_cast<size_t>(pixels * channels) * sizeof(float));
    return;
  }
  switch (channels) {
    case 1:
      return copy_few<1>(pixels, from, from_stride, to, to_stride);
    case 2:
      return copy_few<2>(pixels, from, from_stride, to, to_stride);
    case 3:
      return copy_few<3>(pixels, from, from_stride, to, to_stride);
    default:
      for (int64_t pixel = 0; pixel < pixels; ++pixel) {
        std::memcpy(to + pixel * to_stride, from + pixel * from_stride,
                    static_cast<size_t>(channels) * sizeof(float));
      }
  }
}

Sums::Sums(int64_t weights, int64_t channels, const at::Tensor& so_far)
    : weight(so_far.defined()
                 ? so_far
                 : at::zeros({at::get_num_threads(), weights}, at::TensorOptions(at::kFloat))),
      bias(at::zeros({at::get_num_threads(), channels}, at::TensorOptions(at::kFloat))) {}

}  // namespace imgcomp::fused

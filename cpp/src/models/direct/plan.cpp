#include "models/direct/plan.h"

#include <cstring>

namespace imgcomp::direct {
namespace {

// Rows of (width, channels) with `padding` columns of zeros at both ends.
void pad_rows(const float* from, int64_t rows, int64_t width, int64_t channels, int64_t padding,
              float* to) {
  const int64_t edge = padding * channels;
  const int64_t inner = width * channels;
  for (int64_t y = 0; y < rows; ++y) {
    std::memset(to, 0, static_cast<size_t>(edge) * sizeof(float));
    std::memcpy(to + edge, from, static_cast<size_t>(inner) * sizeof(float));
    std::memset(to + edge + inner, 0, static_cast<size_t>(edge) * sizeof(float));
    from += inner;
    to += inner + 2 * edge;
  }
}

}  // namespace

at::Tensor empty_images(int64_t n, int64_t channels, int64_t height, int64_t width) {
  return at::empty({n, channels, height, width}, at::TensorOptions(at::kFloat),
                   at::MemoryFormat::ChannelsLast);
}

Scratch::Scratch(int64_t floats)
    : tensor(at::empty({floats}, at::TensorOptions(at::kFloat))),
      data(tensor.mutable_data_ptr<float>()) {}

Plan::Plan(const Kernels& k, const at::Tensor& x, const at::Tensor& weight, Pair pad,
           Epilogue after)
    : kernels(k),
      n(x.size(0)),
      in_channels(x.size(1)),
      height(x.size(2)),
      width(x.size(3)),
      out_channels(weight.size(0)),
      kernel{weight.size(2), weight.size(3)},
      padding(pad),
      epilogue(after),
      padded_width(width + 2 * pad[1]) {
  shape = {in_channels,
           height,
           padding[0],
           padded_width * in_channels,
           kernel[0],
           kernel[1],
           height + 2 * padding[0] - kernel[0] + 1,
           padded_width - kernel[1] + 1,
           round_up(out_channels, k.width)};
}

const float* Plan::padded_input(const float* image, float* scratch) const {
  if (padding[1] == 0) {
    return image;
  }
  pad_rows(image, height, width, in_channels, padding[1], scratch);
  return scratch;
}

void narrow_pixels(const float* from, int64_t pixels, int64_t padded, int64_t channels, float* to) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    std::memcpy(to + pixel * channels, from + pixel * padded,
                static_cast<size_t>(channels) * sizeof(float));
  }
}

}  // namespace imgcomp::direct

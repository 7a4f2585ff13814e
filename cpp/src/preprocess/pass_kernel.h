// The launcher of the CUDA kernels in pass.cu, and the mathematics of one value of a pass. Raw
// pointers only, so that the kernel file needs the CUDA runtime alone.
#pragma once

#include <cstdint>

#include "preprocess/geometry.h"
#include "preprocess/noise.h"
#include "preprocess/pixel.h"

namespace imgcomp::cuda {

// (value − center) · gain, per channel or per element; null: nothing.
struct AffineView {
  const float* center;
  const float* gain;
  bool per_element;
};

// A band matrix: row r has `width` weights from column begin[r] on, the last of them 0 where its
// band is shorter.
struct BandView {
  const int32_t* begin;
  const float* weights;
  int32_t width;
};

struct PassArguments {
  const void* images;      // (N, channels, in_height, in_width)
  bool bytes;              // uint8, else float32
  const int64_t* index;    // (count,): which images; null: all in their order
  const int64_t* numbers;  // (count,): what their random numbers are drawn for
  int64_t count;
  uint64_t key;  // of seed and epoch
  int32_t channels, in_height, in_width, height, width;

  GeometryStep geometry[kMaxGeometrySteps];
  int32_t geometry_steps;
  const float* fill;  // (channels,)
  AffineView before;
  bool has_operator;
  BandView rows, columns;
  AffineView after;
  NoiseStep noise[kMaxNoiseSteps];
  int32_t noise_steps;

  void* output;  // (count, channels, height, width), or (count, height, width, channels)
  bool bfloat16, channels_last;
  float* strip;  // (count, channels, height, in_width) where use_shared() is false
};

// Whether a pass with an operator fits into a block's shared memory; it takes no strip then.
bool use_shared(const PassArguments& arguments);

// stream: a cudaStream_t. Throws std::runtime_error with CUDA's message if a launch fails.
void launch_pass(const PassArguments& arguments, void* stream);

IMGCOMP_HOST_DEVICE inline float apply_affine(const AffineView& affine, float value,
                                              int64_t channel, int64_t area, int64_t pixel) {
  if (affine.center == nullptr) {
    return value;
  }
  const int64_t i = affine.per_element ? channel * area + pixel : channel;
  return standardize(value, affine.center[i], affine.gain[i]);
}

// Value (y, x) of a plane after gathering, geometry and the first affine map.
IMGCOMP_HOST_DEVICE inline float input_value(const PassArguments& a, int64_t image, int64_t channel,
                                             const Placement& p, int32_t y, int32_t x) {
  float value = a.fill[channel];
  const int64_t area = static_cast<int64_t>(a.in_height) * a.in_width;
  if (y >= p.top && y < p.bottom && x >= p.left && x < p.right) {
    const int64_t source = a.index != nullptr ? a.index[image] : image;
    const int64_t row = p.ty + p.yy * y + p.yx * x;
    const int64_t column = p.tx + p.xy * y + p.xx * x;
    const int64_t i = (source * a.channels + channel) * area + row * a.in_width + column;
    value = a.bytes ? static_cast<float>(static_cast<const uint8_t*>(a.images)[i])
                    : static_cast<const float*>(a.images)[i];
  }
  return apply_affine(a.before, value, channel, area, static_cast<int64_t>(y) * a.in_width + x);
}

IMGCOMP_HOST_DEVICE inline Placement place_image(const PassArguments& a, int64_t image) {
  return place(a.geometry, a.geometry_steps, {a.key, static_cast<uint64_t>(a.numbers[image])},
               a.in_height, a.in_width);
}

// Row r of the matrix times values[0], values[stride], …
IMGCOMP_HOST_DEVICE inline float dot_band(const BandView& band, int32_t r, const float* values,
                                          int32_t stride) {
  const float* weights = band.weights + static_cast<int64_t>(r) * band.width;
  const float* from = values + static_cast<int64_t>(band.begin[r]) * stride;
  float sum = 0.0f;
  for (int32_t k = 0; k < band.width; ++k) {
    sum += weights[k] * from[static_cast<int64_t>(k) * stride];
  }
  return sum;
}

// The second affine map, the noise, and into memory.
IMGCOMP_HOST_DEVICE inline void store_value(const PassArguments& a, int64_t image, int64_t channel,
                                            int64_t pixel, float value) {
  const int64_t area = static_cast<int64_t>(a.height) * a.width;
  value = apply_affine(a.after, value, channel, area, pixel);
  const DrawKey key{a.key, static_cast<uint64_t>(a.numbers[image])};
  for (int32_t i = 0; i < a.noise_steps; ++i) {
    value = add_noise(value, channel * area + pixel, key, a.noise[i]);
  }
  const int64_t place = image * a.channels * area +
                        (a.channels_last ? pixel * a.channels + channel : channel * area + pixel);
  if (a.bfloat16) {
    static_cast<uint16_t*>(a.output)[place] = round_to_bfloat16(value);
  } else {
    static_cast<float*>(a.output)[place] = value;
  }
}

}  // namespace imgcomp::cuda

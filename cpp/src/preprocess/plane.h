// Loops over one plane (one channel of one image) on the CPU, compiled for several instruction
// sets.
#pragma once

#include <cstdint>

#include "preprocess/geometry.h"
#include "preprocess/noise.h"

namespace imgcomp::plane {

// output[i] = (source[i] − center) · gain, with a center and gain for each value where
// `per_element`, else one; null: the values alone. `source` may be `output`.
void map(const uint8_t* source, int64_t count, const float* center, const float* gain,
         bool per_element, float* output);
void map(const float* source, int64_t count, const float* center, const float* gain,
         bool per_element, float* output);

// The pixels moved as `placement` says; `fill` where they come from outside.
void move(const uint8_t* source, int32_t height, int32_t width, const Placement& placement,
          float fill, float* output);
void move(const float* source, int32_t height, int32_t width, const Placement& placement,
          float fill, float* output);

// first: the number that the plane's first value has within its image.
void add_noise(float* values, int64_t count, int64_t first, DrawKey key, const NoiseStep& noise);

// (channels, area) → (area, channels).
void interleave(const float* planes, int64_t channels, int64_t area, float* output);
void interleave(const uint16_t* planes, int64_t channels, int64_t area, uint16_t* output);

// Rounded to the nearest bfloat16, ties to even.
void to_bfloat16(const float* values, int64_t count, uint16_t* output);

// Copies past the caches: the memory of a result much larger than they are need not be read before
// it is written. end_stream() comes before another thread may look.
void stream(const void* source, int64_t bytes, void* output);
void end_stream();

}  // namespace imgcomp::plane

// The mathematics of one pixel, written once for the CPU loops and the CUDA kernels.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define IMGCOMP_HOST_DEVICE __host__ __device__
#else
#define IMGCOMP_HOST_DEVICE
#endif

namespace imgcomp {

// Byte 0 → low, byte 255 → low + span. The division comes first, so that for the range [0, 1] the
// result is the correctly rounded v / 255, as everywhere else.
IMGCOMP_HOST_DEVICE inline float scale_byte(uint8_t value, float span, float low) {
  return static_cast<float>(value) / 255.0f * span + low;
}

}  // namespace imgcomp

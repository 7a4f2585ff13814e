// The mathematics of one pixel, written once for the CPU loops and the CUDA kernels.
#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define IMGCOMP_HOST_DEVICE __host__ __device__
#else
#define IMGCOMP_HOST_DEVICE
#endif

namespace imgcomp {

// Byte 0 → low, byte 255 → low + span. The division comes first, so that for the range [0, 1] the
// result is the correctly rounded v / 255, as everywhere else.
IMGCOMP_HOST_DEVICE inline float scale_byte(uint8_t value, float span, float low) {
#ifdef __CUDA_ARCH__
  // Not fused into one multiply–add, as nvcc would: the CPU rounds twice, and both shall agree.
  return __fadd_rn(__fmul_rn(static_cast<float>(value) / 255.0f, span), low);
#else
  return static_cast<float>(value) / 255.0f * span + low;
#endif
}

// The nearest bfloat16, ties to even.
IMGCOMP_HOST_DEVICE inline uint16_t round_to_bfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  return static_cast<uint16_t>(value != value ? 0x7FC0U : rounded);
}

// The two numbers of an affine map, such as a standardisation. Subtracting first keeps a value that
// equals `center` exactly 0, whatever the gain.
IMGCOMP_HOST_DEVICE inline float standardize(float value, float center, float gain) {
  return (value - center) * gain;
}

}  // namespace imgcomp

// Random numbers that are a function of where they are needed: Philox 4×32-10 (Salmon et al. 2011,
// "Parallel random numbers: as easy as 1, 2, 3"), for the CPU loops and the CUDA kernels alike.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "preprocess/pixel.h"

namespace imgcomp {

struct Random4 {
  uint32_t word[4];
};

constexpr int kPhiloxRounds = 10;

struct PhiloxKey {
  IMGCOMP_HOST_DEVICE explicit PhiloxKey(uint64_t key)
      : low(static_cast<uint32_t>(key)), high(static_cast<uint32_t>(key >> 32)) {}
  IMGCOMP_HOST_DEVICE void advance() {
    low += 0x9E3779B9U;
    high += 0xBB67AE85U;
  }
  uint32_t low, high;
};

IMGCOMP_HOST_DEVICE inline void philox_round(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3,
                                             PhiloxKey key) {
  const uint64_t p0 = static_cast<uint64_t>(0xD2511F53U) * c0;
  const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57U) * c2;
  c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ key.low;
  c1 = static_cast<uint32_t>(p1);
  c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ key.high;
  c3 = static_cast<uint32_t>(p0);
}

// Four random words for a 128-bit counter under a 64-bit key.
IMGCOMP_HOST_DEVICE inline Random4 philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3,
                                          uint64_t key) {
  PhiloxKey round_key(key);
  for (int round = 0; round < kPhiloxRounds; ++round, round_key.advance()) {
    philox_round(c0, c1, c2, c3, round_key);
  }
  return {{c0, c1, c2, c3}};
}

// Which draws are meant: the run's key (seed and epoch), the image's number in its data set, and
// which of the pipeline's random steps.
struct DrawKey {
  uint64_t key;
  uint64_t image;
};

IMGCOMP_HOST_DEVICE inline Random4 draw(DrawKey from, uint32_t step, uint32_t block) {
  return philox(block, step, static_cast<uint32_t>(from.image),
                static_cast<uint32_t>(from.image >> 32), from.key);
}

// Value e of an image takes word (e / 16) % 4 of block (e / 64) · 16 + e % 16: sixteen blocks side
// by side give 64 values in order, which suits vector code.
constexpr int64_t kBlocksAbreast = 16;
constexpr int64_t kValuesAbreast = 4 * kBlocksAbreast;

IMGCOMP_HOST_DEVICE inline uint32_t block_of(int64_t value) {
  return static_cast<uint32_t>(value / kValuesAbreast * kBlocksAbreast + value % kBlocksAbreast);
}
IMGCOMP_HOST_DEVICE inline int word_of(int64_t value) {
  return static_cast<int>(value / kBlocksAbreast % 4);
}

// A whole number in 0 … count − 1.
IMGCOMP_HOST_DEVICE inline int64_t draw_below(uint32_t word, uint32_t count) {
  return static_cast<int64_t>((static_cast<uint64_t>(word) * count) >> 32);
}

// The next functions are written out, so that the CPU's vector code and a GPU take the same steps.

// ln x for a positive, normal x (Cephes; to about 1e-7 of the result).
IMGCOMP_HOST_DEVICE inline float natural_logarithm(float x) {
  int32_t bits;
  memcpy(&bits, &x, sizeof(bits));
  // x = m · 2^e with m in [√½, √2).
  const int32_t exponent = (bits - 0x3F3504F3) >> 23;
  bits -= exponent * (1 << 23);
  float m;
  memcpy(&m, &bits, sizeof(m));
  m -= 1.0f;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const float square = m * m;
  const auto e = static_cast<float>(exponent);
  return (m + (p * m * square - 0.5f * square - 2.12194440e-4f * e)) + 0.693359375f * e;
}

// Two independent standard normal values of two random words (Box and Muller), at most 6.8 in size.
IMGCOMP_HOST_DEVICE inline void normal_pair(uint32_t first, uint32_t second, float& a, float& b) {
  const float uniform = (static_cast<float>(first) + 0.5f) * 2.3283064365386963e-10f;  // 2^-32
  const float radius = sqrtf(-2.0f * natural_logarithm(uniform));
  // The angle's top two bits choose the quarter of the circle, the others the place in it.
  const uint32_t quarter = second >> 30;
  const float angle = static_cast<float>(static_cast<int32_t>(second << 2 >> 2) - (1 << 29)) *
                      1.4629180792671596e-9f;
  const float square = angle * angle;  // |angle| ≤ π/4
  const float sine =
      angle + angle * square *
                  (-1.6666654611e-1f + square * (8.3321608736e-3f - square * 1.9515295891e-4f));
  const float cosine = 1.0f - 0.5f * square +
                       square * square *
                           (4.166664568298827e-2f +
                            square * (-1.388731625493765e-3f + square * 2.443315711809948e-5f));
  const bool odd = (quarter & 1U) != 0;
  const float x = odd ? -sine : cosine;
  const float y = odd ? cosine : sine;
  const float sign = (quarter & 2U) != 0 ? -radius : radius;
  a = sign * x;
  b = sign * y;
}

}  // namespace imgcomp

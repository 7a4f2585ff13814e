// Noise on one value, for the CPU loops and the CUDA kernels alike.
#pragma once

#include <cstdint>

#include "preprocess/philox.h"
#include "preprocess/pixel.h"

namespace imgcomp {

enum class NoiseKind : int32_t { gaussian, salt_and_pepper };

struct NoiseStep {
  NoiseKind kind;
  uint32_t step;       // number among the pipeline's random steps
  float deviation;     // gaussian
  uint32_t threshold;  // salt and pepper: words below become `low`, as many above it `high`
  float low, high;
};

constexpr int kMaxNoiseSteps = 8;  // in one pass

IMGCOMP_HOST_DEVICE inline float add_gaussian(float value, float normal, const NoiseStep& noise) {
  return value + normal * noise.deviation;
}

IMGCOMP_HOST_DEVICE inline float salt_and_pepper(float value, uint32_t word,
                                                 const NoiseStep& noise) {
  const float peppered = word < noise.threshold ? noise.low : value;
  return word - noise.threshold < noise.threshold ? noise.high : peppered;
}

// Value number `element` of an image with its noise.
IMGCOMP_HOST_DEVICE inline float add_noise(float value, int64_t element, DrawKey key,
                                           const NoiseStep& noise) {
  const Random4 random = draw(key, noise.step, block_of(element));
  const int word = word_of(element);
  if (noise.kind == NoiseKind::salt_and_pepper) {
    return salt_and_pepper(value, random.word[word], noise);
  }
  float normal[2];
  normal_pair(random.word[word & 2], random.word[(word & 2) + 1], normal[0], normal[1]);
  return add_gaussian(value, normal[word & 1], noise);
}

}  // namespace imgcomp

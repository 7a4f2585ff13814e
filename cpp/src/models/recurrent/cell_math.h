// The pointwise mathematics of recurrent cells, one value at a time, written once for the CPU loops
// and the CUDA kernels. Everything in float32; no branches, so that loops over it become vectors.
#pragma once

#include <cstdint>
#include <cstring>

#include "preprocess/pixel.h"

namespace imgcomp::recurrent {

// e^x to two units in the last place: 2^n · e^r with |r| ≤ ln 2 / 2 (Cody and Waite 1980, "Software
// Manual for the Elementary Functions"; the coefficients of Cephes' expf).
IMGCOMP_HOST_DEVICE inline float exponential(float x) {
#ifdef __CUDA_ARCH__
  return expf(x);
#else
  const float bounded = x < -87.0F ? -87.0F : (x > 88.0F ? 88.0F : x);
  // Adding and subtracting 1.5 · 2²³ rounds to a whole number.
  const float magic = 12582912.0F;
  const float n = (bounded * 1.44269504F + magic) - magic;
  const float r = (bounded - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const float value = p * r * r + r + 1.0F;
  const int32_t exponent = (static_cast<int32_t>(n) + 127) << 23;
  float scale;
  memcpy(&scale, &exponent, sizeof(scale));
  return x != x ? x : value * scale;  // NaN stays NaN
#endif
}

IMGCOMP_HOST_DEVICE inline float sigmoid(float x) {
  return 1.0F / (1.0F + exponential(-x));
}

// Through the sigmoid: off by at most 1.2e-7, which is what float32 holds of values near 1.
IMGCOMP_HOST_DEVICE inline float hyperbolic_tangent(float x) {
  return 2.0F * sigmoid(2.0F * x) - 1.0F;
}

// The long short-term memory without peepholes (Toderici et al. 2017, section 3.1). Gates are what
// the convolutions give, before their activations.
struct LstmGates {
  float input, forget, output, candidate;
};

struct LstmState {
  float cell, hidden;
};

IMGCOMP_HOST_DEVICE inline LstmState lstm(LstmGates g, float cell) {
  const float next = sigmoid(g.forget) * cell + sigmoid(g.input) * hyperbolic_tangent(g.candidate);
  return {next, sigmoid(g.output) * hyperbolic_tangent(next)};
}

struct LstmGradient {
  LstmGates gates;
  float cell;  // of the cell that came in
};

// Everything that lstm computes is computed again: it is cheaper than to keep it. next: lstm's
// cell.
IMGCOMP_HOST_DEVICE inline LstmGradient lstm_gradient(LstmGates g, float cell, float next,
                                                      LstmState gradient) {
  const float i = sigmoid(g.input), f = sigmoid(g.forget), o = sigmoid(g.output);
  const float j = hyperbolic_tangent(g.candidate), squashed = hyperbolic_tangent(next);
  const float d = gradient.cell + gradient.hidden * o * (1.0F - squashed * squashed);
  return {{d * j * i * (1.0F - i), d * cell * f * (1.0F - f),
           gradient.hidden * squashed * o * (1.0F - o), d * i * (1.0F - j * j)},
          d * f};
}

// The gated recurrent unit (Toderici et al. 2017, section 3.1), whose candidate needs a convolution
// of reset ∘ hidden in between: the gates first, then the state.
struct GruGates {
  float update, reset;
};

IMGCOMP_HOST_DEVICE inline float gru_reset(float reset, float hidden) {
  return sigmoid(reset) * hidden;
}

struct GruResetGradient {
  float reset, hidden;
};

IMGCOMP_HOST_DEVICE inline GruResetGradient gru_reset_gradient(float reset, float hidden,
                                                               float gradient) {
  const float r = sigmoid(reset);
  return {gradient * hidden * r * (1.0F - r), gradient * r};
}

IMGCOMP_HOST_DEVICE inline float gru(float update, float candidate, float hidden) {
  const float z = sigmoid(update);
  return (1.0F - z) * hidden + z * hyperbolic_tangent(candidate);
}

struct GruGradient {
  float update, candidate, hidden;
};

IMGCOMP_HOST_DEVICE inline GruGradient gru_gradient(float update, float candidate, float hidden,
                                                    float gradient) {
  const float z = sigmoid(update), tangent = hyperbolic_tangent(candidate);
  return {gradient * (tangent - hidden) * z * (1.0F - z), gradient * z * (1.0F - tangent * tangent),
          gradient * (1.0F - z)};
}

}  // namespace imgcomp::recurrent

// The pointwise mathematics of recurrent cells, one value at a time, written once for the CPU loops
// and the CUDA kernels. Everything in float32; no branches, so that loops over it become vectors.
#pragma once

#include <cstdint>
#include <cstring>

#include "preprocess/pixel.h"

// Into the loop, wherever it is compiled: the linker must never find a copy for other processors.
#define IMGCOMP_IN_LOOP IMGCOMP_HOST_DEVICE __attribute__((always_inline)) inline

namespace imgcomp::recurrent {

// e^x to two units in the last place: 2^n · e^r with |r| ≤ ln 2 / 2 (Cody and Waite 1980, "Software
// Manual for the Elementary Functions"; the coefficients of Cephes' expf).
IMGCOMP_IN_LOOP float exponential(float x) {
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

IMGCOMP_IN_LOOP float sigmoid(float x) {
  return 1.0F / (1.0F + exponential(-x));
}

// Through the sigmoid: off by at most 1.2e-7, which is what float32 holds of values near 1.
IMGCOMP_IN_LOOP float hyperbolic_tangent(float x) {
  return 2.0F * sigmoid(2.0F * x) - 1.0F;
}

// The long short-term memory without peepholes (Toderici et al. 2017, section 3.1). Gates are what
// the convolutions give, before their activations.
struct LstmGates {
  float forget, input, output, candidate;
};

struct LstmState {
  float cell, hidden;
};

IMGCOMP_IN_LOOP LstmState lstm(LstmGates g, float cell) {
  const float next = sigmoid(g.forget) * cell + sigmoid(g.input) * hyperbolic_tangent(g.candidate);
  return {next, sigmoid(g.output) * hyperbolic_tangent(next)};
}

struct LstmGradient {
  LstmGates gates;
  float cell;  // of the cell that came in
};

// Everything that lstm computes is computed again: it is cheaper than to keep it. next: lstm's
// cell.
IMGCOMP_IN_LOOP LstmGradient lstm_gradient(LstmGates g, float cell, float next,
                                           LstmState gradient) {
  const float i = sigmoid(g.input), f = sigmoid(g.forget), o = sigmoid(g.output);
  const float j = hyperbolic_tangent(g.candidate), squashed = hyperbolic_tangent(next);
  const float d = gradient.cell + gradient.hidden * o * (1.0F - squashed * squashed);
  return {{d * cell * f * (1.0F - f), d * j * i * (1.0F - i),
           gradient.hidden * squashed * o * (1.0F - o), d * i * (1.0F - j * j)},
          d * f};
}

// The gated recurrent unit (Toderici et al. 2017, section 3.1), whose candidate needs a convolution
// of reset ∘ hidden in between: the gates first, then the state.
IMGCOMP_IN_LOOP float gru_reset(float reset, float hidden) {
  return sigmoid(reset) * hidden;
}

struct GruResetGradient {
  float reset, hidden;
};

IMGCOMP_IN_LOOP GruResetGradient gru_reset_gradient(float reset, float hidden, float gradient) {
  const float r = sigmoid(reset);
  return {gradient * hidden * r * (1.0F - r), gradient * r};
}

IMGCOMP_IN_LOOP float gru(float update, float candidate, float hidden) {
  const float z = sigmoid(update);
  return (1.0F - z) * hidden + z * hyperbolic_tangent(candidate);
}

struct GruGradient {
  float update, candidate, hidden;
};

IMGCOMP_IN_LOOP GruGradient gru_gradient(float update, float candidate, float hidden,
                                         float gradient) {
  const float z = sigmoid(update), tangent = hyperbolic_tangent(candidate);
  return {gradient * (tangent - hidden) * z * (1.0F - z), gradient * z * (1.0F - tangent * tangent),
          gradient * (1.0F - z)};
}

// Halves of a state's channels, as the associative LSTM has them.
struct Complex {
  float real, imaginary;
};

IMGCOMP_IN_LOOP Complex add(Complex a, Complex b) {
  return {a.real + b.real, a.imaginary + b.imaginary};
}

IMGCOMP_IN_LOOP Complex scale(float factor, Complex a) {
  return {factor * a.real, factor * a.imaginary};
}

IMGCOMP_IN_LOOP Complex multiply(Complex a, Complex b) {
  return {a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real};
}

// conj(a) · b: the gradient of a product is the other factor's conjugate times that of the result.
IMGCOMP_IN_LOOP Complex multiply_conjugate(Complex a, Complex b) {
  return {a.real * b.real + a.imaginary * b.imaginary, a.real * b.imaginary - a.imaginary * b.real};
}

IMGCOMP_IN_LOOP float dot(Complex a, Complex b) {
  return a.real * b.real + a.imaginary * b.imaginary;
}

// What brings z into the unit circle: 1 / max(1, |z|).
IMGCOMP_IN_LOOP float bounding_factor(Complex z) {
  const float square = dot(z, z), least = square < 1.0F ? 1.0F : square;
#ifdef __CUDA_ARCH__
  return 1.0F / sqrtf(least);
#else
  return 1.0F / __builtin_sqrtf(least);
#endif
}

IMGCOMP_IN_LOOP Complex bound(Complex z) {
  return scale(bounding_factor(z), z);
}

// Outside the circle only what goes around it gets through.
IMGCOMP_IN_LOOP Complex bound_gradient(Complex z, Complex gradient) {
  const float factor = bounding_factor(z);
  const Complex bounded = scale(factor, z);
  const float outward = dot(z, z) > 1.0F ? dot(bounded, gradient) : 0.0F;
  return scale(factor, {gradient.real - outward * bounded.real,
                        gradient.imaginary - outward * bounded.imaginary});
}

// The associative LSTM with one copy of its memory (Toderici et al. 2017, section 3.1, after
// Danihelka et al. 2016, "Associative Long Short-Term Memory"): one value of each real gate for a
// complex number of the state.
struct AssociativeGates {
  float forget, input, output;
  Complex candidate, input_key, output_key;
};

struct AssociativeState {
  Complex cell, hidden;
};

IMGCOMP_IN_LOOP AssociativeState associative(AssociativeGates g, Complex cell) {
  const Complex stored = multiply(bound(g.input_key), bound(g.candidate));
  const Complex next = add(scale(sigmoid(g.forget), cell), scale(sigmoid(g.input), stored));
  const Complex found = bound(multiply(bound(g.output_key), next));
  return {next, scale(sigmoid(g.output), found)};
}

struct AssociativeGradient {
  AssociativeGates gates;
  Complex cell;  // of the cell that came in
};

// As lstm_gradient.
IMGCOMP_IN_LOOP AssociativeGradient associative_gradient(AssociativeGates g, Complex cell,
                                                         Complex next, AssociativeState gradient) {
  const float i = sigmoid(g.input), f = sigmoid(g.forget), o = sigmoid(g.output);
  const Complex j = bound(g.candidate), in = bound(g.input_key), out = bound(g.output_key);
  const Complex looked_up = multiply(out, next);
  const Complex d_found = bound_gradient(looked_up, scale(o, gradient.hidden));
  const Complex d = add(gradient.cell, multiply_conjugate(out, d_found));
  const Complex d_stored = scale(i, d);
  return {{dot(d, cell) * f * (1.0F - f), dot(d, multiply(in, j)) * i * (1.0F - i),
           dot(gradient.hidden, bound(looked_up)) * o * (1.0F - o),
           bound_gradient(g.candidate, multiply_conjugate(in, d_stored)),
           bound_gradient(g.input_key, multiply_conjugate(j, d_stored)),
           bound_gradient(g.output_key, multiply_conjugate(next, d_found))},
          scale(f, d)};
}

}  // namespace imgcomp::recurrent

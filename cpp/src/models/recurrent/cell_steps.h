// The steps of recurrent cells: their tensors as raw pointers, and what is done at one channel of
// one pixel, for the CPU loops and the CUDA kernels alike. All tensors are float32. A pixel's
// values lie together, `channels` for each kind of gate, one kind after the other; images whose
// channels are planes can be taken as one pixel each, with channels · height · width channels.
#pragma once

#include <cstdint>

#include "models/recurrent/cell_math.h"

namespace imgcomp::recurrent {

// A state's values for each pixel; `stride` floats from pixel to pixel, 0 where all pixels have
// the same (such as a state that is still zero).
struct Values {
  const float* data;
  int64_t stride;

  IMGCOMP_IN_LOOP const float* at(int64_t pixel) const { return data + pixel * stride; }
};

// gates: (pixels, 4 · channels): input, forget, output, candidate.
struct LstmForward {
  const float* gates;
  Values cell;
  float *next, *hidden;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const float* g = gates + pixel * 4 * channels + c;
    const LstmState state =
        lstm({g[0], g[channels], g[2 * channels], g[3 * channels]}, cell.at(pixel)[c]);
    next[pixel * channels + c] = state.cell;
    hidden[pixel * channels + c] = state.hidden;
  }
};

// next: the cell that the forward step has made.
struct LstmBackward {
  const float* gates;
  Values cell;
  const float* next;
  Values next_gradient, hidden_gradient;
  float *gates_gradient, *cell_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const float* g = gates + pixel * 4 * channels + c;
    const LstmGradient gradient = lstm_gradient(
        {g[0], g[channels], g[2 * channels], g[3 * channels]}, cell.at(pixel)[c],
        next[pixel * channels + c], {next_gradient.at(pixel)[c], hidden_gradient.at(pixel)[c]});
    float* to = gates_gradient + pixel * 4 * channels + c;
    to[0] = gradient.gates.input;
    to[channels] = gradient.gates.forget;
    to[2 * channels] = gradient.gates.output;
    to[3 * channels] = gradient.gates.candidate;
    cell_gradient[pixel * channels + c] = gradient.cell;
  }
};

// Complex numbers are two channels of a state, `apart` from each other: first all real parts.
IMGCOMP_IN_LOOP Complex complex_at(const float* values, int64_t apart) {
  return {values[0], values[apart]};
}

IMGCOMP_IN_LOOP void put_complex(float* to, int64_t apart, Complex value) {
  to[0] = value.real;
  to[apart] = value.imaginary;
}

IMGCOMP_IN_LOOP AssociativeGates associative_gates(const float* g, int64_t channels) {
  return {g[0],
          g[channels],
          g[2 * channels],
          complex_at(g + 3 * channels, channels),
          complex_at(g + 5 * channels, channels),
          complex_at(g + 7 * channels, channels)};
}

// channels: complex ones, so that states have twice as many. gates: (pixels, 9 · channels): input,
// forget, output; then of twice the channels each candidate, input key, output key.
struct AssociativeForward {
  const float* gates;
  Values cell;
  float *next, *hidden;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const AssociativeState state =
        associative(associative_gates(gates + pixel * 9 * channels + c, channels),
                    complex_at(cell.at(pixel) + c, channels));
    put_complex(next + pixel * 2 * channels + c, channels, state.cell);
    put_complex(hidden + pixel * 2 * channels + c, channels, state.hidden);
  }
};

struct AssociativeBackward {
  const float* gates;
  Values cell;
  const float* next;
  Values next_gradient, hidden_gradient;
  float *gates_gradient, *cell_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const AssociativeGradient gradient =
        associative_gradient(associative_gates(gates + pixel * 9 * channels + c, channels),
                             complex_at(cell.at(pixel) + c, channels),
                             complex_at(next + pixel * 2 * channels + c, channels),
                             {complex_at(next_gradient.at(pixel) + c, channels),
                              complex_at(hidden_gradient.at(pixel) + c, channels)});
    float* to = gates_gradient + pixel * 9 * channels + c;
    to[0] = gradient.gates.input;
    to[channels] = gradient.gates.forget;
    to[2 * channels] = gradient.gates.output;
    put_complex(to + 3 * channels, channels, gradient.gates.candidate);
    put_complex(to + 5 * channels, channels, gradient.gates.input_key);
    put_complex(to + 7 * channels, channels, gradient.gates.output_key);
    put_complex(cell_gradient + pixel * 2 * channels + c, channels, gradient.cell);
  }
};

// gates: (pixels, 2 · channels): update, reset. result: reset ∘ hidden.
struct GruResetForward {
  const float* gates;
  Values hidden;
  float* result;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    result[pixel * channels + c] =
        gru_reset(gates[(2 * pixel + 1) * channels + c], hidden.at(pixel)[c]);
  }
};

struct GruResetBackward {
  const float* gates;
  Values hidden;
  const float* gradient;
  float *gates_gradient, *hidden_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const GruResetGradient found = gru_reset_gradient(
        gates[(2 * pixel + 1) * channels + c], hidden.at(pixel)[c], gradient[pixel * channels + c]);
    gates_gradient[2 * pixel * channels + c] = 0.0F;
    gates_gradient[(2 * pixel + 1) * channels + c] = found.reset;
    hidden_gradient[pixel * channels + c] = found.hidden;
  }
};

struct GruForward {
  const float *gates, *candidate;
  Values hidden;
  float* next;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    next[pixel * channels + c] =
        gru(gates[2 * pixel * channels + c], candidate[pixel * channels + c], hidden.at(pixel)[c]);
  }
};

struct GruBackward {
  const float *gates, *candidate;
  Values hidden;
  const float* gradient;
  float *gates_gradient, *candidate_gradient, *hidden_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const GruGradient found =
        gru_gradient(gates[2 * pixel * channels + c], candidate[pixel * channels + c],
                     hidden.at(pixel)[c], gradient[pixel * channels + c]);
    gates_gradient[2 * pixel * channels + c] = found.update;
    gates_gradient[(2 * pixel + 1) * channels + c] = 0.0F;
    candidate_gradient[pixel * channels + c] = found.candidate;
    hidden_gradient[pixel * channels + c] = found.hidden;
  }
};

}  // namespace imgcomp::recurrent

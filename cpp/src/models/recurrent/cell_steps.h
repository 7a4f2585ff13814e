// The steps of recurrent cells: their tensors as raw pointers, and what is done at one channel of
// one pixel, for the CPU loops and the CUDA kernels alike. All tensors are float32. A pixel's
// values lie together, `channels` for each kind of gate, one kind after the other; images whose
// channels are planes can be taken as one pixel each, with channels · height · width channels.
//
// kWithState: whether there is a state to go on from. Without one it is zero, the gates that come
// first, which say what becomes of it, are left out, and it has no gradient.
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

  // A value where there are any, else zero.
  template <bool kThere>
  IMGCOMP_IN_LOOP float at(int64_t pixel, int64_t c) const {
    return kThere ? at(pixel)[c] : 0.0F;
  }
};

// gates: (pixels, 4 · channels): forget, input, output, candidate.
template <bool kWithState>
struct LstmForward {
  static constexpr int64_t kKinds = kWithState ? 4 : 3;

  const float* gates;
  Values cell;
  float *next, *hidden;

  // g: where a channel's gates begin.
  IMGCOMP_IN_LOOP static LstmGates gates_at(const float* g, int64_t channels) {
    const float* always = g + (kKinds - 3) * channels;
    return {kWithState ? g[0] : 0.0F, always[0], always[channels], always[2 * channels]};
  }

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const LstmState state = lstm(gates_at(gates + pixel * kKinds * channels + c, channels),
                                 cell.at<kWithState>(pixel, c));
    next[pixel * channels + c] = state.cell;
    hidden[pixel * channels + c] = state.hidden;
  }
};

// next: the cell that the forward step has made.
template <bool kWithState>
struct LstmBackward {
  const float* gates;
  Values cell;
  const float* next;
  Values next_gradient, hidden_gradient;
  float *gates_gradient, *cell_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    using Forward = LstmForward<kWithState>;
    const int64_t place = pixel * Forward::kKinds * channels + c;
    const LstmGradient gradient = lstm_gradient(
        Forward::gates_at(gates + place, channels), cell.at<kWithState>(pixel, c),
        next[pixel * channels + c], {next_gradient.at(pixel)[c], hidden_gradient.at(pixel)[c]});
    float* to = gates_gradient + place;
    if constexpr (kWithState) {
      to[0] = gradient.gates.forget;
      to += channels;
      cell_gradient[pixel * channels + c] = gradient.cell;
    }
    to[0] = gradient.gates.input;
    to[channels] = gradient.gates.output;
    to[2 * channels] = gradient.gates.candidate;
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

// channels: complex ones, so that states have twice as many. gates: (pixels, 9 · channels): forget,
// input, output; then of twice the channels each candidate, input key, output key.
template <bool kWithState>
struct AssociativeForward {
  static constexpr int64_t kKinds = kWithState ? 9 : 8;

  const float* gates;
  Values cell;
  float *next, *hidden;

  // g: where a channel's gates begin.
  IMGCOMP_IN_LOOP static AssociativeGates gates_at(const float* g, int64_t channels) {
    const float* always = g + (kKinds - 8) * channels;
    return {kWithState ? g[0] : 0.0F,
            always[0],
            always[channels],
            complex_at(always + 2 * channels, channels),
            complex_at(always + 4 * channels, channels),
            complex_at(always + 6 * channels, channels)};
  }

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const AssociativeState state =
        associative(gates_at(gates + pixel * kKinds * channels + c, channels),
                    {cell.at<kWithState>(pixel, c), cell.at<kWithState>(pixel, channels + c)});
    put_complex(next + pixel * 2 * channels + c, channels, state.cell);
    put_complex(hidden + pixel * 2 * channels + c, channels, state.hidden);
  }
};

template <bool kWithState>
struct AssociativeBackward {
  const float* gates;
  Values cell;
  const float* next;
  Values next_gradient, hidden_gradient;
  float *gates_gradient, *cell_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    using Forward = AssociativeForward<kWithState>;
    const int64_t place = pixel * Forward::kKinds * channels + c;
    const AssociativeGradient gradient = associative_gradient(
        Forward::gates_at(gates + place, channels),
        {cell.at<kWithState>(pixel, c), cell.at<kWithState>(pixel, channels + c)},
        complex_at(next + pixel * 2 * channels + c, channels),
        {complex_at(next_gradient.at(pixel) + c, channels),
         complex_at(hidden_gradient.at(pixel) + c, channels)});
    float* to = gates_gradient + place;
    if constexpr (kWithState) {
      to[0] = gradient.gates.forget;
      to += channels;
      put_complex(cell_gradient + pixel * 2 * channels + c, channels, gradient.cell);
    }
    to[0] = gradient.gates.input;
    to[channels] = gradient.gates.output;
    put_complex(to + 2 * channels, channels, gradient.gates.candidate);
    put_complex(to + 4 * channels, channels, gradient.gates.input_key);
    put_complex(to + 6 * channels, channels, gradient.gates.output_key);
  }
};

// gates: (pixels, 2 · channels): reset, update. result: reset ∘ hidden.
struct GruResetForward {
  const float* gates;
  Values hidden;
  float* result;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    result[pixel * channels + c] = gru_reset(gates[2 * pixel * channels + c], hidden.at(pixel)[c]);
  }
};

struct GruResetBackward {
  const float* gates;
  Values hidden;
  const float* gradient;
  float *gates_gradient, *hidden_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const GruResetGradient found = gru_reset_gradient(
        gates[2 * pixel * channels + c], hidden.at(pixel)[c], gradient[pixel * channels + c]);
    gates_gradient[2 * pixel * channels + c] = found.reset;
    gates_gradient[(2 * pixel + 1) * channels + c] = 0.0F;
    hidden_gradient[pixel * channels + c] = found.hidden;
  }
};

// gates: (pixels, 2 · channels): reset, update; without a state update alone.
template <bool kWithState>
struct GruForward {
  const float *gates, *candidate;
  Values hidden;
  float* next;

  // Where a channel's update gate lies.
  IMGCOMP_IN_LOOP static int64_t update_at(int64_t channels, int64_t pixel, int64_t c) {
    return (kWithState ? 2 * pixel + 1 : pixel) * channels + c;
  }

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    next[pixel * channels + c] =
        gru(gates[update_at(channels, pixel, c)], candidate[pixel * channels + c],
            hidden.at<kWithState>(pixel, c));
  }
};

template <bool kWithState>
struct GruBackward {
  const float *gates, *candidate;
  Values hidden;
  const float* gradient;
  float *gates_gradient, *candidate_gradient, *hidden_gradient;

  IMGCOMP_IN_LOOP void operator()(int64_t channels, int64_t pixel, int64_t c) const {
    const int64_t update = GruForward<kWithState>::update_at(channels, pixel, c);
    const GruGradient found =
        gru_gradient(gates[update], candidate[pixel * channels + c],
                     hidden.at<kWithState>(pixel, c), gradient[pixel * channels + c]);
    gates_gradient[update] = found.update;
    candidate_gradient[pixel * channels + c] = found.candidate;
    if constexpr (kWithState) {
      gates_gradient[update - channels] = 0.0F;  // that of reset comes with reset ∘ hidden
      hidden_gradient[pixel * channels + c] = found.hidden;
    }
  }
};

}  // namespace imgcomp::recurrent

// The loops of cell_loops.h for one instruction set; included by one file for each. No standard
// headers with code in them: the linker could pick this file's copy of a function for processors
// that lack the instructions.
#pragma once

#include "models/recurrent/cell_loops.h"
#include "models/recurrent/cell_math.h"

namespace imgcomp::recurrent {
namespace {

void lstm_loop(int64_t pixels, int64_t channels, const float* __restrict gates, Values cell,
               float* __restrict next, float* __restrict hidden) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* __restrict in = cell.data + pixel * cell.stride;
    for (int64_t c = 0; c < channels; ++c) {
      const LstmState state = lstm(
          {gates[c], gates[channels + c], gates[2 * channels + c], gates[3 * channels + c]}, in[c]);
      next[c] = state.cell;
      hidden[c] = state.hidden;
    }
    gates += 4 * channels;
    next += channels;
    hidden += channels;
  }
}

void lstm_gradient_loop(int64_t pixels, int64_t channels, const float* __restrict gates,
                        Values cell, const float* __restrict next, Values next_gradient,
                        Values hidden_gradient, float* __restrict gates_gradient,
                        float* __restrict cell_gradient) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* __restrict in = cell.data + pixel * cell.stride;
    const float* __restrict d_next = next_gradient.data + pixel * next_gradient.stride;
    const float* __restrict d_hidden = hidden_gradient.data + pixel * hidden_gradient.stride;
    for (int64_t c = 0; c < channels; ++c) {
      const LstmGradient gradient = lstm_gradient(
          {gates[c], gates[channels + c], gates[2 * channels + c], gates[3 * channels + c]}, in[c],
          next[c], {d_next[c], d_hidden[c]});
      gates_gradient[c] = gradient.gates.input;
      gates_gradient[channels + c] = gradient.gates.forget;
      gates_gradient[2 * channels + c] = gradient.gates.output;
      gates_gradient[3 * channels + c] = gradient.gates.candidate;
      cell_gradient[c] = gradient.cell;
    }
    gates += 4 * channels;
    next += channels;
    gates_gradient += 4 * channels;
    cell_gradient += channels;
  }
}

void gru_reset_loop(int64_t pixels, int64_t channels, const float* __restrict gates, Values hidden,
                    float* __restrict result) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* __restrict in = hidden.data + pixel * hidden.stride;
    for (int64_t c = 0; c < channels; ++c) {
      result[c] = gru_reset(gates[channels + c], in[c]);
    }
    gates += 2 * channels;
    result += channels;
  }
}

void gru_reset_gradient_loop(int64_t pixels, int64_t channels, const float* __restrict gates,
                             Values hidden, const float* __restrict gradient,
                             float* __restrict gates_gradient, float* __restrict hidden_gradient) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* __restrict in = hidden.data + pixel * hidden.stride;
    for (int64_t c = 0; c < channels; ++c) {
      const GruResetGradient found = gru_reset_gradient(gates[channels + c], in[c], gradient[c]);
      gates_gradient[channels + c] = found.reset;
      hidden_gradient[c] = found.hidden;
    }
    gates += 2 * channels;
    gradient += channels;
    gates_gradient += 2 * channels;
    hidden_gradient += channels;
  }
}

void gru_loop(int64_t pixels, int64_t channels, const float* __restrict gates,
              const float* __restrict candidate, Values hidden, float* __restrict next) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* __restrict in = hidden.data + pixel * hidden.stride;
    for (int64_t c = 0; c < channels; ++c) {
      next[c] = gru(gates[c], candidate[c], in[c]);
    }
    gates += 2 * channels;
    candidate += channels;
    next += channels;
  }
}

void gru_gradient_loop(int64_t pixels, int64_t channels, const float* __restrict gates,
                       const float* __restrict candidate, Values hidden,
                       const float* __restrict gradient, float* __restrict gates_gradient,
                       float* __restrict candidate_gradient, float* __restrict hidden_gradient) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const float* __restrict in = hidden.data + pixel * hidden.stride;
    for (int64_t c = 0; c < channels; ++c) {
      const GruGradient found = gru_gradient(gates[c], candidate[c], in[c], gradient[c]);
      gates_gradient[c] = found.update;
      candidate_gradient[c] = found.candidate;
      hidden_gradient[c] = found.hidden;
    }
    gates += 2 * channels;
    candidate += channels;
    gradient += channels;
    gates_gradient += 2 * channels;
    candidate_gradient += channels;
    hidden_gradient += channels;
  }
}

constexpr CellLoops kCellLoops{lstm_loop,      lstm_gradient_loop,
                               gru_reset_loop, gru_reset_gradient_loop,
                               gru_loop,       gru_gradient_loop};

}  // namespace
}  // namespace imgcomp::recurrent

// The pointwise part of recurrent cells over channels-last images, compiled once for each
// instruction set. Raw pointers only: see cells.h for the tensors.
#pragma once

#include <cstdint>

namespace imgcomp::recurrent {

// Values of `channels` for each pixel; `stride` floats from pixel to pixel, 0 where all pixels have
// the same (such as a state that is still zero).
struct Values {
  const float* data;
  int64_t stride;
};

struct CellLoops {
  // gates: (pixels, 4 · channels): input, forget, output, candidate.
  void (*lstm)(int64_t pixels, int64_t channels, const float* gates, Values cell, float* next,
               float* hidden);
  void (*lstm_gradient)(int64_t pixels, int64_t channels, const float* gates, Values cell,
                        const float* next, Values next_gradient, Values hidden_gradient,
                        float* gates_gradient, float* cell_gradient);

  // gates: (pixels, 2 · channels): update, reset. result: reset ∘ hidden.
  void (*gru_reset)(int64_t pixels, int64_t channels, const float* gates, Values hidden,
                    float* result);
  // Leaves the update gate's gradient as it is.
  void (*gru_reset_gradient)(int64_t pixels, int64_t channels, const float* gates, Values hidden,
                             const float* gradient, float* gates_gradient, float* hidden_gradient);
  void (*gru)(int64_t pixels, int64_t channels, const float* gates, const float* candidate,
              Values hidden, float* next);
  // Leaves the reset gate's gradient as it is.
  void (*gru_gradient)(int64_t pixels, int64_t channels, const float* gates, const float* candidate,
                       Values hidden, const float* gradient, float* gates_gradient,
                       float* candidate_gradient, float* hidden_gradient);
};

// The best for this processor; there always is one.
const CellLoops& best_cell_loops();

const CellLoops& baseline_cell_loops();
const CellLoops& avx2_cell_loops();
const CellLoops& avx512_cell_loops();

}  // namespace imgcomp::recurrent

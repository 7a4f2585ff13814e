// The steps of recurrent cells for ranges of pixels, compiled once for each instruction set and
// once for CUDA.
#pragma once

#include "models/recurrent/cell_steps.h"

namespace imgcomp::recurrent {

struct CellLoops {
  template <class Step>
  using Loop = void (*)(int64_t begin, int64_t end, int64_t channels, const Step& step);

  Loop<LstmForward> lstm;
  Loop<LstmBackward> lstm_gradient;
  Loop<AssociativeForward> associative;
  Loop<AssociativeBackward> associative_gradient;
  Loop<GruResetForward> gru_reset;
  Loop<GruResetBackward> gru_reset_gradient;
  Loop<GruForward> gru;
  Loop<GruBackward> gru_gradient;
};

// The loops that `Run::loop<Step>` are.
template <class Run>
constexpr CellLoops cell_loops_of() {
  return {
      .lstm = Run::template loop<LstmForward>,
      .lstm_gradient = Run::template loop<LstmBackward>,
      .associative = Run::template loop<AssociativeForward>,
      .associative_gradient = Run::template loop<AssociativeBackward>,
      .gru_reset = Run::template loop<GruResetForward>,
      .gru_reset_gradient = Run::template loop<GruResetBackward>,
      .gru = Run::template loop<GruForward>,
      .gru_gradient = Run::template loop<GruBackward>,
  };
}

// The best for this processor; there always is one.
const CellLoops& best_cell_loops();

const CellLoops& baseline_cell_loops();
const CellLoops& avx2_cell_loops();
const CellLoops& avx512_cell_loops();

// On the current stream of the current device; only where the kernels are built.
const CellLoops& cuda_cell_loops();

}  // namespace imgcomp::recurrent

// The steps of recurrent cells for ranges of pixels, compiled once for each instruction set and
// once for CUDA.
#pragma once

#include "models/recurrent/cell_steps.h"

namespace imgcomp::recurrent {

template <class Step>
using CellLoop = void (*)(int64_t begin, int64_t end, int64_t channels, const Step& step);

template <class Step>
struct OneCellLoop {
  CellLoop<Step> loop;
};

template <class... Steps>
struct CellLoopsOf : OneCellLoop<Steps>... {
  // The loops that `Run::loop<Step>` are.
  template <class Run>
  static constexpr CellLoopsOf by() {
    return {OneCellLoop<Steps>{Run::template loop<Steps>}...};
  }

  template <class Step>
  void run(int64_t begin, int64_t end, int64_t channels, const Step& step) const {
    OneCellLoop<Step>::loop(begin, end, channels, step);
  }
};

using CellLoops =
    CellLoopsOf<LstmForward<true>, LstmForward<false>, LstmBackward<true>, LstmBackward<false>,
                AssociativeForward<true>, AssociativeForward<false>, AssociativeBackward<true>,
                AssociativeBackward<false>, GruResetForward, GruResetBackward, GruForward<true>,
                GruForward<false>, GruBackward<true>, GruBackward<false>>;

// The best for this processor; there always is one.
const CellLoops& best_cell_loops();

const CellLoops& baseline_cell_loops();
const CellLoops& avx2_cell_loops();
const CellLoops& avx512_cell_loops();

// On the current stream of the current device; only where the kernels are built.
const CellLoops& cuda_cell_loops();

}  // namespace imgcomp::recurrent

// The kernels of cells.cu as the loops of cell_loops.h.

// c10 alone: see preprocess/gather_cuda.cpp.
#include <c10/cuda/CUDAStream.h>

#include "models/recurrent/cell_loops.h"
#include "models/recurrent/cells_kernel.h"

namespace imgcomp::recurrent {
namespace {

struct Run {
  template <class Step>
  static void loop(int64_t begin, int64_t end, int64_t channels, const Step& step) {
    launch(begin, end, channels, step, c10::cuda::getCurrentCUDAStream().stream());
  }
};

}  // namespace

const CellLoops& cuda_cell_loops() {
  static constexpr CellLoops kLoops = CellLoops::by<Run>();
  return kLoops;
}

}  // namespace imgcomp::recurrent

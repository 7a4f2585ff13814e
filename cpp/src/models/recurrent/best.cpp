// Which of the compiled loops this processor runs.
#include "models/direct/kernels.h"
#include "models/recurrent/cell_loops.h"

namespace imgcomp::recurrent {

const CellLoops& best_cell_loops() {
#ifdef IMGCOMP_X86_KERNELS
  if (const direct::Kernels* direct = direct::best_kernels()) {
    return direct == direct::avx512_kernels() ? avx512_cell_loops() : avx2_cell_loops();
  }
#endif
  return baseline_cell_loops();
}

}  // namespace imgcomp::recurrent

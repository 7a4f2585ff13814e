// Which of the compiled loops this processor runs.
#include "metrics/similarity/loops.h"
#include "models/direct/kernels.h"

namespace imgcomp::similarity {

const Loops& best_loops() {
#ifdef IMGCOMP_X86_KERNELS
  if (const direct::Kernels* direct = direct::best_kernels()) {
    return direct == direct::avx512_kernels() ? avx512_loops() : avx2_loops();
  }
#endif
  return baseline_loops();
}

}  // namespace imgcomp::similarity

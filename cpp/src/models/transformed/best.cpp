// Which of the compiled loops this processor runs: the same set as the direct convolution's.
#include "models/direct/kernels.h"
#include "models/transformed/kernels.h"

namespace imgcomp::transformed {

const Kernels* best_kernels() {
#ifdef IMGCOMP_X86_KERNELS
  const direct::Kernels* direct = direct::best_kernels();
  if (direct != nullptr) {
    return direct == direct::avx512_kernels() ? avx512_kernels() : avx2_kernels();
  }
#endif
  return nullptr;
}

}  // namespace imgcomp::transformed

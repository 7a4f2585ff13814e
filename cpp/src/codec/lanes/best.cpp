// Which of the compiled loops this processor runs.
#include "codec/lanes/kernels.h"
#include "vector_choice.h"

namespace imgcomp::codec::lanes {

#ifndef IMGCOMP_X86_KERNELS
const Kernels* avx512_kernels() {
  return nullptr;
}
const Kernels* avx2_kernels() {
  return nullptr;
}
#endif

const Kernels* best_kernels() {
  static const Kernels* const best =
      best_vectors("IMGCOMP_ENTROPY_CODER", avx512_kernels, avx2_kernels);
  return best;
}

}  // namespace imgcomp::codec::lanes

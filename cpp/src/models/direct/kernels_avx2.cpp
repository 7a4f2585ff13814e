// Compiled for AVX2: 16 registers, of which 12 hold sums.
#define IMGCOMP_VECTOR_BYTES 32
#include "models/direct/kernels_body.h"

namespace imgcomp::direct {

const Kernels* avx2_kernels() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has ? &kKernels : nullptr;
}

}  // namespace imgcomp::direct

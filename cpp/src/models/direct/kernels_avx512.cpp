// Compiled for AVX-512: 32 registers, of which 28 hold sums.
#define IMGCOMP_VECTOR_BYTES 64
#include "models/direct/kernels_body.h"

namespace imgcomp::direct {

const Kernels* avx512_kernels() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has ? &kKernels : nullptr;
}

}  // namespace imgcomp::direct

#define IMGCOMP_VECTOR_BYTES 64
#include "models/transformed/kernels_body.h"

namespace imgcomp::transformed {

const Kernels* avx512_kernels() {
  return &kKernels;
}

}  // namespace imgcomp::transformed

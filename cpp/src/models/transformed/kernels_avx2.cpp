#define IMGCOMP_VECTOR_BYTES 32
#include "models/transformed/kernels_body.h"

namespace imgcomp::transformed {

const Kernels* avx2_kernels() {
  return &kKernels;
}

}  // namespace imgcomp::transformed

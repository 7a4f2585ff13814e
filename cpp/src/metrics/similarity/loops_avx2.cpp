#define IMGCOMP_VECTOR_BYTES 32
#include "metrics/similarity/loops_body.h"

namespace imgcomp::similarity {

const Loops& avx2_loops() {
  return kLoops;
}

}  // namespace imgcomp::similarity

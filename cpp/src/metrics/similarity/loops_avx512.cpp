#define IMGCOMP_VECTOR_BYTES 64
#include "metrics/similarity/loops_body.h"

namespace imgcomp::similarity {

const Loops& avx512_loops() {
  return kLoops;
}

}  // namespace imgcomp::similarity

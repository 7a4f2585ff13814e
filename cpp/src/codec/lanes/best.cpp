// Which of the compiled loops this processor runs.
#include <cstdlib>
#include <string_view>

#include "codec/lanes/kernels.h"

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
  static const Kernels* const best = [] {
    const char* wanted = std::getenv("IMGCOMP_ENTROPY_CODER");
    const std::string_view most = wanted == nullptr ? "" : wanted;
    if (most == "none") {
      return static_cast<const Kernels*>(nullptr);
    }
    const Kernels* kernels = most == "avx2" ? nullptr : avx512_kernels();
    return kernels != nullptr ? kernels : avx2_kernels();
  }();
  return best;
}

}  // namespace imgcomp::codec::lanes

// Which of the loops that were compiled for several instruction sets this processor runs.
#pragma once

#include <cstdlib>
#include <string_view>

namespace imgcomp {

// The largest set's, or null where there is none. For tests and comparisons the environment
// variable takes "avx2" for at most that, or "none".
template <class Kernels>
const Kernels* best_vectors(const char* variable, const Kernels* (*avx512)(),
                            const Kernels* (*avx2)()) {
  const char* wanted = std::getenv(variable);
  const std::string_view most = wanted == nullptr ? "" : wanted;
  if (most == "none") {
    return nullptr;
  }
  const Kernels* kernels = most == "avx2" ? nullptr : avx512();
  return kernels != nullptr ? kernels : avx2();
}

}  // namespace imgcomp

// Into how many parts a batch is cut: few enough images for the caches, and work for every thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace imgcomp {

struct BatchParts {
  int64_t images_at_once;          // that fit the caches
  int64_t multiply_adds_of_image;  // of a forward pass
  int64_t threads = 1;             // that the run has, whatever ATen's loops have at the moment
  bool whole = false;              // never cut

  int64_t of(int64_t batch_size) const {
    if (whole) {
      return 1;
    }
    int64_t parts = (batch_size + images_at_once - 1) / images_at_once;
    // Each thread by itself, where there is enough for each: about a millisecond.
    constexpr int64_t kWorthwhile = 16'000'000;
    if (threads > 1 && multiply_adds_of_image * batch_size / threads >= kWorthwhile) {
      parts = (parts + threads - 1) / threads * threads;
    }
    return std::min(parts, batch_size);
  }
};

}  // namespace imgcomp

// Whether a long pass goes on: Ctrl-C, and what the thread that began it wants to be asked.
#pragma once

#include <chrono>

#include "pybind.h"

namespace imgcomp::bindings {

// Called between parts of a pass, in the thread that began it and without the GIL, which it takes
// ten times a second. Throws what Python raises.
class InterruptionCheck {
 public:
  void operator()();

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

}  // namespace imgcomp::bindings

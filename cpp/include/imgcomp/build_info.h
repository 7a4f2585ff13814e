// How this library was built, for bug reports and for the check of the torch version.
#pragma once

#include <string>

namespace imgcomp {

struct BuildInfo {
  std::string version;        // of imgcomp, e.g. "0.1.0"
  std::string torch_version;  // built against, e.g. "2.13.0+cpu"
  std::string compiler;       // e.g. "GNU 12.2.0"
  std::string build_type;     // CMake's, e.g. "Release"
  std::string cuda_version;   // of the toolkit that compiled the kernels; empty without kernels
  int cxx_standard = 0;       // e.g. 2020
  bool openmp = false;        // without it at::parallel_for runs on one thread
};

BuildInfo build_info();

// The number of different threads that at::parallel_for really used for `tasks` short tasks, which
// should be at::get_num_threads() where tasks is larger than that. Throws std::invalid_argument
// where tasks < 1.
int count_parallel_threads(int tasks);

}  // namespace imgcomp

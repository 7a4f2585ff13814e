#include "imgcomp/build_info.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include "build_constants.h"

namespace imgcomp {

BuildInfo build_info() {
  BuildInfo info;
  info.version = IMGCOMP_VERSION;
  info.torch_version = IMGCOMP_TORCH_VERSION;
  info.compiler = IMGCOMP_COMPILER;
  info.build_type = IMGCOMP_BUILD_TYPE;
  info.cuda_version = IMGCOMP_CUDA_VERSION;
  info.cxx_standard = static_cast<int>(__cplusplus / 100);
#ifdef _OPENMP
  info.openmp = true;
#endif
  return info;
}

int count_parallel_threads(int tasks) {
  if (tasks < 1) {
    throw std::invalid_argument("count_parallel_threads: expected tasks >= 1, got " +
                                std::to_string(tasks));
  }
  std::mutex mutex;
  std::set<std::thread::id> seen;
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  return static_cast<int>(seen.size());
}

}  // namespace imgcomp

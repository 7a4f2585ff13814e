// Scopes that set a thread's ATen state and put it back: threads, precision.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

namespace imgcomp {

// The number of threads that ATen's loops and GEMMs use when called from this thread.
class ThreadScope {
 public:
  // 0 leaves it as it is.
  explicit ThreadScope(int threads) : before_(at::get_num_threads()) {
    if (threads > 0) {
      at::set_num_threads(threads);
    }
  }
  ~ThreadScope() { at::set_num_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

// Autocast to bfloat16: parameters, gradients and accumulation stay float32.
class AutocastScope {
 public:
  AutocastScope(at::DeviceType device, bool enabled)
      : device_(device),
        enabled_before_(at::autocast::is_autocast_enabled(device)),
        dtype_before_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::set_autocast_enabled(device_, enabled);
    if (enabled) {
      at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    }
    at::autocast::increment_nesting();
  }
  ~AutocastScope() {
    if (at::autocast::decrement_nesting() == 0) {
      at::autocast::clear_cache();
    }
    at::autocast::set_autocast_enabled(device_, enabled_before_);
    at::autocast::set_autocast_dtype(device_, dtype_before_);
  }
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  at::DeviceType device_;
  bool enabled_before_;
  at::ScalarType dtype_before_;
};

}  // namespace imgcomp

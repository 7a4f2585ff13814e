// Scopes that set a thread's state and put it back: ATen's threads, precision, tiny numbers.
#pragma once

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

#include <cfenv>
#include <mutex>
#include <thread>

namespace imgcomp {

// The number of threads that ATen's loops and GEMMs use when called from this thread.
//
// at::set_num_threads also decides what threads made later begin with. That is put back at once, so
// that trainings side by side do not leave their number to the rest of the program.
class ThreadScope {
 public:
  // 0 leaves it as it is.
  explicit ThreadScope(int threads)
      : before_(at::get_num_threads()), changed_(threads > 0 && threads != before_) {
    // The first loop of a thread takes over the number that threads begin with, once in torch's
    // libraries (above) and once in ours: not after it is set here.
    at::internal::lazy_init_num_threads();
    if (changed_) {
      set(threads);
    }
  }
  ~ThreadScope() {
    if (changed_) {
      set(before_);
    }
  }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  static void set(int threads) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    int initial = 0;
    std::thread([&] { initial = at::get_num_threads(); }).join();
    at::set_num_threads(threads);
    if (initial != threads) {
      std::thread([&] { at::set_num_threads(initial); }).join();
    }
  }

  int before_;
  bool changed_;
};

// Numbers too small for float32's usual form count as 0 on this thread, where the processor can.
// They say nothing here, and each product with one takes some hundred cycles: a network of which
// much has died down, as under too high a learning rate, would train five times as slowly.
class NoTinyNumbersScope {
 public:
  NoTinyNumbersScope() {
    std::fegetenv(&before_);
    at::globalContext().setFlushDenormal(true);
  }
  ~NoTinyNumbersScope() { std::fesetenv(&before_); }
  NoTinyNumbersScope(const NoTinyNumbersScope&) = delete;
  NoTinyNumbersScope& operator=(const NoTinyNumbersScope&) = delete;

 private:
  std::fenv_t before_{};
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

#include "training/workers.h"

#include "training/scopes.h"

namespace imgcomp {

Workers::Workers(int64_t count) {
  for (int64_t i = 0; count > 1 && i < count; ++i) {
    threads_.emplace_back([this] { serve(); });
  }
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  begin_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void Workers::run(int64_t parts, const std::function<void(int64_t)>& work) {
  if (threads_.empty() || parts == 1) {
    for (int64_t part = 0; part < parts; ++part) {
      work(part);
    }
    return;
  }
  std::unique_lock lock(mutex_);
  work_ = &work;
  next_ = done_ = 0;
  parts_ = parts;
  errors_.assign(static_cast<size_t>(parts), nullptr);
  begin_.notify_all();
  end_.wait(lock, [&] { return done_ == parts_; });
  work_ = nullptr;
  for (const std::exception_ptr& error : errors_) {
    if (error) {
      std::rethrow_exception(error);
    }
  }
}

void Workers::serve() {
  const ThreadScope alone(1);
  const NoTinyNumbersScope no_tiny_numbers;
  std::unique_lock lock(mutex_);
  while (true) {
    begin_.wait(lock, [&] { return closing_ || (work_ != nullptr && next_ < parts_); });
    if (closing_) {
      return;
    }
    take_parts(lock);
  }
}

void Workers::take_parts(std::unique_lock<std::mutex>& lock) {
  while (work_ != nullptr && next_ < parts_) {
    const int64_t part = next_++;
    const auto& work = *work_;
    lock.unlock();
    std::exception_ptr error;
    try {
      work(part);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    errors_[static_cast<size_t>(part)] = error;
    if (++done_ == parts_) {
      end_.notify_one();
    }
  }
}

}  // namespace imgcomp

// Threads that each do a part of a step's work by themselves.
//
// One thread for each part, from its forward pass to its gradients, keeps all of them busy: the
// loops inside a layer would wait for each other at the end of every operation, and what runs on
// one thread between them would keep the others idle.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace imgcomp {

class Workers {
 public:
  // With fewer than two, run does everything on the calling thread.
  explicit Workers(int64_t count);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  bool active() const { return !threads_.empty(); }

  // Calls work(0) … work(parts − 1), each on one thread whose ATen loops have no others, and waits.
  // Of exceptions the lowest part's is thrown again, once all parts are done.
  void run(int64_t parts, const std::function<void(int64_t)>& work);

 private:
  void serve();
  // Takes parts as long as there are any; called with the lock held.
  void take_parts(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable begin_, end_;
  const std::function<void(int64_t)>* work_ = nullptr;
  int64_t next_ = 0, parts_ = 0, done_ = 0;
  std::vector<std::exception_ptr> errors_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace imgcomp

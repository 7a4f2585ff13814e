#include "training/workers.h"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>

using imgcomp::Workers;

TEST_CASE("every part is done once, again and again") {
  for (const int64_t count : {0, 1, 2, 5}) {
    Workers workers(count);
    CHECK(workers.active() == (count > 1));
    for (const int64_t parts : {1, 2, 3, 17, 2}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(parts));
      workers.run(parts, [&](int64_t part) { ++done[static_cast<size_t>(part)]; });
      for (const auto& times : done) {
        CHECK(times == 1);
      }
    }
  }
}

TEST_CASE("workers' loops are their own") {
  Workers workers(2);
  std::atomic<int> most = 0;
  std::atomic<bool> elsewhere = true;
  const auto here = std::this_thread::get_id();
  workers.run(4, [&](int64_t) {
    most = std::max(most.load(), at::get_num_threads());
    elsewhere = elsewhere && std::this_thread::get_id() != here;
  });
  CHECK(most == 1);
  CHECK(elsewhere);
}

TEST_CASE("the lowest part's exception comes out, after all parts") {
  Workers workers(3);
  std::atomic<int> done = 0;
  const auto failing = [&](int64_t part) {
    ++done;
    if (part % 2 == 1) {
      throw std::runtime_error("part " + std::to_string(part));
    }
  };
  CHECK_THROWS_WITH(workers.run(6, failing), "part 1");
  CHECK(done == 6);
  workers.run(2, [&](int64_t) { ++done; });  // and they go on
  CHECK(done == 8);
}

#include "training/workers.h"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>

#include "training/scopes.h"

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

namespace {

// The least number of float32's usual form, halved.
bool halves_of_the_least_are_zero() {
  volatile float least = std::numeric_limits<float>::min();
  const float half = least * 0.5F;
  return half == 0.0F;
}

}  // namespace

TEST_CASE("numbers too small to have their usual form are zero inside the scope, and on workers") {
  REQUIRE(!halves_of_the_least_are_zero());
  if (!at::globalContext().setFlushDenormal(false)) {
    MESSAGE("this processor cannot");
    return;
  }
  {
    const imgcomp::NoTinyNumbersScope outer;
    CHECK(halves_of_the_least_are_zero());
    {
      const imgcomp::NoTinyNumbersScope inner;
      CHECK(halves_of_the_least_are_zero());
    }
    CHECK(halves_of_the_least_are_zero());
  }
  CHECK(!halves_of_the_least_are_zero());
  Workers workers(2);
  std::atomic<int> zero = 0;
  workers.run(4, [&](int64_t) { zero += halves_of_the_least_are_zero() ? 1 : 0; });
  CHECK(zero == 4);
  CHECK(!halves_of_the_least_are_zero());
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

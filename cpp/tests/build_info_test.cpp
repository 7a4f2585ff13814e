#include "imgcomp/build_info.h"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>
#include <torch/version.h>

#include <stdexcept>
#include <string>

using imgcomp::build_info;
using imgcomp::count_parallel_threads;

TEST_CASE("build_info names the torch whose headers were compiled") {
  const std::string torch_version = build_info().torch_version;
  const std::string public_version = torch_version.substr(0, torch_version.find('+'));
  const std::string header_version = TORCH_VERSION;
  CHECK(header_version.substr(0, header_version.find('+')) == public_version);
}

TEST_CASE("build_info tells the language standard and OpenMP") {
  CHECK(build_info().cxx_standard >= 2020);
  CHECK(build_info().openmp);
}

TEST_CASE("parallel_for uses the number of threads that torch was told") {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  CHECK(count_parallel_threads(8) == 1);
  at::set_num_threads(2);
  CHECK(at::get_num_threads() == 2);
  CHECK(count_parallel_threads(64) == 2);
  at::set_num_threads(3);
  CHECK(count_parallel_threads(96) == 3);
  at::set_num_threads(before);
}

TEST_CASE("count_parallel_threads refuses a count below one") {
  CHECK_THROWS_WITH_AS(count_parallel_threads(0),
                       "count_parallel_threads: expected tasks >= 1, got 0", std::invalid_argument);
}

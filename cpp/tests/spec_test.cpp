#include "imgcomp/spec.h"

#include <doctest/doctest.h>

#include "imgcomp/error.h"

using imgcomp::check_shape;
using imgcomp::Initialization;
using imgcomp::num_elements;
using imgcomp::parse_initialization;
using imgcomp::parse_task;
using imgcomp::Shape;
using imgcomp::SpecError;
using imgcomp::Task;
using imgcomp::to_string;

TEST_CASE("shapes are written as Python writes tuples") {
  CHECK(to_string(Shape{1, 28, 28}) == "(1, 28, 28)");
  CHECK(to_string(Shape{400}) == "(400,)");
  CHECK(to_string(Shape{}) == "()");
}

TEST_CASE("num_elements is the product of the sizes") {
  CHECK(num_elements({3, 4, 5}) == 60);
  CHECK(num_elements({7}) == 7);
  CHECK(num_elements({}) == 1);
}

TEST_CASE("check_shape refuses sizes below one and products that are too large") {
  CHECK_NOTHROW(check_shape({1, 28, 28}, "it"));
  CHECK_NOTHROW(check_shape({int64_t{1} << 40}, "it"));
  CHECK_THROWS_WITH_AS(check_shape({-1, -28, 28}, "it"),
                       "it must have sizes of at least 1, not (-1, -28, 28)", SpecError);
  CHECK_THROWS_AS(check_shape({0}, "it"), SpecError);
  CHECK_THROWS_AS(check_shape({int64_t{1} << 40, 2}, "it"), SpecError);
  CHECK_THROWS_AS(check_shape({int64_t{1} << 40, int64_t{1} << 40}, "it"), SpecError);
}

TEST_CASE("tasks and initialisations go to text and back") {
  for (const Task task : {Task::autoencoder, Task::classifier}) {
    CHECK(parse_task(to_string(task)) == task);
  }
  for (const Initialization scheme :
       {Initialization::pytorch, Initialization::keras, Initialization::chainer}) {
    CHECK(parse_initialization(to_string(scheme)) == scheme);
  }
  CHECK_THROWS_WITH_AS(parse_task("x"), "task must be 'autoencoder' or 'classifier', not 'x'",
                       SpecError);
  CHECK_THROWS_WITH_AS(parse_initialization("he"),
                       "initialization must be 'pytorch', 'keras' or 'chainer', not 'he'",
                       SpecError);
}

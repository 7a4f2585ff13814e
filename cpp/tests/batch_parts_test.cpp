#include "training/batch_parts.h"

#include <doctest/doctest.h>

using imgcomp::BatchParts;

TEST_CASE("a batch is cut into parts that fit the caches") {
  const BatchParts parts{.images_at_once = 16, .multiply_adds_of_image = 1'000};
  CHECK(parts.of(1) == 1);
  CHECK(parts.of(16) == 1);
  CHECK(parts.of(17) == 2);
  CHECK(parts.of(128) == 8);
}

TEST_CASE("every thread has as many parts, where there is enough work for each") {
  const BatchParts heavy{.images_at_once = 16, .multiply_adds_of_image = 10'000'000, .threads = 2};
  CHECK(heavy.of(20) == 2);
  CHECK(heavy.of(4) == 2);
  CHECK(heavy.of(40) == 4);  // not 3
  CHECK(heavy.of(2) == 1);   // 10 million for each are too few
  const BatchParts many{.images_at_once = 16, .multiply_adds_of_image = 100'000'000, .threads = 8};
  CHECK(many.of(3) == 3);  // never more than images
  const BatchParts light{.images_at_once = 64, .multiply_adds_of_image = 1'000, .threads = 2};
  CHECK(light.of(128) == 2);
  CHECK(light.of(20) == 1);
}

TEST_CASE("what has to see the whole batch is never cut") {
  const BatchParts parts{
      .images_at_once = 16, .multiply_adds_of_image = 10'000'000, .threads = 2, .whole = true};
  CHECK(parts.of(128) == 1);
}

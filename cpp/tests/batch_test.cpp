#include "imgcomp/batch.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include "imgcomp/error.h"
#include "networks.h"

using namespace imgcomp;

namespace {

const at::Tensor kImages = (at::arange(48, at::kByte) * 5).view({3, 1, 4, 4});
const at::Tensor kLabels = at::tensor({0, 1, 2}, at::kLong);
const at::Tensor kIndex = at::tensor({2, 0}, at::kLong);

}  // namespace

TEST_CASE("a batch has scaled images, targets and labels in the order asked for") {
  const NetworkSpec spec = testing::dense_autoencoder(3);
  const BatchLoader loader({kImages, kImages.flip(0), kLabels}, spec, at::kCPU,
                           at::MemoryFormat::Contiguous);
  CHECK(loader.size() == 3);
  const Batch batch = loader.load(kIndex);
  CHECK(at::equal(batch.input[0], kImages[2].to(at::kFloat) / 255));
  CHECK(at::equal(batch.input[1], kImages[0].to(at::kFloat) / 255));
  CHECK(at::equal(batch.target[0], kImages[0].to(at::kFloat) / 255));
  CHECK(at::equal(batch.labels, at::tensor({2, 0}, at::kLong)));
}

TEST_CASE("without targets the images are their own, and floats are taken as they are") {
  const at::Tensor floats = kImages.to(at::kFloat);
  const BatchLoader loader({floats, {}, {}}, testing::dense_autoencoder(3), at::kCPU,
                           at::MemoryFormat::ChannelsLast);
  const Batch batch = loader.load(kIndex);
  CHECK(batch.target.is_same(batch.input));
  CHECK(!batch.labels.defined());
  CHECK(at::equal(batch.input[0], floats[2]));
}

TEST_CASE("check_data names what does not fit") {
  const Model model(testing::dense_autoencoder(3), 0);
  CHECK_NOTHROW(check_data({kImages, kImages, kLabels}, model, "training"));
  CHECK_THROWS_WITH_AS(
      check_data({at::zeros({3, 1, 4, 5}, at::kByte), {}, {}}, model, "training"),
      "training images must have shape (N, 1, 4, 4) as the network's input_shape says, not "
      "(3, 1, 4, 5)",
      UsageError);
  CHECK_THROWS_WITH_AS(check_data({kImages.narrow(0, 0, 0), {}, {}}, model, "training"),
                       "training images are empty", UsageError);
  CHECK_THROWS_AS(check_data({kImages.to(at::kInt), {}, {}}, model, "training"), UsageError);
  CHECK_THROWS_AS(check_data({kImages, kImages.narrow(0, 0, 2), {}}, model, "training"),
                  UsageError);
  CHECK_THROWS_AS(check_data({kImages, {}, kLabels.to(at::kInt)}, model, "training"), UsageError);

  const Model classifier(testing::dense_classifier(), 0);
  CHECK_NOTHROW(check_data({kImages, {}, kLabels}, classifier, "training"));
  CHECK_THROWS_WITH_AS(check_data({kImages, {}, kLabels + 1}, classifier, "training"),
                       "training labels must lie in 0…2, as the network has 3 outputs; got 3",
                       UsageError);
  // An autoencoder does not look at them.
  CHECK_NOTHROW(check_data({kImages, {}, kLabels + 1}, model, "training"));
}

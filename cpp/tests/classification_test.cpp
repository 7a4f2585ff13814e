#include "imgcomp/classification.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include "imgcomp/error.h"

using namespace imgcomp;

TEST_CASE("a confusion matrix has targets as rows") {
  const at::Tensor target = at::tensor({0, 0, 1, 1, 2}, at::kLong);
  const at::Tensor prediction = at::tensor({0, 1, 1, 1, 0}, at::kLong);
  const at::Tensor expected = at::tensor({1, 1, 0, 0, 2, 0, 1, 0, 0}, at::kLong).view({3, 3});
  CHECK(at::equal(confusion_matrix(target, prediction, 3), expected));
  CHECK_THROWS_AS(confusion_matrix(target, prediction, 2), UsageError);
  CHECK_THROWS_AS(confusion_matrix(target, prediction.narrow(0, 0, 4), 3), UsageError);
}

TEST_CASE("what is not defined counts 0") {
  const at::Tensor confusion = at::tensor({1, 1, 0, 0, 2, 0, 1, 0, 0}, at::kLong).view({3, 3});
  const PrecisionRecallF1 each = precision_recall_f1(confusion, Average::none);
  CHECK(each.precision[2].item<double>() == 0.0);
  CHECK(each.f1[1].item<double>() == doctest::Approx(0.8));
  const auto f1 = [&](const char* average) {
    return precision_recall_f1(confusion, average_from_name(average)).f1.item<double>();
  };
  CHECK(f1("macro") == doctest::Approx(1.3 / 3));
  CHECK(f1("micro") == doctest::Approx(0.6));
  CHECK(f1("weighted") == doctest::Approx((2 * 0.5 + 2 * 0.8) / 5));
  CHECK_THROWS_AS(average_from_name("samples"), UsageError);
}

TEST_CASE("decisions need more than half of the probability") {
  // Sure and right; sure and wrong; undecided between three, right by arg-max.
  const at::Tensor logits =
      at::tensor({9.0F, 0.0F, 0.0F, 9.0F, 0.0F, 0.0F, 0.1F, 0.0F, 0.0F}).view({3, 3});
  const DecisionCounts counts = count_decisions(logits, at::tensor({0, 1, 0}, at::kLong));
  CHECK(counts.correct.item<double>() == 2.0);
  CHECK(counts.decided.item<double>() == 2.0);
  CHECK(counts.hits.item<double>() == 1.0);
  // The general way agrees with the loop.
  const DecisionCounts same =
      count_decisions(logits.to(at::kDouble), at::tensor({0, 1, 0}, at::kLong));
  CHECK(same.correct.item<double>() == 2.0);
  CHECK(same.decided.item<double>() == 2.0);
  CHECK(same.hits.item<double>() == 1.0);
}

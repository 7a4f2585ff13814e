#include "imgcomp/classification.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "imgcomp/error.h"
#include "imgcomp/spec.h"

namespace imgcomp {
namespace {

void check_classes(const at::Tensor& classes, int64_t num_classes, const char* name) {
  if (!at::isIntegralType(classes.scalar_type(), /*includeBool=*/false) || classes.dim() != 1) {
    throw UsageError(concat(name, " must be whole numbers of shape (N,), not ",
                            classes.scalar_type(), " of shape ", to_string(classes.sizes().vec())));
  }
  if (classes.numel() == 0) {
    throw UsageError(concat(name, " is empty"));
  }
  const auto smallest = classes.min().item<int64_t>();
  const auto largest = classes.max().item<int64_t>();
  if (smallest < 0 || largest >= num_classes) {
    throw UsageError(concat(name, " must lie in 0…", num_classes - 1, ", got ",
                            smallest < 0 ? smallest : largest));
  }
}

// a / b, and 0 where b is 0.
at::Tensor ratio(const at::Tensor& a, const at::Tensor& b) {
  return at::where(b > 0, a / b, at::zeros_like(a));
}

DecisionCounts count_decisions_cpu(const at::Tensor& logits, const at::Tensor& labels) {
  const int64_t classes = logits.size(1);
  const at::Tensor rows = logits.contiguous();
  const auto* row = rows.const_data_ptr<float>();
  const auto* label = labels.const_data_ptr<int64_t>();
  int64_t correct = 0, decided = 0, hits = 0;
  for (int64_t i = 0; i < rows.size(0); ++i, row += classes, ++label) {
    const int64_t best = std::max_element(row, row + classes) - row;
    float sum = 0.0F;
    for (int64_t k = 0; k < classes; ++k) {
      sum += std::exp(row[k] - row[best]);
    }
    // Only the likeliest class can have more than ½.
    const bool is_decided = 1.0F / sum > 0.5F;
    const bool is_correct = best == *label;
    correct += is_correct ? 1 : 0;
    decided += is_decided ? 1 : 0;
    hits += is_decided && is_correct ? 1 : 0;
  }
  const auto scalar = [](int64_t count) {
    return at::scalar_tensor(static_cast<double>(count), at::kDouble);
  };
  return {scalar(correct), scalar(decided), scalar(hits)};
}

}  // namespace

at::Tensor confusion_matrix(const at::Tensor& target, const at::Tensor& prediction,
                            int64_t num_classes) {
  if (num_classes < 2) {
    throw UsageError(concat("num_classes must be at least 2, not ", num_classes));
  }
  check_classes(target, num_classes, "target");
  check_classes(prediction, num_classes, "prediction");
  if (target.size(0) != prediction.size(0) || target.device() != prediction.device()) {
    throw UsageError(concat("target has ", target.size(0), " values on ", target.device(),
                            ", prediction ", prediction.size(0), " on ", prediction.device()));
  }
  const at::Tensor cell = target.to(at::kLong) * num_classes + prediction.to(at::kLong);
  return at::bincount(cell, {}, num_classes * num_classes).view({num_classes, num_classes});
}

PrecisionRecallF1 precision_recall_f1(const at::Tensor& confusion, Average average) {
  const at::Tensor counts = confusion.to(at::kDouble);
  at::Tensor hits = counts.diagonal();
  at::Tensor predicted = counts.sum(0);
  at::Tensor targets = counts.sum(1);
  const at::Tensor support = targets;
  if (average == Average::micro) {
    hits = hits.sum();
    predicted = predicted.sum();
    targets = targets.sum();
  }
  PrecisionRecallF1 result{ratio(hits, predicted), ratio(hits, targets),
                           ratio(hits * 2.0, predicted + targets)};
  for (at::Tensor* score : {&result.precision, &result.recall, &result.f1}) {
    if (average == Average::macro) {
      *score = score->mean();
    } else if (average == Average::weighted) {
      *score = (*score * support).sum() / support.sum();
    }
  }
  return result;
}

Average average_from_name(const std::string& name) {
  if (name == "none") {
    return Average::none;
  }
  if (name == "macro") {
    return Average::macro;
  }
  if (name == "micro") {
    return Average::micro;
  }
  if (name == "weighted") {
    return Average::weighted;
  }
  throw UsageError(
      concat("average must be 'macro', 'micro', 'weighted' or 'none', not '", name, "'"));
}

DecisionCounts count_decisions(const at::Tensor& logits, const at::Tensor& labels) {
  if (logits.is_cpu() && logits.scalar_type() == at::kFloat && labels.is_contiguous()) {
    return count_decisions_cpu(logits, labels);
  }
  const auto [best, predicted] = logits.max(1);
  const at::Tensor correct = predicted.eq(labels);
  const at::Tensor decided = std::get<0>(at::softmax(logits, 1, at::kFloat).max(1)) > 0.5;
  return {correct.sum(at::kDouble), decided.sum(at::kDouble),
          correct.logical_and(decided).sum(at::kDouble)};
}

}  // namespace imgcomp

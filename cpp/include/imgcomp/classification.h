// How well classes are told apart: confusion matrices, precision, recall and F1.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace imgcomp {

// How often class t was taken for class p: int64 (K, K), row t, column p. target, prediction: whole
// numbers (N,) in 0 … K − 1 on one device. UsageError for anything else.
at::Tensor confusion_matrix(const at::Tensor& target, const at::Tensor& prediction,
                            int64_t num_classes);

struct PrecisionRecallF1 {
  at::Tensor precision, recall, f1;  // float64: scalars, or (K,) for Average::none
};

enum class Average {
  none,      // class by class
  macro,     // mean over the classes
  micro,     // all decisions pooled
  weighted,  // mean over the classes, weighted by how often each is the target
};

// From a confusion matrix. What is not defined (a class never predicted or never a target) counts
// 0. With `macro` every one of the K classes counts, also those that do not occur.
PrecisionRecallF1 precision_recall_f1(const at::Tensor& confusion, Average average);

// "none", "macro", "micro" or "weighted"; UsageError for others.
Average average_from_name(const std::string& name);

// How a batch was decided: float64 scalars on the logits' device.
struct DecisionCounts {
  at::Tensor correct;  // images whose largest logit is the label's
  at::Tensor decided;  // images for which some class has a probability above ½
  at::Tensor hits;     // of these, those where it is the label's
};

// Keras' Precision and Recall on one-hot targets, softmax outputs and the default threshold ½ are
// hits / decided and hits / images, pooled over classes and batches.
// logits: float32 (N, K); labels: int64 (N,).
DecisionCounts count_decisions(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace imgcomp

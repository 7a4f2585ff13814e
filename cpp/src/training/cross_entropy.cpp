#include "training/cross_entropy.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>

#include "imgcomp/classification.h"
#include "imgcomp/error.h"
#include "imgcomp/metrics.h"

namespace imgcomp {
namespace {

class CrossEntropy : public Objective {
 public:
  explicit CrossEntropy(const std::vector<std::string>& metrics) {
    for (const std::string& metric : metrics) {
      if (metric == "precision") {
        with_precision_ = true;
      } else if (metric == "recall") {
        with_recall_ = true;
      } else {
        throw UsageError(
            concat("metrics of 'cross_entropy' are 'precision' and 'recall', not '", metric, "'"));
      }
    }
  }

  ObjectiveResult operator()(const Model& model, const Batch& batch,
                             ForwardContext& context) const override {
    const at::Tensor logits = model.forward(batch.input, context).to(at::kFloat);
    ObjectiveResult result;
    result.loss = at::cross_entropy_loss(logits, batch.labels);
    result.output = logits.detach();
    const DecisionCounts counts = count_decisions(result.output, batch.labels);
    const auto images = static_cast<double>(batch.labels.size(0));
    result.metrics.push_back({"accuracy", counts.correct / images, {}});
    if (with_precision_) {
      // Nothing decided: 0 / 1, with no weight.
      result.metrics.push_back(
          {"precision", counts.hits / counts.decided.clamp_min(1.0), counts.decided});
    }
    if (with_recall_) {
      result.metrics.push_back({"recall", counts.hits / images, {}});
    }
    return result;
  }

  void check(const Model& model, const ImageData& data) const override {
    if (model.spec().task != Task::classifier) {
      throw UsageError(
          "the objective 'cross_entropy' trains a classifier, not an autoencoder "
          "(which takes 'mse', 'l1' or 'bce')");
    }
    if (!data.labels.defined()) {
      throw UsageError("the objective 'cross_entropy' needs labels, and these data have none");
    }
  }

  at::Tensor distortions(const Model&, const at::Tensor&, const Batch&,
                         const ForwardContext&) const override {
    throw UsageError("'cross_entropy' compares no images");
  }

  bool has_collapsed(const ObjectiveResult& result, const Batch& batch) const override {
    return classifier_has_collapsed(result.output, batch.labels);
  }

 private:
  bool with_precision_ = false, with_recall_ = false;
};

}  // namespace

std::unique_ptr<Objective> make_cross_entropy(const std::vector<std::string>& metrics) {
  return std::make_unique<CrossEntropy>(metrics);
}

}  // namespace imgcomp

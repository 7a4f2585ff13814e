#include "imgcomp/objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/binary_cross_entropy.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>

#include "imgcomp/classification.h"
#include "imgcomp/error.h"
#include "imgcomp/metrics.h"

namespace imgcomp {
namespace {

constexpr double kPeak = 255.0;

// Images against their targets.
class ReconstructionObjective : public Objective {
 public:
  ObjectiveResult operator()(const Model& model, const Batch& batch,
                             ForwardContext& context) const override {
    const at::Tensor output = model.forward(batch.input, context).to(at::kFloat);
    ObjectiveResult result;
    result.loss = loss(output, batch.target);
    result.output = output.detach();
    const at::Tensor mse = mse_per_image_8bit(result.output, batch.target, model.spec().data_range);
    result.metrics.push_back({"psnr", psnr_from_mse(mse, kPeak).mean(), {}});
    return result;
  }

  void check(const Model& model, const ImageData& /*data*/) const override {
    if (model.spec().task != Task::autoencoder) {
      throw UsageError(concat("the objective '", name(),
                              "' compares images: it trains an "
                              "autoencoder, not a classifier (which takes 'cross_entropy')"));
    }
  }

  bool has_collapsed(const ObjectiveResult& result, const Batch& batch) const override {
    return reconstruction_has_collapsed(result.output, batch.target);
  }

 protected:
  virtual std::string name() const = 0;
  virtual at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const = 0;
};

class MeanSquaredError : public ReconstructionObjective {
  std::string name() const override { return "mse"; }
  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const override {
    return at::mse_loss(output, target);
  }
};

class MeanAbsoluteError : public ReconstructionObjective {
  std::string name() const override { return "l1"; }
  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const override {
    return at::l1_loss(output, target);
  }
};

class BinaryCrossEntropy : public ReconstructionObjective {
  std::string name() const override { return "bce"; }
  at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const override {
    return at::binary_cross_entropy(output, target);
  }

  void check(const Model& model, const ImageData& data) const override {
    ReconstructionObjective::check(model, data);
    if (model.spec().data_range != std::array<double, 2>{0.0, 1.0}) {
      throw UsageError("the objective 'bce' needs the data range [0, 1]");
    }
    const std::vector<LayerSpec>& layers = model.part("decoder").spec().layers;
    size_t last = layers.size() - 1;
    while (last > 0 && layers[last].kind == "reshape") {
      --last;
    }
    if (layers[last].kind != "sigmoid") {
      throw UsageError(
          concat("the objective 'bce' needs outputs in [0, 1], so a decoder that ends "
                 "with 'sigmoid', not '",
                 layers[last].kind, "'"));
    }
    for (const at::Tensor& images : {data.images, data.targets}) {
      if (images.defined() && images.is_floating_point() &&
          !images.ge(0).logical_and_(images.le(1)).all().item<bool>()) {
        throw UsageError("the objective 'bce' needs images in [0, 1]");
      }
    }
  }
};

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

  bool has_collapsed(const ObjectiveResult& result, const Batch& batch) const override {
    return classifier_has_collapsed(result.output, batch.labels);
  }

 private:
  bool with_precision_ = false, with_recall_ = false;
};

}  // namespace

std::vector<std::string> objective_names() {
  return {"mse", "l1", "bce", "cross_entropy"};
}

std::unique_ptr<Objective> make_objective(const std::string& name,
                                          const std::vector<std::string>& metrics) {
  if (name == "cross_entropy") {
    return std::make_unique<CrossEntropy>(metrics);
  }
  if (!metrics.empty()) {
    throw UsageError(concat("the objective '", name, "' has no metric '", metrics.front(), "'"));
  }
  if (name == "mse") {
    return std::make_unique<MeanSquaredError>();
  }
  if (name == "l1") {
    return std::make_unique<MeanAbsoluteError>();
  }
  if (name == "bce") {
    return std::make_unique<BinaryCrossEntropy>();
  }
  throw UsageError(
      concat("objective must be 'mse', 'l1', 'bce' or 'cross_entropy', not '", name, "'"));
}

}  // namespace imgcomp

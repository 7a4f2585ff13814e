// What training minimises: an objective turns a batch into named scalars, the first of which is the
// loss.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "imgcomp/batch.h"
#include "imgcomp/model.h"

namespace imgcomp {

// The mean of something over a batch: a detached scalar, and how many things it is the mean of.
struct Metric {
  std::string name;
  at::Tensor mean;
  at::Tensor weight;  // scalar; undefined: the images of the batch. Where it is 0, so is the mean
};

struct ObjectiveResult {
  at::Tensor loss;              // scalar, the mean over the batch, with its graph
  at::Tensor output;            // the network's output, detached, float32
  std::vector<Metric> metrics;  // the loss is not repeated here
};

class Objective {
 public:
  virtual ~Objective() = default;

  virtual ObjectiveResult operator()(const Model& model, const Batch& batch,
                                     ForwardContext& context) const = 0;

  // UsageError where this objective cannot train that model on those data.
  virtual void check(const Model& model, const ImageData& data) const = 0;

  // What outputs against the batch's targets cost of the loss, bits apart: of each image, (N).
  // UsageError where images have no such costs of their own.
  virtual at::Tensor distortions(const Model& model, const at::Tensor& output, const Batch& batch,
                                 const ForwardContext& context) const = 0;

  // Whether outputs that no longer depend on the input are found in this batch.
  virtual bool has_collapsed(const ObjectiveResult& result, const Batch& batch) const = 0;
};

// "mse", "l1", "bce", "ms_ssim" (1 − MS-SSIM, adaptive), "rate" (estimated bits per pixel of the
// input, which a layer of entropy_model counts), or a weighted sum of these such as
// "0.84*ms_ssim+0.16*l1" or "rate+300*mse"; in a network of several rates the factor may be
// "lambda", which is each image's own: "rate+lambda*mse", where images count in proportion to
// lambda^(−1/3) (images against their target, the mean
// over iterations where the network has several, plus the metrics "psnr" in dB on the 8-bit scale
// and, where bits are counted, "bpp"), or "cross_entropy" (logits against labels, plus "accuracy").
// `metrics`: further ones; for images "ms_ssim", for cross_entropy "precision" and "recall", as
// count_decisions has them. UsageError for others.
// "judge" is how far the classifier `judge` takes the output for something else than the target:
// the Kullback–Leibler divergence of its decisions, in nats, with the column "agreement".
std::unique_ptr<Objective> make_objective(const std::string& name,
                                          const std::vector<std::string>& metrics = {},
                                          std::shared_ptr<const Model> judge = nullptr);
std::vector<std::string> objective_names();

}  // namespace imgcomp

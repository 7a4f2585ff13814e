// The training loop: order, batches, objective, optimiser, metrics, best weights. It knows nothing
// of files, progress bars or Python; those hang on its two callbacks.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imgcomp/batch.h"
#include "imgcomp/model.h"
#include "imgcomp/objective.h"
#include "imgcomp/optimizer.h"

namespace imgcomp {

enum class Precision { fp32, bf16 };

struct TrainerConfig {
  std::string objective = "mse";
  std::vector<std::string> metrics;  // of the objective, beside its usual ones
  OptimizerConfig optimizer;
  ScheduleConfig schedule;
  double learning_rate = 1e-3;
  int64_t epochs = 10;
  int64_t batch_size = 128;
  int64_t evaluation_batch_size = 500;
  uint64_t seed = 0;  // of the order and of dropout
  bool shuffle = true;
  bool drop_last = false;
  Precision precision = Precision::fp32;
  bool channels_last = false;
  int threads = 0;                      // 0: as many as ATen uses already
  std::optional<double> gradient_clip;  // bound on the gradient's norm over all parameters
  std::string monitor;   // column whose best epoch keeps its weights; empty: keep the last
  int64_t patience = 0;  // epochs without a better monitor before stopping; 0: never
  bool log_batches = false;
};

// Columns of numbers, one value per epoch (or per batch): "loss", "psnr", "val_loss", "seconds", …
using Columns = std::map<std::string, std::vector<double>>;

// All that a run needs to go on as if nothing had happened, besides the weights and the config.
// The order of an epoch and its dropout masks follow from seed and epoch alone.
struct TrainerState {
  int64_t epoch = 0;  // finished epochs
  Columns history;
  Columns batches;
  double best_value = std::numeric_limits<double>::quiet_NaN();
  int64_t best_epoch = 0;  // 0: none yet
  std::map<std::string, at::Tensor> best_parameters;
  std::map<std::string, at::Tensor> optimizer;
};

struct StepProgress {
  int64_t epoch, step, steps;  // 1-based epoch; steps done of this epoch
  double loss;                 // running mean of this epoch
};

struct BatchParts;
class Workers;

class Trainer {
 public:
  using OnEpoch = std::function<bool(const Trainer&)>;          // false: stop after this epoch
  using OnProgress = std::function<bool(const StepProgress&)>;  // false: abandon the epoch now

  enum class Outcome { finished, stopped_early, interrupted };

  // The model is trained in place and must outlive the trainer. `judge`: of the objective "judge".
  // UsageError for what does not fit.
  Trainer(Model& model, const ImageData& training, const std::optional<ImageData>& validation,
          const TrainerConfig& config, std::shared_ptr<const Model> judge = nullptr);

  // Runs the epochs that are left. on_progress comes after the first step and then about ten times
  // a second. DivergedError names the epoch and the step of a loss that is not finite. With a
  // monitor, the model has the best epoch's weights after `finished` and `stopped_early`.
  Outcome run(const OnEpoch& on_epoch, const OnProgress& on_progress);

  const TrainerState& state() const { return state_; }
  TrainerState snapshot() const;  // with the optimiser's tensors
  void restore(TrainerState state);

  const TrainerConfig& config() const { return config_; }
  int64_t steps_per_epoch() const;

 private:
  class Ticker;
  // How a batch goes through the network; its parts' gradients add up to the batch's.
  BatchParts batch_parts() const;
  // Each fills in the epoch's values; the state has them only once the epoch is whole.
  void run_epoch(Ticker& ticker, const BatchParts& batch_parts, Workers& workers, Columns& row,
                 Columns& batches);
  void validate(Ticker& ticker, Columns& row);
  void keep_if_best();
  void load_best();
  bool out_of_patience() const;

  Model& model_;
  TrainerConfig config_;
  std::unique_ptr<Objective> objective_;
  std::unique_ptr<Optimizer> optimizer_;
  BatchLoader training_;
  std::optional<BatchLoader> validation_;
  TrainerState state_;
};

// Called after each batch; what it throws ends the pass.
using AfterBatch = std::function<void()>;

// Means over all images of the objective's scalars: "loss" and its metrics; and "collapsed", 0 or
// 1, judged on the first batch.
std::map<std::string, double> evaluate(const Model& model, const BatchLoader& loader,
                                       const Objective& objective, int64_t batch_size,
                                       const AfterBatch& after_batch = {});

// Images through an autoencoder and back to bytes: uint8 (N, C, H, W) → uint8 (N, C, H, W).
at::Tensor reconstruct(const Model& model, const at::Tensor& images, int64_t batch_size,
                       const AfterBatch& after_batch = {});

// The two halves of that: uint8 (N, C, H, W) → codes (N, …), float32; and codes → uint8
// (N, C, H, W). At most batch_size rows at a time go through the network. `level`: of a network of
// several rates, the place on their ladder, 0 … levels − 1; none: the middle. `rounds`: whether
// entropy_model rounds the code.
at::Tensor encode_images(const Model& model, const at::Tensor& images, int64_t batch_size,
                         std::optional<double> level = {}, bool rounds = true,
                         const AfterBatch& after_batch = {});
at::Tensor decode_codes(const Model& model, const at::Tensor& codes, int64_t batch_size,
                        std::optional<double> level = {}, const AfterBatch& after_batch = {});

// Logits (N, K), float32, of uint8 images (N, C, H, W).
at::Tensor predict(const Model& model, const at::Tensor& images, int64_t batch_size,
                   const AfterBatch& after_batch = {});

}  // namespace imgcomp

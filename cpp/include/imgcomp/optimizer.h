// Optimisers over the parameters of a model, and learning-rate schedules. The updates are those of
// torch.optim, by ATen's fused kernels.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "imgcomp/gradients.h"
#include "imgcomp/parameters.h"

namespace imgcomp {

struct OptimizerConfig {
  std::string name = "adam";                          // "sgd", "adam" or "adamw"
  double momentum = 0.0;                              // sgd
  double weight_decay = 0.0;                          // L2 for sgd and adam, decoupled for adamw
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  // adam and adamw
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One update. gradients[i] belongs to parameter i; an undefined one leaves it as it is.
  virtual void step(const std::vector<Gradient>& gradients, double learning_rate) = 0;

  // Named tensors from which restore() goes on bit for bit.
  virtual std::map<std::string, at::Tensor> state() const = 0;
  virtual void restore(const std::map<std::string, at::Tensor>& state) = 0;
};

// UsageError for an unknown name or a value out of range. The parameters must outlive the result.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          const ParameterStore& parameters);

struct ScheduleConfig {
  std::string name = "constant";  // "constant", "step", "exponential" or "cosine"
  double gamma = 0.1;             // step, exponential: factor
  int64_t step_epochs = 30;       // step: epochs between two factors
  double final_fraction = 0.0;    // cosine: share of the rate left at the end
  double warmup_epochs = 0.0;     // linear rise from 0 before the schedule; any name
};

// Factor on the base rate for the step that follows `steps_done` steps. "step" and "exponential"
// change with whole epochs, "cosine" and the warm-up with every step.
double learning_rate_factor(const ScheduleConfig& config, int64_t steps_done,
                            int64_t steps_per_epoch, int64_t epochs);
void check_schedule(const ScheduleConfig& config);

}  // namespace imgcomp

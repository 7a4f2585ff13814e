// Learning-rate schedules (declared in imgcomp/optimizer.h).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "imgcomp/error.h"
#include "imgcomp/optimizer.h"

namespace imgcomp {

void check_schedule(const ScheduleConfig& config) {
  const bool known = config.name == "constant" || config.name == "step" ||
                     config.name == "exponential" || config.name == "cosine";
  if (!known) {
    throw UsageError(concat("schedule must be 'constant', 'step', 'exponential' or 'cosine', not '",
                            config.name, "'"));
  }
  if (!(config.gamma > 0.0)) {
    throw UsageError(concat("the schedule's gamma must be positive, not ", config.gamma));
  }
  if (config.step_epochs < 1) {
    throw UsageError(
        concat("the schedule's step_epochs must be at least 1, not ", config.step_epochs));
  }
  if (!(config.final_fraction >= 0.0 && config.final_fraction <= 1.0)) {
    throw UsageError(
        concat("the schedule's final_fraction must be in [0, 1], not ", config.final_fraction));
  }
  if (!(config.warmup_epochs >= 0.0)) {
    throw UsageError(
        concat("the schedule's warmup_epochs must be at least 0, not ", config.warmup_epochs));
  }
}

double learning_rate_factor(const ScheduleConfig& config, int64_t steps_done,
                            int64_t steps_per_epoch, int64_t epochs) {
  const auto epochs_done = static_cast<double>(steps_done / steps_per_epoch);
  const double exact_epochs =
      static_cast<double>(steps_done) / static_cast<double>(steps_per_epoch);
  double factor = 1.0;
  if (config.name == "step") {
    factor =
        std::pow(config.gamma, std::floor(epochs_done / static_cast<double>(config.step_epochs)));
  } else if (config.name == "exponential") {
    factor = std::pow(config.gamma, epochs_done);
  } else if (config.name == "cosine") {
    const double length = std::max(static_cast<double>(epochs) - config.warmup_epochs, 1e-12);
    const double position = std::clamp((exact_epochs - config.warmup_epochs) / length, 0.0, 1.0);
    factor = config.final_fraction +
             (1.0 - config.final_fraction) * 0.5 * (1.0 + std::cos(std::numbers::pi * position));
  }
  if (config.warmup_epochs > 0.0) {
    const double steps = config.warmup_epochs * static_cast<double>(steps_per_epoch);
    factor *= std::min(1.0, (static_cast<double>(steps_done) + 1.0) / steps);
  }
  return factor;
}

}  // namespace imgcomp

#include "imgcomp/trainer.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/stack.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "imgcomp/error.h"
#include "imgcomp/levels.h"
#include "imgcomp/random.h"
#include "training/batch_parts.h"
#include "training/running_means.h"
#include "training/scopes.h"
#include "training/workers.h"

namespace imgcomp {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kProgressInterval = std::chrono::milliseconds(100);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

at::MemoryFormat memory_format(const TrainerConfig& config) {
  return config.channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

void check_config(const TrainerConfig& config) {
  const auto at_least_one = [](const char* name, int64_t value) {
    if (value < 1) {
      throw UsageError(concat(name, " must be at least 1, not ", value));
    }
  };
  at_least_one("epochs", config.epochs);
  at_least_one("batch_size", config.batch_size);
  at_least_one("evaluation_batch_size", config.evaluation_batch_size);
  if (!(config.learning_rate >= 0.0) || !std::isfinite(config.learning_rate)) {
    throw UsageError(
        concat("the learning rate must be finite and at least 0, not ", config.learning_rate));
  }
  if (config.gradient_clip && !(*config.gradient_clip > 0.0)) {
    throw UsageError(
        concat("the bound for clipping gradients must be positive, not ", *config.gradient_clip));
  }
  if (config.threads < 0 || config.patience < 0) {
    throw UsageError("threads and patience must not be negative");
  }
  if (config.patience > 0 && config.monitor.empty()) {
    throw UsageError("patience needs a column to watch (keep_best)");
  }
  check_schedule(config.schedule);
}

// Scales all gradients so that their norm together is at most `bound`.
void clip_gradients(std::vector<Gradient>& gradients, double bound) {
  std::vector<at::Tensor> norms;
  for (Gradient& gradient : gradients) {
    if (gradient.defined()) {
      gradient = {gradient.dense(), {}};
      norms.push_back(at::linalg_vector_norm(gradient.value));
    }
  }
  const double norm = at::linalg_vector_norm(at::stack(norms)).item<double>();
  const double factor = bound / (norm + 1e-6);  // as torch.nn.utils.clip_grad_norm_ has it
  if (factor < 1.0) {
    for (Gradient& gradient : gradients) {
      if (gradient.defined()) {
        gradient.value = gradient.value * factor;
      }
    }
  }
}

std::vector<Gradient> backward(const at::Tensor& loss, const std::vector<at::Tensor>& parameters,
                               OwnGradients& own) {
  const std::vector<at::Tensor> values =
      torch::autograd::grad({loss}, parameters, /*grad_outputs=*/{}, /*retain_graph=*/false,
                            /*create_graph=*/false, /*allow_unused=*/true);
  std::vector<Gradient> gradients;
  gradients.reserve(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    gradients.push_back(own.take(parameters[i], values[i]));
  }
  return gradients;
}

// Whether a forward pass draws random numbers for the batch, one after the other.
bool draws_by_batch(const NetworkSpec& spec) {
  for (const PartSpec& part : spec.parts) {
    for (const LayerSpec& layer : part.layers) {
      if (layer.kind.starts_with("dropout")) {
        return true;
      }
    }
  }
  return false;
}

void append(Columns& columns, const Columns& more) {
  for (const auto& [name, values] : more) {
    auto& column = columns[name];
    column.insert(column.end(), values.begin(), values.end());
  }
}

// Thrown where on_progress wants no more, caught in run().
struct Interrupted {};

// Higher is better for these, lower for all others.
bool higher_is_better(const std::string& column) {
  return column.ends_with("psnr") || column.ends_with("accuracy") ||
         column.ends_with("agreement") || column.ends_with("precision") ||
         column.ends_with("recall");
}

}  // namespace

// Calls on_progress after the first step and then about ten times a second, in training and
// validation alike.
class Trainer::Ticker {
 public:
  explicit Ticker(const OnProgress& on_progress) : on_progress_(on_progress) {}

  void step(int64_t epoch, int64_t step, int64_t steps, double loss) {
    const auto now = Clock::now();
    if (!on_progress_ || (last_ && now - *last_ < kProgressInterval)) {
      return;
    }
    last_ = now;
    if (!on_progress_({epoch, step, steps, loss})) {
      throw Interrupted{};
    }
  }

 private:
  const OnProgress& on_progress_;
  std::optional<Clock::time_point> last_;
};

Trainer::Trainer(Model& model, const ImageData& training,
                 const std::optional<ImageData>& validation, const TrainerConfig& config,
                 std::shared_ptr<const Model> judge)
    : model_(model),
      config_((check_config(config), config)),
      objective_(make_objective(config.objective, config.metrics, std::move(judge))),
      optimizer_(make_optimizer(config.optimizer, model.parameters())),
      training_(
          (check_data(training, model, "training"), objective_->check(model, training), training),
          model.spec(), model.device(), memory_format(config)) {
  if (validation) {
    check_data(*validation, model, "validation");
    objective_->check(model, *validation);
    validation_.emplace(*validation, model.spec(), model.device(), memory_format(config));
  }
  if (config_.drop_last && training_.size() < config_.batch_size) {
    throw UsageError(concat("with drop_last, ", training_.size(),
                            " images do not make one batch of ", config_.batch_size));
  }
  if (config_.monitor.starts_with("val_") && !validation_) {
    throw UsageError(concat("'", config_.monitor, "' cannot be watched without validation data"));
  }
  model_.set_memory_format(memory_format(config_));
}

int64_t Trainer::steps_per_epoch() const {
  return config_.drop_last ? training_.size() / config_.batch_size
                           : (training_.size() + config_.batch_size - 1) / config_.batch_size;
}

Trainer::Outcome Trainer::run(const OnEpoch& on_epoch, const OnProgress& on_progress) {
  const ThreadScope threads(config_.threads);
  Ticker ticker(on_progress);
  const BatchParts parts = batch_parts();
  const int64_t most_parts = parts.of(std::min(config_.batch_size, training_.size()));
  Workers workers(std::min(most_parts, parts.threads));
  Outcome outcome = Outcome::finished;
  while (state_.epoch < config_.epochs) {
    if (out_of_patience()) {
      outcome = Outcome::stopped_early;
      break;
    }
    Columns row, batches;
    try {
      const NoTinyNumbersScope no_tiny_numbers;
      run_epoch(ticker, parts, workers, row, batches);
      validate(ticker, row);
    } catch (const Interrupted&) {
      return Outcome::interrupted;
    }
    append(state_.history, row);
    append(state_.batches, batches);
    ++state_.epoch;
    keep_if_best();
    if (on_epoch && !on_epoch(*this)) {
      outcome = Outcome::stopped_early;
      break;
    }
  }
  load_best();
  return outcome;
}

BatchParts Trainer::batch_parts() const {
  // The rows of log_batches are of whole batches, and dropout draws by the batch.
  return {
      .images_at_once = images_at_once(model_),
      .multiply_adds_of_image = model_.multiply_adds(),
      .threads = at::get_num_threads(),
      .whole = config_.log_batches || draws_by_batch(model_.spec()) || !model_.device().is_cpu()};
}

void Trainer::run_epoch(Ticker& ticker, const BatchParts& batch_parts, Workers& workers,
                        Columns& row, Columns& batches) {
  const at::AutoGradMode with_gradients(true);
  const auto start = Clock::now();
  const at::Device device = model_.device();
  const auto epoch = static_cast<uint64_t>(state_.epoch) + 1;
  const int64_t steps = steps_per_epoch();
  const at::TensorOptions index_options = at::TensorOptions().dtype(at::kLong);

  at::Generator order_generator =
      make_generator(at::kCPU, derive_seed(config_.seed, Stream::order, epoch));
  const at::Tensor order =
      (config_.shuffle ? at::randperm(training_.size(), order_generator, index_options)
                       : at::arange(training_.size(), index_options))
          .to(device);
  const std::optional<at::Generator> draws =
      make_generator(device, derive_seed(config_.seed, Stream::dropout, epoch));
  const uint64_t bits_seed = derive_seed(config_.seed, Stream::bits, epoch);
  const std::vector<at::Tensor> parameters = model_.parameters().tensors();
  RunningMeans means(device, config_.log_batches);
  double learning_rate = config_.learning_rate;
  const int64_t most_parts = batch_parts.of(std::min(config_.batch_size, training_.size()));
  // OpenMP's threads go on spinning for a while after a loop, in the workers' way.
  const ThreadScope alone(workers.active() ? 1 : 0);

  for (int64_t step = 0; step < steps; ++step) {
    const int64_t begin = step * config_.batch_size;
    const int64_t size = std::min(config_.batch_size, training_.size() - begin);
    const int64_t parts = batch_parts.of(size);
    struct Part {
      ObjectiveResult result;
      std::vector<Gradient> gradients;
      int64_t count;
    };
    std::vector<Part> all(static_cast<size_t>(parts));
    workers.run(parts, [&](int64_t part) {
      const at::AutoGradMode gradients_wanted(true);
      const int64_t from = size * part / parts;
      const int64_t count = size * (part + 1) / parts - from;
      const at::Tensor images = order.narrow(0, begin + from, count);
      const Batch batch = training_.load(images, config_.seed, epoch);
      ForwardContext context;
      context.training = true;
      context.generator = draws;
      context.image_draws = {bits_seed, images};
      if (const auto levels = static_cast<int64_t>(model_.spec().lambdas.size()); levels > 0) {
        context.level_shares = level_shares(drawn_places(*context.image_draws, levels), levels);
      }
      context.own_gradients = c10::make_intrusive<OwnGradients>();
      ObjectiveResult result;
      {
        const AutocastScope precision(device.type(), config_.precision == Precision::bf16);
        result = (*objective_)(model_, batch, context);
      }
      const double share = static_cast<double>(count) / static_cast<double>(size);
      std::vector<Gradient> gradients = backward(parts == 1 ? result.loss : result.loss * share,
                                                 parameters, *context.own_gradients);
      all[static_cast<size_t>(part)] = {std::move(result), std::move(gradients), count};
    });
    std::vector<Gradient> gradients;
    for (Part& part : all) {
      accumulate(gradients, std::move(part.gradients));
      means.add(part.result, part.count);
    }
    if (config_.gradient_clip) {
      clip_gradients(gradients, *config_.gradient_clip);
    }
    learning_rate =
        config_.learning_rate *
        learning_rate_factor(config_.schedule, state_.epoch * steps + step, steps, config_.epochs);
    optimizer_->step(gradients, learning_rate);

    if (means.due() || step + 1 == steps) {
      if (const int64_t bad = means.flush(); bad != 0) {
        throw DivergedError(concat("the loss is no longer finite in epoch ", epoch, ", step ",
                                   (bad - 1) / most_parts + 1, " of ", steps,
                                   "; a smaller learning rate or gradient clipping "
                                   "may help"));
      }
    }
    ticker.step(static_cast<int64_t>(epoch), step + 1, steps, means.mean("loss"));
  }

  row["epoch"] = {static_cast<double>(epoch)};
  row["lr"] = {learning_rate};
  for (const auto& [name, mean] : means.means()) {
    row[name] = {mean};
  }
  batches = means.values();
  row["seconds"] = {seconds_since(start)};
}

void Trainer::validate(Ticker& ticker, Columns& row) {
  const auto start = Clock::now();
  if (validation_) {
    const int64_t steps = steps_per_epoch();
    const double loss = row.at("loss").front();
    const auto tick = [&] { ticker.step(state_.epoch + 1, steps, steps, loss); };
    for (const auto& [name, value] :
         evaluate(model_, *validation_, *objective_, config_.evaluation_batch_size, tick)) {
      row[name == "collapsed" ? name : "val_" + name] = {value};
    }
    row["val_seconds"] = {seconds_since(start)};
    return;
  }
  // Without validation data, only whether the outputs have collapsed, on some training images.
  constexpr int64_t kJudged = 128;
  const at::AutoGradMode without_gradients(false);
  const int64_t count = std::min({kJudged, config_.evaluation_batch_size, training_.size()});
  const Batch batch = training_.load(
      at::arange(count, at::TensorOptions().dtype(at::kLong).device(model_.device())));
  ForwardContext context;
  const ObjectiveResult result = (*objective_)(model_, batch, context);
  row["collapsed"] = {objective_->has_collapsed(result, batch) ? 1.0 : 0.0};
  row["val_seconds"] = {seconds_since(start)};
}

void Trainer::keep_if_best() {
  if (config_.monitor.empty()) {
    return;
  }
  const auto column = state_.history.find(config_.monitor);
  if (column == state_.history.end()) {
    std::string names;
    for (const auto& [name, values] : state_.history) {
      names += (names.empty() ? "" : ", ") + name;
    }
    throw UsageError(
        concat("there is no column '", config_.monitor, "' to watch; there are: ", names));
  }
  const double value = column->second.back();
  const bool better =
      higher_is_better(config_.monitor) ? value > state_.best_value : value < state_.best_value;
  if (state_.best_epoch != 0 && !better) {
    return;
  }
  state_.best_value = value;
  state_.best_epoch = state_.epoch;
  for (const Parameter& parameter : model_.parameters().all()) {
    state_.best_parameters[parameter.name] = parameter.tensor.detach().clone();
  }
}

void Trainer::load_best() {
  for (const auto& [name, best] : state_.best_parameters) {
    model_.parameters().find(name).detach().copy_(best);
  }
}

bool Trainer::out_of_patience() const {
  return config_.patience > 0 && state_.best_epoch != 0 &&
         state_.epoch - state_.best_epoch >= config_.patience;
}

TrainerState Trainer::snapshot() const {
  TrainerState state = state_;
  state.optimizer = optimizer_->state();
  return state;
}

void Trainer::restore(TrainerState state) {
  if (state.epoch < 0 || state.epoch > config_.epochs) {
    throw UsageError(
        concat("a run of ", config_.epochs, " epochs cannot go on after epoch ", state.epoch));
  }
  optimizer_->restore(state.optimizer);
  state_ = std::move(state);
}

}  // namespace imgcomp

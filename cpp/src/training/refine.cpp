#include "imgcomp/refine.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/atanh.h>
#include <ATen/ops/floor.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <memory>
#include <numbers>

#include "imgcomp/objective.h"
#include "models/fused/weight_memory.h"
#include "models/image_draws.h"
#include "training/over_batches.h"

namespace imgcomp {
namespace {

// The temperature at first, the share of all rounds before it falls, and how fast it does.
constexpr double kHottest = 0.4, kHeld = 0.1, kCooling = 2.0;
// Adam's learning rate at first, in steps of the code, and what share of it is left at the end.
constexpr double kLearningRate = 0.02, kLeastRate = 0.1;
constexpr double kBeta1 = 0.8, kBeta2 = 0.99, kEpsilon = 1e-8;

// Between the whole numbers around each value one that is drawn: the nearer one is likelier, and
// the colder it is the nearer is what comes out to one of both. Differentiable.
at::Tensor relaxed(const at::Tensor& steps, double temperature, ForwardContext::ImageDraws& draws) {
  constexpr double kEdge = 1e-4;  // the distance from a whole number at which likelihoods end
  const at::Tensor below = at::floor(steps.detach());
  const at::Tensor beyond = (steps - below).clamp(kEdge, 1.0 - kEdge);
  const at::Tensor preference = (at::atanh(beyond) - at::atanh(1.0 - beyond)) / temperature;
  // The difference of two Gumbel variables is a logistic one.
  const at::Tensor chance =
      2.0 * at::atanh(draw_uniform(below, draws).clamp(kEdge - 1.0, 1.0 - kEdge));
  return below + at::sigmoid((preference + chance) / temperature);
}

// The codes of some images, which move together but each by itself.
class Refinement {
 public:
  Refinement(const Model& model, const Objective& objective, int64_t rounds, Batch batch,
             const at::Tensor& steps, ForwardContext context)
      : model_(model),
        objective_(objective),
        rounds_(rounds),
        batch_(std::move(batch)),
        context_(std::move(context)),
        steps_(steps.permute({0, 2, 3, 1}).clone(at::MemoryFormat::Contiguous).requires_grad_()),
        mean_(at::zeros_like(steps_)),
        square_(at::zeros_like(steps_)),
        count_(at::zeros({}, steps.options())),
        // Each image gets the same draws, whatever its place.
        draws_{.seed = 0, .images = at::zeros({steps.size(0)}, steps.options().dtype(at::kLong))} {
    context_.weight_memories = std::make_shared<fused::WeightMemories>();
  }

  at::Tensor run() {
    for (int64_t round = 0; round < rounds_; ++round) {
      update(static_cast<double>(round) / static_cast<double>(rounds_));
    }
    return channels_first(steps_.detach());
  }

 private:
  // done: the share of all rounds.
  void update(double done) {
    const double temperature = kHottest * std::exp(-kCooling * std::max(0.0, done - kHeld));
    const double turned = 0.5 * (1.0 + std::cos(std::numbers::pi * done));
    ForwardContext context = context_;
    context.steps = relaxed(channels_first(steps_), temperature, draws_);
    // The mean over the images: Adam does not mind the factor.
    const at::Tensor loss = objective_(model_, batch_, context).loss;
    const at::Tensor gradient = torch::autograd::grad({loss}, {steps_}).front();
    const at::AutoGradMode without_gradients(false);
    count_.add_(1.0);
    at::_fused_adam_({steps_.detach()}, {gradient.contiguous()}, {mean_}, {square_},
                     at::TensorList{}, {count_},
                     kLearningRate * (kLeastRate + (1.0 - kLeastRate) * turned), kBeta1, kBeta2,
                     /*weight_decay=*/0.0, kEpsilon, /*amsgrad=*/false,
                     /*maximize=*/false);
  }

  static at::Tensor channels_first(const at::Tensor& steps) { return steps.permute({0, 3, 1, 2}); }

  const Model& model_;
  const Objective& objective_;
  int64_t rounds_;
  Batch batch_;
  ForwardContext context_;
  at::Tensor steps_, mean_, square_, count_;  // channels last
  ForwardContext::ImageDraws draws_;
};

void check(const Model& model, const at::Tensor& images, const at::Tensor& steps, int64_t rounds) {
  require_autoencoder(model);
  check_data({images, {}, {}}, model, "the");
  check_code(model, steps);
  if (steps.size(0) != images.size(0) || steps.scalar_type() != at::kFloat) {
    throw UsageError(concat("steps must be float32 of ", images.size(0), " codes, not ",
                            steps.scalar_type(), " of ", steps.size(0)));
  }
  if (rounds < 0) {
    throw UsageError(concat("a code is refined in 0 or more rounds, not ", rounds));
  }
}

}  // namespace

at::Tensor refine_steps(const Model& model, const at::Tensor& images, const at::Tensor& steps,
                        double level, const std::string& objective,
                        std::shared_ptr<const Model> judge, int64_t rounds,
                        const AfterBatch& after_batch) {
  check(model, images, steps, rounds);
  const std::unique_ptr<Objective> minimised = make_objective(objective, {}, std::move(judge));
  minimised->check(model, {images, {}, {}});
  if (images.size(0) == 0) {
    return steps;
  }
  const auto refined = [&](int64_t begin, int64_t end) {
    const BatchLoader loader({images.slice(0, begin, end), {}, {}}, model.spec(), model.device(),
                             layout(model));
    const at::AutoGradMode with_gradients(true);
    return Refinement(
               model, *minimised, rounds, loader.load(index_range(0, end - begin, model.device())),
               steps.slice(0, begin, end).to(model.device()), at_level(model, level, end - begin))
        .run()
        .to(steps.device())
        .contiguous();
  };
  return over_batches(model, images.size(0), images.size(0), after_batch, refined, /*slow=*/true);
}

at::Tensor distortions(const Model& model, const at::Tensor& images, const at::Tensor& outputs,
                       double level, const std::string& objective,
                       std::shared_ptr<const Model> judge, const AfterBatch& after_batch) {
  const ImageData data{outputs, images, {}};
  require_autoencoder(model);
  check_data(data, model, "the");
  const std::unique_ptr<Objective> counted = make_objective(objective, {}, std::move(judge));
  counted->check(model, data);
  const auto found = [&](int64_t begin, int64_t end) {
    const BatchLoader loader({outputs.slice(0, begin, end), images.slice(0, begin, end), {}},
                             model.spec(), model.device(), at::MemoryFormat::Contiguous);
    const Batch batch = loader.load(index_range(0, end - begin, model.device()));
    return counted->distortions(model, batch.input, batch, at_level(model, level, end - begin))
        .to(at::kFloat)
        .to(images.device());
  };
  return over_batches(model, images.size(0), images.size(0), after_batch, found);
}

}  // namespace imgcomp

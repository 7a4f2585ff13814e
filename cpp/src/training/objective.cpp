#include "imgcomp/objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/binary_cross_entropy.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <locale>
#include <sstream>

#include "imgcomp/error.h"
#include "imgcomp/levels.h"
#include "imgcomp/metrics.h"
#include "imgcomp/ssim.h"
#include "training/cross_entropy.h"

namespace imgcomp {
namespace {

constexpr double kPeak = 255.0;
constexpr const char* kRate = "rate";
constexpr const char* kLambda = "lambda";
constexpr const char* kJudge = "judge";

using Loss = at::Tensor (*)(const at::Tensor& output, const at::Tensor& target, double span);

// One term of a loss between images and their targets; the rate and the judge have no function.
struct Term {
  std::string name;
  Loss loss;     // the mean over the batch
  Loss of_each;  // (N); null: there is none
  double weight = 1.0;
  bool by_lambda = false;  // weighed by what belongs to each image's level
};

at::Tensor ms_ssim_of_each(const at::Tensor& output, const at::Tensor& target, double span) {
  static const MsSsimVariant kAdaptive = ms_ssim_variant("adaptive", kMsSsimWindow, kMsSsimScales);
  return ms_ssim(output, target, kAdaptive, span);
}

at::Tensor ms_ssim_of(const at::Tensor& output, const at::Tensor& target, double span) {
  return ms_ssim_of_each(output, target, span).mean().to(at::kFloat);
}

at::Tensor ms_ssim_loss(const at::Tensor& output, const at::Tensor& target, double span) {
  return 1.0 - ms_ssim_of(output, target, span);
}

const std::vector<Term>& reconstruction_terms() {
  using Images = const at::Tensor&;
  static const std::vector<Term> terms{
      {"mse", [](Images output, Images target, double) { return at::mse_loss(output, target); },
       [](Images output, Images target, double) {
         return (output - target).square().flatten(1).mean(1);
       }},
      {"l1", [](Images output, Images target, double) { return at::l1_loss(output, target); },
       [](Images output, Images target, double) {
         return (output - target).abs().flatten(1).mean(1);
       }},
      {"bce",
       [](Images output, Images target, double) {
         return at::binary_cross_entropy(output, target);
       },
       nullptr},
      {"ms_ssim", ms_ssim_loss,
       [](Images output, Images target, double span) {
         return (1.0 - ms_ssim_of_each(output, target, span)).to(at::kFloat);
       }},
      {kRate, nullptr, nullptr},
      {kJudge, nullptr, nullptr},
  };
  return terms;
}

// Whether a term has a value for each image.
bool counts_each(const Term& term) {
  return term.of_each != nullptr || term.name == kRate || term.name == kJudge;
}

// Images against their targets, by a weighted sum of terms; of several iterations the mean.
class ReconstructionObjective : public Objective {
 public:
  ReconstructionObjective(std::string name, std::vector<Term> terms,
                          const std::vector<std::string>& metrics,
                          std::shared_ptr<const Model> judge)
      : name_(std::move(name)),
        terms_(std::move(terms)),
        judge_(std::move(judge)),
        with_ms_ssim_(has("ms_ssim")) {
    for (const std::string& metric : metrics) {
      if (metric != "ms_ssim") {
        throw UsageError(concat("the objective '", name_, "' has no metric '", metric,
                                "'; autoencoders have 'ms_ssim'"));
      }
      with_ms_ssim_ = true;
    }
  }

  ObjectiveResult operator()(const Model& model, const Batch& batch,
                             ForwardContext& context) const override {
    const auto [low, high] = model.spec().data_range;
    const std::vector<at::Tensor> outputs = model.reconstructions(batch.input, context);
    const auto count = static_cast<double>(outputs.size());
    ObjectiveResult result;
    at::Tensor lambdas, shares;  // of each image, where a term is weighed by them
    if (by_lambda()) {
      lambdas = lambdas_of(model.spec().lambdas, context, batch.input.size(0));
      shares = shares_of_loss(model.spec().lambdas, lambdas);
    }
    at::Tensor similarity;  // of the last output
    Judgement judgement;
    for (const at::Tensor& each : outputs) {
      const at::Tensor output = each.to(at::kFloat);
      if (has(kJudge)) {
        judgement = judged(output, batch.target, model.spec().data_range);
      }
      similarity = at::Tensor();
      for (const Term& term : terms_) {
        at::Tensor loss;
        if (lambdas.defined()) {
          loss = term.name == kRate
                     ? context.bits / pixels(batch)
                     : distortion(term, output, batch.target, high - low, judgement, lambdas);
          loss = (loss * shares).mean();
        } else {
          loss = term.name == kRate    ? bits_per_pixel(context, batch)
                 : term.name == kJudge ? judgement.divergence.mean()
                                       : term.loss(output, batch.target, high - low);
        }
        if (term.loss == ms_ssim_loss && !lambdas.defined()) {
          similarity = 1.0 - loss.detach();
        }
        if (const double weight = term.weight / count; weight != 1.0) {
          loss = loss * weight;
        }
        result.loss = result.loss.defined() ? result.loss + loss : loss;
      }
      result.output = output.detach();
    }
    if (context.bits.defined()) {
      result.metrics.push_back({"bpp", bits_per_pixel(context, batch).detach(), {}});
    }
    if (judgement.agreement.defined()) {
      result.metrics.push_back({"agreement", judgement.agreement, {}});
    }
    const at::Tensor mse = mse_per_image_8bit(result.output, batch.target, {low, high});
    result.metrics.push_back({"psnr", psnr_from_mse(mse, kPeak).mean(), {}});
    if (with_ms_ssim_) {
      if (!similarity.defined()) {
        similarity = ms_ssim_of(result.output, batch.target, high - low);
      }
      result.metrics.push_back({"ms_ssim", similarity, {}});
    }
    return result;
  }

  at::Tensor distortions(const Model& model, const at::Tensor& output, const Batch& batch,
                         const ForwardContext& context) const override {
    const auto [low, high] = model.spec().data_range;
    const int64_t images = output.size(0);
    const at::Tensor lambdas =
        by_lambda() ? lambdas_of(model.spec().lambdas, context, images) : at::Tensor();
    const Judgement judgement =
        has(kJudge) ? judged(output, batch.target, model.spec().data_range) : Judgement{};
    at::Tensor sum = at::zeros({images}, output.options());
    for (const Term& term : terms_) {
      if (!counts_each(term)) {
        throw UsageError(concat("'", term.name, "' has no value for each image"));
      }
      if (term.name != kRate) {
        sum = sum +
              term.weight * distortion(term, output, batch.target, high - low, judgement, lambdas);
      }
    }
    return sum;
  }

  void check(const Model& model, const ImageData& data) const override {
    if (model.spec().task != Task::autoencoder) {
      throw UsageError(concat("the objective '", name_,
                              "' compares images: it trains an "
                              "autoencoder, not a classifier (which takes 'cross_entropy')"));
    }
    if (has("bce")) {
      check_unit_range(model, data);
    }
    if (has(kJudge)) {
      check_judge(model);
    }
    if (by_lambda() && model.spec().lambdas.empty()) {
      throw UsageError(concat("the objective '", name_,
                              "' needs a network of several rates, whose spec has 'lambdas'"));
    }
    for (const Term& term : terms_) {
      if (by_lambda() && !counts_each(term)) {
        throw UsageError(concat("'", term.name,
                                "' has no value for each image, so that it does not go with the "
                                "factor lambda"));
      }
    }
    if (has(kRate) && !counts_bits(model)) {
      throw UsageError(
          "the objective 'rate' needs a network without iterations whose encoder ends with "
          "'entropy_model', which says what a code costs");
    }
  }

  bool has_collapsed(const ObjectiveResult& result, const Batch& batch) const override {
    return reconstruction_has_collapsed(result.output, batch.target);
  }

 private:
  struct Judgement {
    at::Tensor divergence;  // (N), nats
    at::Tensor agreement;   // share of images that it takes for the same as their targets
  };

  // One term of each image, (N), not weighed by its factor but by lambdas where they belong to it.
  static at::Tensor distortion(const Term& term, const at::Tensor& output, const at::Tensor& target,
                               double span, const Judgement& judgement, const at::Tensor& lambdas) {
    const at::Tensor found =
        term.name == kJudge ? judgement.divergence : term.of_each(output, target, span);
    return term.by_lambda ? found * lambdas : found;
  }

  Judgement judged(const at::Tensor& output, const at::Tensor& target,
                   const std::array<double, 2>& range) const {
    const auto [low, high] = judge_->spec().data_range;
    const double factor = (high - low) / (range[1] - range[0]);
    const auto logs = [&, least = low, most = high](const at::Tensor& images) {
      ForwardContext context;
      const at::Tensor scaled = ((images - range[0]) * factor + least).clamp(least, most);
      return at::log_softmax(judge_->forward(scaled, context).to(at::kFloat), 1);
    };
    at::Tensor wanted;
    {
      const at::AutoGradMode without_gradients(false);
      wanted = logs(target);
    }
    const at::Tensor found = logs(output);
    return {(wanted.exp() * (wanted - found)).sum(1),
            found.detach().argmax(1).eq(wanted.argmax(1)).to(at::kFloat).mean()};
  }

  void check_judge(const Model& model) const {
    if (judge_ == nullptr || judge_->spec().task != Task::classifier) {
      throw UsageError("the objective 'judge' needs a classifier that judges");
    }
    if (judge_->spec().input_shape != model.spec().input_shape) {
      throw UsageError(concat("the judge sees images of ", to_string(judge_->spec().input_shape),
                              ", not of ", to_string(model.spec().input_shape)));
    }
    if (judge_->device() != model.device()) {
      throw UsageError(
          concat("the judge is on ", judge_->device(), ", the network on ", model.device()));
    }
  }

  bool by_lambda() const {
    return std::any_of(terms_.begin(), terms_.end(),
                       [](const Term& each) { return each.by_lambda; });
  }

  // How much each image's loss counts, about 1: rates grow about as the cube root of lambda, so
  // that a per cent of the rate is worth the same at every level.
  static at::Tensor shares_of_loss(const std::vector<double>& all, const at::Tensor& lambdas) {
    const double middle = std::sqrt(all.front() * all.back());
    return (lambdas / middle).pow(-1.0 / 3.0);
  }

  static double pixels(const Batch& batch) {
    return static_cast<double>(batch.input.size(2) * batch.input.size(3));
  }

  static at::Tensor bits_per_pixel(const ForwardContext& context, const Batch& batch) {
    return context.bits.mean() / pixels(batch);
  }

  static bool counts_bits(const Model& model) {
    return !model.spec().recurrence &&
           model.part("encoder").spec().layers.back().kind == "entropy_model";
  }

  bool has(const std::string& term) const {
    return std::any_of(terms_.begin(), terms_.end(),
                       [&](const Term& each) { return each.name == term; });
  }

  static void check_unit_range(const Model& model, const ImageData& data) {
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

  std::string name_;
  std::vector<Term> terms_;
  std::shared_ptr<const Model> judge_;  // null: none
  bool with_ms_ssim_;
};

// "0.84*ms_ssim+0.16*l1"; a term without a factor has weight 1. Empty where a name is unknown or
// the text is not of that form.
std::vector<Term> parse_terms(const std::string& text) {
  std::vector<Term> result;
  if (text.ends_with('+')) {
    return result;
  }
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, '+');) {
    const size_t star = part.find('*');
    const std::string name = star == std::string::npos ? part : part.substr(star + 1);
    const auto& known = reconstruction_terms();
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Term& term) { return term.name == name; });
    if (found == known.end()) {
      return {};
    }
    Term term = *found;
    if (star != std::string::npos && part.substr(0, star) == kLambda) {
      if (!counts_each(term) || term.name == kRate) {
        return {};
      }
      term.by_lambda = true;
    } else if (star != std::string::npos) {
      std::istringstream factor(part.substr(0, star));
      factor.imbue(std::locale::classic());
      if (!(factor >> term.weight) || !factor.eof() || !std::isfinite(term.weight) ||
          term.weight <= 0.0) {
        return {};
      }
    }
    result.push_back(std::move(term));
  }
  return result;
}

}  // namespace

std::vector<std::string> objective_names() {
  std::vector<std::string> names;
  for (const Term& term : reconstruction_terms()) {
    names.push_back(term.name);
  }
  names.emplace_back("cross_entropy");
  return names;
}

std::unique_ptr<Objective> make_objective(const std::string& name,
                                          const std::vector<std::string>& metrics,
                                          std::shared_ptr<const Model> judge) {
  if (name == "cross_entropy") {
    return make_cross_entropy(metrics);
  }
  std::vector<Term> terms = parse_terms(name);
  if (terms.empty()) {
    throw UsageError(
        concat("objective must be 'mse', 'l1', 'bce', 'ms_ssim', 'judge', 'rate', a sum of these "
               "with positive "
               "factors such as '0.84*ms_ssim+0.16*l1', 'rate+300*mse' or 'rate+lambda*mse', or "
               "'cross_entropy', not '",
               name, "'"));
  }
  return std::make_unique<ReconstructionObjective>(name, std::move(terms), metrics,
                                                   std::move(judge));
}

}  // namespace imgcomp

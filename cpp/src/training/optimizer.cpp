#include "imgcomp/optimizer.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "imgcomp/error.h"

namespace imgcomp {
namespace {

void require(bool condition, const std::string& name, const std::string& expected, double value) {
  if (!condition) {
    throw UsageError(concat(name, " must be ", expected, ", not ", value));
  }
}

// The same memory as one row of values.
at::Tensor flat(const at::Tensor& dense) {
  return dense.as_strided({dense.numel()}, {1});
}

// What all optimisers share: the parameters, gradients brought to their memory layout, and named
// state. ATen's fused kernels are given all of it as rows: of images' channels_last weights they
// would first copy the gradients.
class FusedOptimizer : public Optimizer {
 public:
  explicit FusedOptimizer(const ParameterStore& store) : store_(store) {}

  void step(const std::vector<Gradient>& gradients, double learning_rate) override {
    std::vector<size_t> active;
    std::vector<at::Tensor> parameters, aligned;
    for (size_t i = 0; i < gradients.size(); ++i) {
      const at::Tensor& parameter = store_.all()[i].tensor;
      if (!gradients[i].defined() || apply_products(parameter, gradients[i], learning_rate)) {
        continue;
      }
      at::Tensor gradient = gradients[i].dense();
      if (gradient.strides() != parameter.strides()) {
        gradient = at::empty_like(parameter.detach()).copy_(gradient);
      }
      active.push_back(i);
      parameters.push_back(flat(parameter.detach()));
      aligned.push_back(flat(gradient));
    }
    if (!active.empty()) {
      update(active, parameters, aligned, learning_rate);
    }
  }

  std::map<std::string, at::Tensor> state() const override {
    std::map<std::string, at::Tensor> state;
    for (const auto& [slot, tensors] : slots_) {
      for (size_t i = 0; i < tensors.size(); ++i) {
        if (tensors[i].defined()) {
          state[slot + "." + store_.all()[i].name] = tensors[i];
        }
      }
    }
    return state;
  }

  void restore(const std::map<std::string, at::Tensor>& state) override {
    slots_.clear();
    for (const auto& [key, tensor] : state) {
      const size_t dot = key.find('.');
      const std::string slot = key.substr(0, dot);
      const std::string name = dot == std::string::npos ? "" : key.substr(dot + 1);
      size_t i = 0;
      while (i < store_.all().size() && store_.all()[i].name != name) {
        ++i;
      }
      if (i == store_.all().size()) {
        throw UsageError(concat("the optimiser state '", key, "' belongs to no parameter"));
      }
      const at::Tensor& parameter = store_.all()[i].tensor;
      if (tensor.numel() != 1 && tensor.sizes() != parameter.sizes()) {
        throw UsageError(concat("the optimiser state '", key, "' has shape ",
                                to_string(tensor.sizes().vec()), ", its parameter ",
                                to_string(parameter.sizes().vec())));
      }
      auto& tensors = slots_[slot];
      tensors.resize(store_.all().size());
      tensors[i] = tensor.sizes() == parameter.sizes()
                       ? at::empty_like(parameter.detach()).copy_(tensor)
                       : tensor.to(parameter.device()).clone();
    }
  }

 protected:
  // Applies a gradient that consists of products alone, where the optimiser can do so without
  // multiplying them out; false where it cannot.
  virtual bool apply_products(const at::Tensor& /*parameter*/, const Gradient& /*gradient*/,
                              double /*learning_rate*/) {
    return false;
  }

  virtual void update(const std::vector<size_t>& active, const std::vector<at::Tensor>& parameters,
                      const std::vector<at::Tensor>& gradients, double learning_rate) = 0;

  // The state of that name for the active parameters: as large as the parameter and zero at first,
  // or one float32 zero each where `scalar`.
  std::vector<at::Tensor> slot(const std::string& name, const std::vector<size_t>& active,
                               bool scalar = false) {
    auto& tensors = slots_[name];
    tensors.resize(store_.all().size());
    std::vector<at::Tensor> chosen;
    for (const size_t i : active) {
      if (!tensors[i].defined()) {
        const at::Tensor parameter = store_.all()[i].tensor.detach();
        tensors[i] = scalar ? at::zeros({}, parameter.options()) : at::zeros_like(parameter);
      }
      chosen.push_back(scalar ? tensors[i] : flat(tensors[i]));
    }
    return chosen;
  }

 private:
  const ParameterStore& store_;
  std::map<std::string, std::vector<at::Tensor>> slots_;
};

class Sgd : public FusedOptimizer {
 public:
  Sgd(const OptimizerConfig& config, const ParameterStore& store)
      : FusedOptimizer(store), config_(config) {
    require(config.momentum >= 0.0 && config.momentum < 1.0, "momentum", "in [0, 1)",
            config.momentum);
  }

 private:
  bool apply_products(const at::Tensor& parameter, const Gradient& gradient,
                      double learning_rate) override {
    if (gradient.value.defined() || config_.momentum > 0.0 || config_.weight_decay > 0.0) {
      return false;
    }
    for (const Product& product : gradient.products) {
      parameter.detach().addmm_(product.left.t(), product.right, 1.0, -learning_rate);
    }
    return true;
  }

  void update(const std::vector<size_t>& active, const std::vector<at::Tensor>& parameters,
              const std::vector<at::Tensor>& gradients, double learning_rate) override {
    // Buffers that start at zero make the first step what torch.optim.SGD does on its first step.
    const auto momentum =
        config_.momentum > 0.0 ? slot("momentum", active) : std::vector<at::Tensor>{};
    at::_fused_sgd_(parameters, gradients, momentum, config_.weight_decay, config_.momentum,
                    learning_rate, /*dampening=*/0.0, /*nesterov=*/false, /*maximize=*/false,
                    /*is_first_step=*/false);
  }

  OptimizerConfig config_;
};

class Adam : public FusedOptimizer {
 public:
  Adam(const OptimizerConfig& config, const ParameterStore& store, bool decoupled)
      : FusedOptimizer(store), config_(config), decoupled_(decoupled) {
    require(config.beta1 >= 0.0 && config.beta1 < 1.0, "betas[0]", "in [0, 1)", config.beta1);
    require(config.beta2 >= 0.0 && config.beta2 < 1.0, "betas[1]", "in [0, 1)", config.beta2);
    require(config.epsilon > 0.0, "eps", "positive", config.epsilon);
  }

 private:
  void update(const std::vector<size_t>& active, const std::vector<at::Tensor>& parameters,
              const std::vector<at::Tensor>& gradients, double learning_rate) override {
    const auto mean = slot("exp_avg", active);
    const auto square = slot("exp_avg_sq", active);
    const auto steps = slot("step", active, /*scalar=*/true);
    for (at::Tensor count : steps) {
      count.add_(1.0);
    }
    const auto fused = [&](auto function) {
      function(parameters, gradients, mean, square, at::TensorList{}, steps, learning_rate,
               config_.beta1, config_.beta2, config_.weight_decay, config_.epsilon);
    };
    if (decoupled_) {
      fused([](auto... a) { at::_fused_adamw_(a..., /*amsgrad=*/false, /*maximize=*/false); });
    } else {
      fused([](auto... a) { at::_fused_adam_(a..., /*amsgrad=*/false, /*maximize=*/false); });
    }
  }

  OptimizerConfig config_;
  bool decoupled_;
};

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerConfig& config,
                                          const ParameterStore& parameters) {
  require(config.weight_decay >= 0.0, "weight_decay", "at least 0", config.weight_decay);
  if (config.name == "sgd") {
    return std::make_unique<Sgd>(config, parameters);
  }
  if (config.name == "adam" || config.name == "adamw") {
    return std::make_unique<Adam>(config, parameters, config.name == "adamw");
  }
  throw UsageError(concat("optimizer must be 'sgd', 'adam' or 'adamw', not '", config.name, "'"));
}

}  // namespace imgcomp

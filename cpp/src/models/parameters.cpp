#include "imgcomp/parameters.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <cmath>

#include "imgcomp/error.h"

namespace imgcomp {

at::Tensor ParameterStore::add(const std::string& name, const Shape& shape, ParameterRole role,
                               int64_t fan_in, int64_t fan_out) {
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) {
      throw SpecError(concat("two parameters are named '", name, "': layer names must differ"));
    }
  }
  check_shape(shape, concat("the parameter '", name, "'"));
  if (num_elements(shape) > most_ - count()) {
    throw SpecError(concat("the parameter '", name, "' of shape ", to_string(shape),
                           " would be more than the ", most_, " values that there may be"));
  }
  at::Tensor tensor;
  try {
    tensor = at::empty(shape, at::kFloat);
  } catch (const c10::Error& error) {
    throw SpecError(concat("no memory for the parameter '", name, "' of shape ", to_string(shape),
                           ": ", error.what_without_backtrace()));
  }
  tensor.requires_grad_(true);
  parameters_.push_back({name, tensor, role, fan_in, fan_out, {}});
  return tensor;
}

at::Tensor ParameterStore::add_constant(const std::string& name, const Shape& shape, double value) {
  return add_constant(name, shape, std::vector{value});
}

at::Tensor ParameterStore::add_constant(const std::string& name, const Shape& shape,
                                        std::vector<double> rows) {
  at::Tensor tensor = add(name, shape, ParameterRole::constant, 1, 1);
  parameters_.back().values = std::move(rows);
  return tensor;
}

void ParameterStore::make_constant(const std::string& name, double value) {
  for (Parameter& parameter : parameters_) {
    if (parameter.name == name) {
      parameter.role = ParameterRole::constant;
      parameter.values = {value};
      return;
    }
  }
  find(name);  // which says what there is
}

at::Tensor ParameterStore::find(const std::string& name) const {
  std::string names;
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) {
      return parameter.tensor;
    }
    names += (names.empty() ? "" : ", ") + parameter.name;
  }
  throw SpecError(concat("no parameter is named '", name, "'; there are: ", names));
}

void ParameterStore::initialize(Initialization scheme, uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  for (const Parameter& parameter : parameters_) {
    // detach(): the same memory, without recording the draw for autograd.
    at::Tensor values = parameter.tensor.detach();
    if (parameter.role == ParameterRole::constant) {
      const std::vector<double>& rows = parameter.values;
      if (rows.size() == 1) {
        values.fill_(rows.front());
      } else {
        for (size_t row = 0; row < rows.size(); ++row) {
          values.select(0, static_cast<int64_t>(row)).fill_(rows[row]);
        }
      }
      continue;
    }
    const auto fan_in = static_cast<double>(parameter.fan_in);
    const auto fan_out = static_cast<double>(parameter.fan_out);
    switch (scheme) {
      case Initialization::pytorch:
        values.uniform_(-1.0 / std::sqrt(fan_in), 1.0 / std::sqrt(fan_in), generator);
        break;
      case Initialization::keras:
        if (parameter.role == ParameterRole::bias) {
          values.zero_();
        } else {
          const double limit = std::sqrt(6.0 / (fan_in + fan_out));
          values.uniform_(-limit, limit, generator);
        }
        break;
      case Initialization::chainer:
        if (parameter.role == ParameterRole::bias) {
          values.zero_();
        } else {
          values.normal_(0.0, 1.0 / std::sqrt(fan_in), generator);
        }
        break;
    }
  }
}

std::vector<at::Tensor> ParameterStore::tensors() const {
  std::vector<at::Tensor> tensors;
  tensors.reserve(parameters_.size());
  for (const Parameter& parameter : parameters_) {
    tensors.push_back(parameter.tensor);
  }
  return tensors;
}

int64_t ParameterStore::count() const {
  int64_t count = 0;
  for (const Parameter& parameter : parameters_) {
    count += parameter.tensor.numel();
  }
  return count;
}

}  // namespace imgcomp

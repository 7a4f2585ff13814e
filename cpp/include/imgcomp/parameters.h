// The trainable tensors of a model: created while layers are built, named, initialised together.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "imgcomp/spec.h"

namespace imgcomp {

// A constant begins with the same value under every scheme.
enum class ParameterRole { weight, bias, constant };

struct Parameter {
  std::string name;   // "<part>.<layer>.weight"
  at::Tensor tensor;  // float32 leaf that requires a gradient
  ParameterRole role;
  int64_t fan_in;  // inputs that one output sums over (for a transposed convolution: as
                   // PyTorch, Keras and Chainer count it, from the weight's second axis)
  int64_t fan_out;
  std::vector<double> values{};  // that a constant begins with: one, or one for each row
};

class ParameterStore {
 public:
  // At most so many values together: more is a SpecError before any memory is taken.
  explicit ParameterStore(int64_t most = std::numeric_limits<int64_t>::max()) : most_(most) {}

  // Adds an uninitialised parameter. The returned handle shares its tensor with the store.
  at::Tensor add(const std::string& name, const Shape& shape, ParameterRole role, int64_t fan_in,
                 int64_t fan_out);

  // Adds a constant: one value, or one for each row.
  at::Tensor add_constant(const std::string& name, const Shape& shape, double value);
  at::Tensor add_constant(const std::string& name, const Shape& shape, std::vector<double> rows);

  // Makes a constant of a parameter that is there.
  void make_constant(const std::string& name, double value);

  // The tensor of that name; SpecError lists the names there are.
  at::Tensor find(const std::string& name) const;

  // Draws all values in the order of creation from one generator seeded with `seed`: under
  // Initialization::pytorch these are the values that torch.manual_seed(seed) followed by the same
  // torch.nn layers gives.
  void initialize(Initialization scheme, uint64_t seed);

  const std::vector<Parameter>& all() const { return parameters_; }
  std::vector<at::Tensor> tensors() const;

  // Number of trainable values; a tied weight counts once.
  int64_t count() const;

 private:
  int64_t most_;
  std::vector<Parameter> parameters_;
};

}  // namespace imgcomp

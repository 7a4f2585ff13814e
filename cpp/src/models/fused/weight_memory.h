// What a convolution's method works out from a weight, kept over the iterations of a pass: the
// matrices that its products read, and the sum of its gradient in the form that the products leave.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <functional>
#include <unordered_map>
#include <utility>

#include "imgcomp/gradients.h"
#include "imgcomp/layer.h"

namespace imgcomp::fused {

// A gradient of all channels but the first of a parameter, in the parameter's memory layout and
// with zeros for these.
at::Tensor with_zeros(int64_t left_out, const at::Tensor& gradient, const at::Tensor& parameter);

class WeightMemory final : public GradientSum {
 public:
  explicit WeightMemory(at::Tensor weight) : weight_(std::move(weight)) {}

  at::Tensor forward, turned;  // undefined before the first use

  // Whether gradients are summed up here, rather than given to autograd each time.
  bool sums_gradients = false;
  at::Tensor sum;                                      // undefined before the first use
  std::function<at::Tensor(const at::Tensor&)> whole;  // from the sum to the gradient
  int64_t left_out = 0;  // so many of the weight's first channels are not in it

  at::Tensor value() const override;

 private:
  at::Tensor weight_;
};

using WeightMemoryPtr = c10::intrusive_ptr<WeightMemory>;

// Those of one pass.
class WeightMemories {
 public:
  // own: where gradients are summed up for, or null.
  WeightMemoryPtr of(const at::Tensor& weight, OwnGradients* own);

 private:
  std::unordered_map<const c10::TensorImpl*, WeightMemoryPtr> memories_;
};

// A weight's memory in a pass, null where nothing is remembered.
WeightMemoryPtr memory_of(const at::Tensor& weight, const ForwardContext& context);

// `place` of a memory, made on first use; made anew where there is no memory.
template <class Make>
at::Tensor kept(WeightMemory* memory, at::Tensor WeightMemory::* place, const Make& make) {
  if (memory == nullptr) {
    return make();
  }
  if (!(memory->*place).defined()) {
    memory->*place = make();
  }
  return memory->*place;
}

}  // namespace imgcomp::fused

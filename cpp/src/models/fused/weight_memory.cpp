#include "models/fused/weight_memory.h"

#include <ATen/ops/empty_like.h>

namespace imgcomp::fused {

at::Tensor with_zeros(int64_t left_out, const at::Tensor& gradient, const at::Tensor& parameter) {
  if (left_out == 0 && gradient.strides() == parameter.strides()) {
    return gradient;
  }
  at::Tensor result = at::empty_like(parameter);
  result.narrow(0, 0, left_out).zero_();
  result.slice(0, left_out).copy_(gradient);
  return result;
}

at::Tensor WeightMemory::value() const {
  return sum.defined() ? with_zeros(left_out, whole(sum), weight_) : at::Tensor();
}

WeightMemoryPtr WeightMemories::of(const at::Tensor& weight, OwnGradients* own) {
  WeightMemoryPtr& memory = memories_[weight.unsafeGetTensorImpl()];
  if (!memory) {
    memory = c10::make_intrusive<WeightMemory>(weight.detach());
    if (own != nullptr) {
      memory->sums_gradients = true;
      own->add(weight, memory);
    }
  }
  return memory;
}

WeightMemoryPtr memory_of(const at::Tensor& weight, const ForwardContext& context) {
  return context.weight_memories ? context.weight_memories->of(weight, context.own_gradients.get())
                                 : WeightMemoryPtr();
}

}  // namespace imgcomp::fused

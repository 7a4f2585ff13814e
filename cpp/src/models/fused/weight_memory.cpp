#include "models/fused/weight_memory.h"

#include <ATen/ops/constant_pad_nd.h>

namespace imgcomp::fused {

at::Tensor WeightMemory::value() const {
  if (!sum.defined()) {
    return {};
  }
  const at::Tensor found = whole(sum);
  return left_out == 0 ? found : at::constant_pad_nd(found, {0, 0, 0, 0, 0, 0, left_out, 0});
}

WeightMemoryPtr WeightMemories::of(const at::Tensor& weight, OwnGradients* own) {
  WeightMemoryPtr& memory = memories_[weight.unsafeGetTensorImpl()];
  if (!memory) {
    memory = c10::make_intrusive<WeightMemory>();
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

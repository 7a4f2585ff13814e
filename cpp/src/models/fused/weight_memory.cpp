#include "models/fused/weight_memory.h"

namespace imgcomp::fused {

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

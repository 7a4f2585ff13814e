// A pipeline's passes for tensors on a GPU (only where the kernels are built).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "preprocess/pass.h"

namespace imgcomp::cuda {

// As Pipeline::run_into, its arguments checked; `key` of seed and epoch.
void run_passes(const std::vector<std::shared_ptr<const PreprocessPass>>& passes,
                const at::Tensor& images, const at::Tensor& index, uint64_t key,
                const PipelineOptions& options, at::Tensor& output);

}  // namespace imgcomp::cuda

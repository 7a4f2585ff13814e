// Gather and scale for tensors on a GPU (only where the kernels are built).
#pragma once

#include <ATen/core/Tensor.h>

namespace imgcomp::cuda {

// As imgcomp::gather_scale, its arguments checked; `output` has the wanted memory format.
void gather_scale(const at::Tensor& images, const at::Tensor& index, float span, float low,
                  at::Tensor& output, bool channels_last);

}  // namespace imgcomp::cuda

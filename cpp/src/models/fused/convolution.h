// Convolution, its bias, and what stands around it (nearest upsampling by 2 before, relu and 2×2
// max pooling after), as one operation on channels-last float32 images on the CPU, with its
// gradient.
//
// The library's convolutions run small images at half to three quarters of the speed that the
// processor multiplies with, and what stands around them reads and writes everything again. Here
// the sums stay in registers, what follows is done while they are in the cache, and there is less
// to multiply: by transforms for 3×3 kernels (transformed/images.h), by products before shifts for
// few output channels (transformed/planes.h), by one matrix product for tiny images
// (unrolled/images.h), by one of the windows' for larger strides and under autocast to bfloat16
// (windowed/images.h), and by leaving out the three quarters of a pooled gradient that are zero
// (direct/images.h). The method for a shape is chosen by what it costs.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/fused/plan.h"
#include "models/fused/weight_memory.h"

namespace imgcomp::fused {

// The best way there is for these tensors: convolve where it applies, else convolve_by_aten.
// memory: of a weight that serves again in this pass, always for images of one size; it may then
// sum up the weight's gradient, of which autograd is told nothing. left_out: so many of the
// output's channels, from the first, are not computed, and the result does not have them; always
// as many with one memory.
at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                       const Geometry& geometry, Around around = {},
                       const WeightMemoryPtr& memory = {}, int64_t left_out = 0);

// Whether convolve takes these: float32 on the CPU, channels_last, no autocast but that to bfloat16
// on a processor with instructions for it, a processor with vectors, no dilation, a padding smaller
// than the kernel, and an output that is not empty; of what stands around a stride or uneven
// padding only relu.
bool applies(const at::Tensor& x, const at::Tensor& weight, const Geometry& geometry,
             Around around = {});

// x: (N, C, H, W); weight: (C', C, kh, kw); bias: (C') or undefined. Returns (N, C', H', W')
// channels_last, with a gradient that can itself be derived again (slowly, by ATen).
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const Geometry& geometry, Around around, const WeightMemoryPtr& memory = {},
                    int64_t left_out = 0);

// The same by ATen's operations, one after another, for everything that applies() refuses.
at::Tensor convolve_by_aten(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            const Geometry& geometry, Around around);

}  // namespace imgcomp::fused

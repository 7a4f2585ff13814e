// Images and the weights of convolutions as matrices, without copies where they are channels_last.
#pragma once

#include <ATen/core/Tensor.h>

namespace imgcomp {

// (N, C, H, W), channels_last → (N · H · W, C), the same memory.
inline at::Tensor pixels_of(const at::Tensor& images) {
  return images.permute({0, 2, 3, 1}).reshape({-1, images.size(1)});
}

// A weight (A, B, kh, kw) → (A, kh · kw · B).
inline at::Tensor rows_of_weight(const at::Tensor& weight) {
  return weight.permute({0, 2, 3, 1}).reshape({weight.size(0), -1});
}

// The inverse: a gradient in the memory layout of its channels_last weight of this shape.
inline at::Tensor weight_of_rows(const at::Tensor& rows, at::IntArrayRef shape) {
  return rows.view({shape[0], shape[2], shape[3], shape[1]}).permute({0, 3, 1, 2});
}

}  // namespace imgcomp

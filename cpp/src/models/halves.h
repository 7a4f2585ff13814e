// Rows of numbers rounded to bfloat16 for products, and what such products are brought back to.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace imgcomp {

// float32 (R, C) → bfloat16, to the nearest, ties to even; NaN stays NaN.
at::Tensor to_halves(const at::Tensor& rows);

struct SummedHalves {
  at::Tensor halves;
  at::Tensor sums;  // of each column, of the numbers as they were: float32 (C)
};
SummedHalves to_halves_with_sums(const at::Tensor& rows);

// bfloat16 (R, C), plus a bias (C), under relu where that is wanted, into float32 `rows`.
void from_halves(const at::Tensor& products, const std::optional<at::Tensor>& bias, bool relu,
                 const at::Tensor& rows);

}  // namespace imgcomp

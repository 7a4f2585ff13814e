// The pointwise part of recurrent cells as one operation each, with its gradient: what lies between
// the convolutions of a ConvLSTM or ConvGRU. float32 tensors on the CPU, and on GPUs where the
// kernels are built, go through loops in one pass; others through ATen's operations. bfloat16 gates
// are widened first, and what is returned is float32.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace imgcomp::recurrent {

// The gates that say what becomes of a state come first, so that they can be left out, and with
// them the weights that they come from, where the state is undefined, which is zero.

// gates: (N, 4C, H, W), the convolutions' sum in the order forget, input, output, candidate, or
// without forget. cell: (N, C, H, W), or undefined. Returns the next hidden state and the next
// cell.
std::array<at::Tensor, 2> lstm_cell(const at::Tensor& gates, const at::Tensor& cell);

// The same for the associative LSTM. gates: (N, 9C/2, H, W): forget, input, output, C/2 each, then
// candidate, input key, output key, C each. Of C channels the first half are real parts, the second
// half imaginary ones.
std::array<at::Tensor, 2> associative_lstm_cell(const at::Tensor& gates, const at::Tensor& cell);

// gates: (N, 2C, H, W): reset and update. hidden: (N, C, H, W). Returns σ(reset) ∘ hidden.
at::Tensor gru_reset_state(const at::Tensor& gates, const at::Tensor& hidden);

// gates: as for gru_reset_state, or without reset. candidate: (N, C, H, W), before its tanh.
// hidden: (N, C, H, W), or undefined. Returns the next hidden state,
// (1 − σ(update)) ∘ hidden + σ(update) ∘ tanh(candidate).
at::Tensor gru_cell(const at::Tensor& gates, const at::Tensor& candidate, const at::Tensor& hidden);

}  // namespace imgcomp::recurrent

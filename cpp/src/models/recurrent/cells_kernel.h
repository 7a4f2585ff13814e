// The launcher of the CUDA kernel in cells.cu. It takes raw pointers, so that the kernel file needs
// the CUDA runtime alone and can be compiled beside a torch without CUDA.
#pragma once

#include "models/recurrent/cell_steps.h"

namespace imgcomp::recurrent {

// As CellLoop, for every step of cell_steps.h. stream: a cudaStream_t. Throws
// std::runtime_error with CUDA's message if the launch fails.
template <class Step>
void launch(int64_t begin, int64_t end, int64_t channels, const Step& step, void* stream);

}  // namespace imgcomp::recurrent

#include "preprocess/gather_cuda.h"

// c10 alone: ATen/cuda/CUDAContext.h needs the headers of cuSPARSE, cuBLAS and cuSOLVER, which a
// small CUDA toolkit does not have.
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "preprocess/gather_kernel.h"

namespace imgcomp::cuda {

void gather_scale(const at::Tensor& images, const at::Tensor& index, float span, float low,
                  at::Tensor& output, bool channels_last) {
  const c10::cuda::CUDAGuard guard(images.device());
  launch_gather_scale({images.const_data_ptr<uint8_t>(), index.const_data_ptr<int64_t>(),
                       output.mutable_data_ptr<float>(), index.size(0), images.size(1),
                       images.size(2) * images.size(3), span, low, channels_last},
                      c10::cuda::getCurrentCUDAStream().stream());
}

}  // namespace imgcomp::cuda

// From the resident data set to a batch: gather images by index and scale bytes to the data range,
// in one pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

namespace imgcomp {

// images: uint8 (N, C, H, W), contiguous. index: int64 (B,) on the same device, values in [0, N).
// Returns float32 (B, C, H, W) in the memory format asked for, where byte v becomes
// v / 255 · (high − low) + low. UsageError for anything else; an index outside is one as well,
// unless the caller vouches for it with `trusted_index` (on a GPU the check waits for the device).
at::Tensor gather_scale(const at::Tensor& images, const at::Tensor& index,
                        std::array<double, 2> data_range, at::MemoryFormat format,
                        bool trusted_index = false);

// float (…) in the data range → uint8 (…): the inverse of the scaling, rounded half to even and
// clamped to 0…255; NaN becomes 0.
at::Tensor to_bytes(const at::Tensor& values, std::array<double, 2> data_range);

}  // namespace imgcomp

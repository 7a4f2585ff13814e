// The sliding windows of a convolution laid out as matrix rows, and their adding-up: what turns
// convolutions over channels_last images into matrix products.
#pragma once

#include <c10/util/BFloat16.h>

#include <array>
#include <cstdint>

namespace imgcomp {

// An image (height, width, channels), channels fastest, and a grid of windows over it.
struct WindowGrid {
  int64_t channels, height, width;  // of the image
  int64_t rows, columns;            // of the grid of windows
  std::array<int64_t, 2> kernel, stride, padding;

  int64_t window_size() const { return kernel[0] * kernel[1] * channels; }
  int64_t image_size() const { return height * width * channels; }
};

// images (N, height, width, channels) → windows (N · rows · columns, kernel · channels); what lies
// in the padding is 0.
void gather_windows(const WindowGrid& grid, int64_t images, const float* image, float* windows);
void gather_windows(const WindowGrid& grid, int64_t images, const c10::BFloat16* image,
                    c10::BFloat16* windows);

// The adjoint: windows are added up into images, which begin as `bias` (channels) or, where it is
// null, as 0.
void scatter_windows(const WindowGrid& grid, int64_t images, const float* windows,
                     const float* bias, float* image);
void scatter_windows(const WindowGrid& grid, int64_t images, const c10::BFloat16* windows,
                     const float* bias, float* image);

}  // namespace imgcomp

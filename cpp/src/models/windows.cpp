#include "models/windows.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "clones.h"

namespace imgcomp {
namespace {

// Values that one thread should have at least.
constexpr int64_t kValuesPerThread = 32768;

int64_t images_per_thread(const WindowGrid& grid) {
  const int64_t values = grid.rows * grid.columns * grid.window_size();
  return std::max<int64_t>(1, kValuesPerThread / std::max<int64_t>(1, values));
}

// The part of one kernel row, placed at `start` on an axis of `size`, that lies inside the axis.
struct Inside {
  int64_t begin, end;
};

Inside inside(int64_t start, int64_t kernel, int64_t size) {
  const int64_t begin = std::clamp<int64_t>(-start, 0, kernel);
  return {begin, std::clamp<int64_t>(size - start, begin, kernel)};
}

IMGCOMP_CLONES void gather_image(const WindowGrid& grid, const float* __restrict image,
                                 float* __restrict windows) {
  const int64_t channels = grid.channels;
  const int64_t run = grid.kernel[1] * channels;
  for (int64_t row = 0; row < grid.rows; ++row) {
    for (int64_t column = 0; column < grid.columns; ++column) {
      const int64_t x = column * grid.stride[1] - grid.padding[1];
      const Inside part = inside(x, grid.kernel[1], grid.width);
      for (int64_t k = 0; k < grid.kernel[0]; ++k, windows += run) {
        const int64_t y = row * grid.stride[0] - grid.padding[0] + k;
        if (y < 0 || y >= grid.height) {
          std::fill(windows, windows + run, 0.0f);
          continue;
        }
        const float* from = image + (y * grid.width + x) * channels;
        const int64_t begin = part.begin * channels;
        const int64_t end = part.end * channels;
        for (int64_t i = 0; i < begin; ++i) {
          windows[i] = 0.0f;
        }
        for (int64_t i = begin; i < end; ++i) {
          windows[i] = from[i];
        }
        for (int64_t i = end; i < run; ++i) {
          windows[i] = 0.0f;
        }
      }
    }
  }
}

IMGCOMP_CLONES void scatter_image(const WindowGrid& grid, const float* __restrict windows,
                                  const float* __restrict bias, float* __restrict image) {
  const int64_t channels = grid.channels;
  const int64_t run = grid.kernel[1] * channels;
  if (bias == nullptr) {
    std::fill(image, image + grid.image_size(), 0.0f);
  } else {
    for (int64_t pixel = 0; pixel < grid.height * grid.width; ++pixel) {
      for (int64_t channel = 0; channel < channels; ++channel) {
        image[pixel * channels + channel] = bias[channel];
      }
    }
  }
  for (int64_t row = 0; row < grid.rows; ++row) {
    for (int64_t column = 0; column < grid.columns; ++column) {
      const int64_t x = column * grid.stride[1] - grid.padding[1];
      const Inside part = inside(x, grid.kernel[1], grid.width);
      for (int64_t k = 0; k < grid.kernel[0]; ++k, windows += run) {
        const int64_t y = row * grid.stride[0] - grid.padding[0] + k;
        if (y < 0 || y >= grid.height) {
          continue;
        }
        float* to = image + (y * grid.width + x) * channels;
        const int64_t end = part.end * channels;
        for (int64_t i = part.begin * channels; i < end; ++i) {
          to[i] += windows[i];
        }
      }
    }
  }
}

}  // namespace

void gather_windows(const WindowGrid& grid, int64_t images, const float* image, float* windows) {
  const int64_t step = grid.rows * grid.columns * grid.window_size();
  at::parallel_for(0, images, images_per_thread(grid), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      gather_image(grid, image + i * grid.image_size(), windows + i * step);
    }
  });
}

void scatter_windows(const WindowGrid& grid, int64_t images, const float* windows,
                     const float* bias, float* image) {
  const int64_t step = grid.rows * grid.columns * grid.window_size();
  at::parallel_for(0, images, images_per_thread(grid), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      scatter_image(grid, windows + i * step, bias, image + i * grid.image_size());
    }
  });
}

}  // namespace imgcomp

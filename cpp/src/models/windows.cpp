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

// The loops, for each kind of number; the functions after them are compiled for several processors.
template <class Value>
[[gnu::always_inline]] inline void gather(const WindowGrid& grid, const Value* __restrict image,
                                          Value* __restrict windows) {
  const int64_t channels = grid.channels;
  const int64_t run = grid.kernel[1] * channels;
  for (int64_t row = 0; row < grid.rows; ++row) {
    for (int64_t column = 0; column < grid.columns; ++column) {
      const int64_t x = column * grid.stride[1] - grid.padding[1];
      const Inside part = inside(x, grid.kernel[1], grid.width);
      for (int64_t k = 0; k < grid.kernel[0]; ++k, windows += run) {
        const int64_t y = row * grid.stride[0] - grid.padding[0] + k;
        if (y < 0 || y >= grid.height) {
          std::fill(windows, windows + run, Value(0));
          continue;
        }
        const Value* from = image + (y * grid.width + x) * channels;
        const int64_t begin = part.begin * channels;
        const int64_t end = part.end * channels;
        for (int64_t i = 0; i < begin; ++i) {
          windows[i] = Value(0);
        }
        for (int64_t i = begin; i < end; ++i) {
          windows[i] = from[i];
        }
        for (int64_t i = end; i < run; ++i) {
          windows[i] = Value(0);
        }
      }
    }
  }
}

template <class Value>
[[gnu::always_inline]] inline void scatter(const WindowGrid& grid, const Value* __restrict windows,
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
          to[i] += static_cast<float>(windows[i]);
        }
      }
    }
  }
}

IMGCOMP_CLONES void gather_image(const WindowGrid& grid, const float* image, float* windows) {
  gather(grid, image, windows);
}

IMGCOMP_CLONES void gather_halves(const WindowGrid& grid, const c10::BFloat16* image,
                                  c10::BFloat16* windows) {
  gather(grid, image, windows);
}

IMGCOMP_CLONES void scatter_image(const WindowGrid& grid, const float* windows, const float* bias,
                                  float* image) {
  scatter(grid, windows, bias, image);
}

IMGCOMP_CLONES void scatter_halves(const WindowGrid& grid, const c10::BFloat16* windows,
                                   const float* bias, float* image) {
  scatter(grid, windows, bias, image);
}

// Calls of_image(image, its windows) for all images, on threads.
template <class OfImage, class Image, class Window>
void each_image(const WindowGrid& grid, int64_t images, Image* image, Window* windows,
                const OfImage& of_image) {
  const int64_t step = grid.rows * grid.columns * grid.window_size();
  at::parallel_for(0, images, images_per_thread(grid), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      of_image(image + i * grid.image_size(), windows + i * step);
    }
  });
}

}  // namespace

void gather_windows(const WindowGrid& grid, int64_t images, const float* image, float* windows) {
  each_image(grid, images, image, windows,
             [&](const float* from, float* to) { gather_image(grid, from, to); });
}

void gather_windows(const WindowGrid& grid, int64_t images, const c10::BFloat16* image,
                    c10::BFloat16* windows) {
  each_image(grid, images, image, windows,
             [&](const c10::BFloat16* from, c10::BFloat16* to) { gather_halves(grid, from, to); });
}

void scatter_windows(const WindowGrid& grid, int64_t images, const float* windows,
                     const float* bias, float* image) {
  each_image(grid, images, image, windows,
             [&](float* to, const float* from) { scatter_image(grid, from, bias, to); });
}

void scatter_windows(const WindowGrid& grid, int64_t images, const c10::BFloat16* windows,
                     const float* bias, float* image) {
  each_image(grid, images, image, windows,
             [&](float* to, const c10::BFloat16* from) { scatter_halves(grid, from, bias, to); });
}

}  // namespace imgcomp

// Similarity of batches of images at one or several scales: by loops of our own on the CPU, by
// torch's operations anywhere.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace imgcomp::similarity {

// What counts of a plane at one scale: contrast–structure, and at the coarsest scale times
// luminance, as a mean over the window's positions.
struct Level {
  std::vector<double> weights;  // of the window
  double exponent;              // of the mean
};

// The finest first; planes are halved between them.
struct Levels {
  std::vector<Level> levels;
  double data_range;
  bool clamped;  // means below 0 count as 0: those that are raised to a power
};

// The product over the levels for each plane, then the mean over an image's planes: float64 (N,).
// x, y: real (N, C, H, W) of one shape, with sides that the windows fit into. Gradients flow to
// both.
at::Tensor similarity_of_images(const at::Tensor& x, const at::Tensor& y, const Levels& levels);

// The same by torch's operations: what GPUs and derivatives of derivatives take, and what the loops
// are measured by.
at::Tensor similarity_by_operations(const at::Tensor& x, const at::Tensor& y, const Levels& levels);

}  // namespace imgcomp::similarity

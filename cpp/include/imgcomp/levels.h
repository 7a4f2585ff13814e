// Networks of several rates (Cui et al. 2021, "Asymmetric Gained Deep Image Compression With
// Continuous Rate Adaptation"): some parameters have a row for each level of a ladder from small to
// large codes, and an image between two levels gets a mixture of both rows. What distortion weighs
// in training, the spec's lambda, grows with the level.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "imgcomp/layer.h"

namespace imgcomp {

// What images at `places` on the ladder, float32 (N), 0 … levels − 1, get of each level: (N,
// levels), rows that sum up to 1.
at::Tensor level_shares(const at::Tensor& places, int64_t levels);

// Places that are drawn for images, all equally likely; counts as one draw made.
at::Tensor drawn_places(ForwardContext::ImageDraws& draws, int64_t levels);

// Places of images by their number in a data set, int64 (N): always the same, and spread evenly
// over any images that follow one another.
at::Tensor spread_places(const at::Tensor& images, int64_t levels);

// The context's shares for N images, those of the middle where there are none.
at::Tensor shares_of(const ForwardContext& context, int64_t images, int64_t levels);

// Of a parameter (levels, C), what the images of the context get: (N, C). A parameter (C), of a
// network of one rate, is (1, C).
at::Tensor at_levels(const at::Tensor& parameter, const ForwardContext& context, int64_t images);

// What distortion weighs for each of N images: (N). Between two levels in the geometric mean.
at::Tensor lambdas_of(std::span<const double> lambdas, const ForwardContext& context,
                      int64_t images);

}  // namespace imgcomp

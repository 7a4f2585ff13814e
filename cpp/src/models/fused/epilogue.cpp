#include "models/fused/epilogue.h"

#include <cstring>

namespace imgcomp::fused {

RowFinisher::RowFinisher(const Plan& plan, const direct::Kernels& pointwise, int64_t channels,
                         int64_t rows)
    : plan_(plan),
      pointwise_(pointwise),
      channels_(channels),
      straight_(channels == plan.out_channels && !plan.around.max_pool),
      raw_(straight_ ? 0 : rows * plan.out_width * channels),
      narrowed_(channels != plan.out_channels && plan.around.max_pool
                    ? rows * plan.out_width * plan.out_channels
                    : 0) {}

float* RowFinisher::rows(int64_t first, float* result) const {
  return straight_ ? result + first * plan_.out_width * plan_.out_channels : raw_.data;
}

void RowFinisher::finish(int64_t first, int64_t count, float* result, uint8_t* choice) const {
  const int64_t channels = plan_.out_channels;
  const int64_t row = plan_.out_width * channels;
  if (!plan_.around.max_pool) {
    float* to = result + first * row;
    if (!straight_) {
      narrow_pixels(raw_.data, count * plan_.out_width, channels_, channels, to);
    }
    if (plan_.around.relu) {
      pointwise_.relu(to, count * row);
    }
    return;
  }
  const float* from = raw_.data;
  if (channels_ != channels) {
    narrow_pixels(raw_.data, count * plan_.out_width, channels_, channels, narrowed_.data);
    from = narrowed_.data;
  }
  const int64_t columns = plan_.out_width / 2;
  for (int64_t y = 0; y + 1 < count; y += 2) {
    const int64_t at = (first + y) / 2 * columns * channels;
    pointwise_.relu_max_pool(from + y * row, from + (y + 1) * row, columns, channels, result + at,
                             choice + at);
  }
}

GradientExpander::GradientExpander(const Plan& plan, const direct::Kernels& pointwise,
                                   int64_t channels, int64_t edge)
    : plan_(plan),
      pointwise_(pointwise),
      channels_(channels),
      edge_(edge),
      row_((plan.out_width + 2 * edge) * channels),
      straight_(edge == 0 && channels == plan.out_channels),
      rows_(2 * plan.out_width * plan.out_channels) {}

void GradientExpander::place(const float* row, int64_t y, float* expanded) const {
  copy_pixels(plan_.out_width, plan_.out_channels, row, plan_.out_channels,
              expanded + y * row_ + edge_ * channels_, channels_);
}

void GradientExpander::expand(const Incoming& incoming, int64_t image, float* expanded) const {
  const int64_t channels = plan_.out_channels;
  const int64_t row = plan_.out_width * channels;
  const int64_t at = image * plan_.result_floats();
  const float* gradient = incoming.gradient.const_data_ptr<float>() + at;
  if (!straight_ || plan_.around.max_pool) {
    std::memset(expanded, 0, static_cast<size_t>(floats()) * sizeof(float));
  }
  if (!plan_.around.max_pool) {
    const float* output =
        plan_.around.relu ? incoming.output.const_data_ptr<float>() + at : nullptr;
    for (int64_t y = 0; y < plan_.out_height; ++y) {
      const float* from = gradient + y * row;
      float* to = straight_ ? expanded + y * row_ : rows_.data;
      if (output != nullptr) {
        pointwise_.relu_gradient(from, output + y * row, row, to);
        from = to;
      } else if (straight_) {
        std::memcpy(to, from, static_cast<size_t>(row) * sizeof(float));
      }
      if (!straight_) {
        place(from, y, expanded);
      }
    }
    return;
  }
  const auto* choice = incoming.choice.const_data_ptr<uint8_t>() + at;
  const auto [pooled_height, pooled_width] = plan_.result_size();
  // An odd last column is in no pool.
  std::memset(rows_.data, 0, static_cast<size_t>(2 * row) * sizeof(float));
  for (int64_t y = 0; y < pooled_height; ++y) {
    const int64_t offset = y * pooled_width * channels;
    pointwise_.relu_max_pool_gradient(gradient + offset, choice + offset, pooled_width, channels,
                                      rows_.data, rows_.data + row);
    place(rows_.data, 2 * y, expanded);
    place(rows_.data + row, 2 * y + 1, expanded);
  }
}

}  // namespace imgcomp::fused

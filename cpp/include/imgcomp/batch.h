// The data a training loop runs over, and the batches made of it.
#pragma once

#include <ATen/core/Tensor.h>

#include "imgcomp/model.h"

namespace imgcomp {

struct ImageData {
  at::Tensor images;   // uint8 (N, C, H, W), or float32 already in the model's data range
  at::Tensor targets;  // what the output is compared with; undefined: the images themselves
  at::Tensor labels;   // int64 (N,); undefined where there are none

  int64_t size() const { return images.size(0); }
};

struct Batch {
  at::Tensor input;   // float32 (B, C, H, W) in the data range
  at::Tensor target;  // likewise; the same tensor as `input` where there are no other targets
  at::Tensor labels;  // int64 (B,) or undefined
};

// UsageError unless the data fit the model: shapes, dtypes, counts, label range. `what` names them.
void check_data(const ImageData& data, const Model& model, const std::string& what);

class BatchLoader {
 public:
  // Moves the data to `device` once, where they stay.
  BatchLoader(const ImageData& data, const NetworkSpec& spec, at::Device device,
              at::MemoryFormat format);

  // index: int64 (B,) on the loader's device.
  Batch load(const at::Tensor& index) const;

  int64_t size() const { return data_.size(); }

 private:
  at::Tensor images(const at::Tensor& source, const at::Tensor& index) const;

  ImageData data_;
  std::array<double, 2> data_range_;
  at::MemoryFormat format_;
};

}  // namespace imgcomp

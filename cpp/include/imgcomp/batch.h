// The data a training loop runs over, and the batches made of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "imgcomp/model.h"
#include "imgcomp/pipeline.h"

namespace imgcomp {

struct ImageData {
  at::Tensor images;   // uint8 (N, C, H, W), or float32 already in the model's data range
  at::Tensor targets;  // what the output is compared with; undefined: the images themselves
  at::Tensor labels;   // int64 (N,); undefined where there are none

  // What makes the network's input of `images`; null: they are its input, bytes scaled to the data
  // range. With a pipeline an autoencoder's target, where there are no others, is what the pipeline
  // gives without its noise.
  std::shared_ptr<const Pipeline> preprocess = nullptr;

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

  // index: int64 (B,) on the loader's device. seed, epoch: of the preprocessing's random steps.
  Batch load(const at::Tensor& index, uint64_t seed = 0, uint64_t epoch = 0) const;

  int64_t size() const { return data_.size(); }

 private:
  at::Tensor images(const at::Tensor& source, const at::Tensor& index) const;

  ImageData data_;
  std::array<double, 2> data_range_;
  at::MemoryFormat format_;
  bool needs_targets_;
};

}  // namespace imgcomp

#include "imgcomp/batch.h"

#include <ATen/ops/index_select.h>

#include "imgcomp/error.h"
#include "imgcomp/gather.h"

namespace imgcomp {
namespace {

void check_images(const at::Tensor& images, const Shape& shape, const std::string& what,
                  const char* taker = "the network's input_shape") {
  const bool fits = images.dim() == 4 && images.sizes().slice(1).vec() == shape;
  if (!fits) {
    throw UsageError(concat(what, " must have shape (N, ", to_string(shape).substr(1), " as ",
                            taker, " says, not ", to_string(images.sizes().vec())));
  }
  if (images.size(0) < 1) {
    throw UsageError(concat(what, " are empty"));
  }
  if (images.scalar_type() != at::kByte && images.scalar_type() != at::kFloat) {
    throw UsageError(concat(what, " must be uint8, or float32 in the network's data range, not ",
                            images.scalar_type()));
  }
}

}  // namespace

void check_data(const ImageData& data, const Model& model, const std::string& what) {
  const Shape& shape = model.spec().input_shape;
  if (data.preprocess) {
    check_images(data.images, data.preprocess->input_shape(), concat(what, " images"),
                 "the preprocessing");
    if (data.preprocess->output_shape() != shape) {
      throw UsageError(concat("the preprocessing of the ", what, " images gives ",
                              to_string(data.preprocess->output_shape()),
                              ", but the network's input_shape is ", to_string(shape)));
    }
  } else {
    check_images(data.images, shape, concat(what, " images"));
  }
  if (data.targets.defined()) {
    if (data.preprocess && data.preprocess->has_geometry()) {
      throw UsageError(concat("random rotations, flips and shifts move the ", what,
                              " images but not their targets: give one or the other"));
    }
    check_images(data.targets, shape, concat(what, " targets"));
    if (data.targets.size(0) != data.images.size(0)) {
      throw UsageError(concat(what, ": ", data.images.size(0), " images but ", data.targets.size(0),
                              " targets"));
    }
  }
  if (data.labels.defined()) {
    if (data.labels.scalar_type() != at::kLong || data.labels.dim() != 1 ||
        data.labels.size(0) != data.images.size(0)) {
      throw UsageError(concat(what, " labels must be int64 of shape (", data.images.size(0),
                              ",), not ", data.labels.scalar_type(), " of shape ",
                              to_string(data.labels.sizes().vec())));
    }
    if (model.spec().task == Task::classifier) {
      const int64_t classes = model.parts().back().output_shape()[0];
      const auto smallest = data.labels.min().item<int64_t>();
      const auto largest = data.labels.max().item<int64_t>();
      if (smallest < 0 || largest >= classes) {
        throw UsageError(concat(what, " labels must lie in 0…", classes - 1,
                                ", as the network has ", classes, " outputs; got ",
                                smallest < 0 ? smallest : largest));
      }
    }
  }
}

BatchLoader::BatchLoader(const ImageData& data, const NetworkSpec& spec, at::Device device,
                         at::MemoryFormat format)
    : data_range_(spec.data_range),
      format_(format),
      needs_targets_(spec.task == Task::autoencoder) {
  data_.preprocess = data.preprocess;
  data_.images = data.images.detach().to(device).contiguous();
  if (data.targets.defined()) {
    data_.targets = data.targets.detach().to(device).contiguous();
  }
  if (data.labels.defined()) {
    data_.labels = data.labels.to(device).contiguous();
  }
}

at::Tensor BatchLoader::images(const at::Tensor& source, const at::Tensor& index) const {
  return source.scalar_type() == at::kByte
             ? gather_scale(source, index, data_range_, format_, /*trusted_index=*/true)
             : at::index_select(source, 0, index).contiguous(format_);
}

Batch BatchLoader::load(const at::Tensor& index, uint64_t seed, uint64_t epoch) const {
  Batch batch;
  if (data_.preprocess) {
    PipelineOptions options{seed, epoch, /*noise=*/true, at::kFloat, format_};
    batch.input = data_.preprocess->run(data_.images, index, options, /*trusted_index=*/true);
    if (needs_targets_ && !data_.targets.defined() && data_.preprocess->has_noise()) {
      options.noise = false;
      batch.target = data_.preprocess->run(data_.images, index, options, /*trusted_index=*/true);
    }
  } else {
    batch.input = images(data_.images, index);
  }
  if (data_.targets.defined()) {
    batch.target = images(data_.targets, index);
  } else if (!batch.target.defined()) {
    batch.target = batch.input;
  }
  if (data_.labels.defined()) {
    batch.labels = at::index_select(data_.labels, 0, index);
  }
  return batch;
}

}  // namespace imgcomp

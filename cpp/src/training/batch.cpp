#include "imgcomp/batch.h"

#include <ATen/ops/index_select.h>

#include "imgcomp/error.h"
#include "imgcomp/gather.h"

namespace imgcomp {
namespace {

void check_images(const at::Tensor& images, const Shape& shape, const std::string& what) {
  const bool fits = images.dim() == 4 && images.sizes().slice(1).vec() == shape;
  if (!fits) {
    throw UsageError(concat(what, " must have shape (N, ", to_string(shape).substr(1),
                            " as the network's input_shape says, not ",
                            to_string(images.sizes().vec())));
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
  check_images(data.images, shape, concat(what, " images"));
  if (data.targets.defined()) {
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
    : data_range_(spec.data_range), format_(format) {
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

Batch BatchLoader::load(const at::Tensor& index) const {
  Batch batch;
  batch.input = images(data_.images, index);
  batch.target = data_.targets.defined() ? images(data_.targets, index) : batch.input;
  if (data_.labels.defined()) {
    batch.labels = at::index_select(data_.labels, 0, index);
  }
  return batch;
}

}  // namespace imgcomp

// Images through a model: one pass, or the iterations of a recurrent autoencoder.
#include <ATen/TensorOperators.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros_like.h>

#include "imgcomp/error.h"
#include "imgcomp/model.h"
#include "models/fused/weight_memory.h"

namespace imgcomp {
namespace {

// A context whose layers remember for so many iterations; states begin with zeros, and one
// iteration leaves none.
ForwardContext remembering(const ForwardContext& context, int64_t iterations) {
  ForwardContext result = context;
  if (iterations > 1) {
    result.states = std::make_shared<RecurrentStates>();
  }
  result.weight_memories = std::make_shared<fused::WeightMemories>();
  return result;
}

// The image that the iterations build.
class Canvas {
 public:
  Canvas(const Model& model, at::Tensor zero) : model_(model), image_(std::move(zero)) {}

  // Found before an iteration, from the image so far: what its residual is multiplied by, and what
  // comes out divided.
  at::Tensor gain(ForwardContext& context) const {
    if (reconstruction() != Reconstruction::residual_scaling) {
      return {};
    }
    const at::Tensor coarse = model_.part("gain").forward(image_, context);
    return at::upsample_nearest2d(coarse, {image_.size(2), image_.size(3)});
  }

  // What the decoder gives becomes part of the image.
  const at::Tensor& add(const at::Tensor& output, const at::Tensor& gain) {
    switch (reconstruction()) {
      case Reconstruction::one_shot:
        image_ = output;
        break;
      case Reconstruction::additive:
        image_ = image_ + output;
        break;
      case Reconstruction::residual_scaling:
        image_ = image_ + output / gain;
        break;
    }
    return image_;
  }

 private:
  Reconstruction reconstruction() const { return model_.spec().recurrence->reconstruction; }

  const Model& model_;
  at::Tensor image_;
};

}  // namespace

struct Model::Unrolled {
  std::vector<at::Tensor> codes, images;  // of every iteration
};

Model::Unrolled Model::unroll(const at::Tensor& images, ForwardContext& context) const {
  ForwardContext own = remembering(context, spec_.recurrence->iterations);
  Canvas canvas(*this, at::zeros_like(images));
  Unrolled result;
  at::Tensor residual = images;
  for (int64_t i = 0; i < spec_.recurrence->iterations; ++i) {
    const at::Tensor gain = canvas.gain(own);
    const at::Tensor scaled = gain.defined() ? residual * gain : residual;
    result.codes.push_back(part("encoder").forward(scaled, own));
    const at::Tensor output = part("decoder").forward(result.codes.back(), own);
    result.images.push_back(canvas.add(output, gain));
    residual = images - result.images.back();
  }
  return result;
}

std::vector<at::Tensor> Model::reconstructions(const at::Tensor& x, ForwardContext& context) const {
  if (spec_.task != Task::autoencoder) {
    throw UsageError("only an autoencoder reconstructs images; this is a classifier");
  }
  return spec_.recurrence ? unroll(x, context).images
                          : std::vector<at::Tensor>{forward(x, context)};
}

at::Tensor Model::forward(const at::Tensor& x, ForwardContext& context) const {
  if (spec_.recurrence) {
    return unroll(x, context).images.back();
  }
  at::Tensor y = x;
  for (const Part& part : parts_) {
    y = part.forward(std::move(y), context);
  }
  return y;
}

at::Tensor Model::encode(const at::Tensor& x, ForwardContext& context) const {
  return spec_.recurrence ? at::stack(unroll(x, context).codes, 1)
                          : run_part("encoder", x, context);
}

at::Tensor Model::decode(const at::Tensor& code, ForwardContext& context) const {
  if (!spec_.recurrence) {
    return run_part("decoder", code, context);
  }
  // The code of one iteration has the encoder's output shape; the image follows from the decoder's.
  const std::vector<at::Tensor> codes = code.unbind(1);
  ForwardContext own = remembering(context, static_cast<int64_t>(codes.size()));
  std::optional<Canvas> canvas;
  at::Tensor image;
  for (const at::Tensor& each : codes) {
    const at::Tensor output = part("decoder").forward(each, own);
    if (!canvas) {
      canvas.emplace(*this, at::zeros_like(output));
    }
    image = canvas->add(output, canvas->gain(own));
  }
  return image;
}

at::Tensor Model::run_part(const std::string& name, const at::Tensor& x,
                           ForwardContext& context) const {
  return part(name).forward(x, context);
}

}  // namespace imgcomp

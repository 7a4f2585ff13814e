// What a layer is, and the table from which the builder makes one.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "imgcomp/gradients.h"
#include "imgcomp/parameters.h"
#include "imgcomp/spec.h"

namespace imgcomp {

class Layer;

namespace fused {
class WeightMemories;
}

// What recurrent layers remember from one iteration to the next. A layer that is not in here has
// seen nothing yet: its state is zero, and the convolution of it can be left out.
using RecurrentStates = std::unordered_map<const Layer*, std::vector<at::Tensor>>;

// What a forward pass needs to know besides its input.
struct ForwardContext {
  bool training = false;                   // dropout acts only in training
  std::optional<at::Generator> generator;  // source of dropout masks; needed in training

  // Draws that belong to images rather than to the batch, so that they are the same however a batch
  // is cut: from a seed, each image's number in its data set (int64 (N,)), and how many draws this
  // pass has made before.
  struct ImageDraws {
    uint64_t seed;
    at::Tensor images;
    uint32_t made = 0;
  };
  std::optional<ImageDraws> image_draws;

  // Whether entropy_model rounds where nothing is trained: an encoder may weigh its steps itself.
  bool rounds = true;

  // Steps of a code, (N, C, H, W), where one is refined: entropy_model takes them as they are, and
  // the layers before it do not run. Undefined: the network's own.
  at::Tensor steps;

  // What a layer of entropy_model left: bits of each image's code, (N), with its graph. Undefined:
  // there was none.
  at::Tensor bits;

  // (N, levels), of a network of several rates: how much of each level's parameters an image gets;
  // see imgcomp/levels.h. Undefined: every image is at the middle of the levels.
  at::Tensor level_shares;

  // Where layers leave gradients in forms of their own. Null: autograd gives them all, as tensors.
  c10::intrusive_ptr<OwnGradients> own_gradients;

  // Null: every pass is the first one, and nothing is remembered.
  std::shared_ptr<RecurrentStates> states;

  // What convolutions work out from their weights once for all iterations. Null: anew each time.
  std::shared_ptr<fused::WeightMemories> weight_memories;
};

class Layer {
 public:
  virtual ~Layer() = default;

  // Shape of the output for an input of shape `input`; SpecError says why it does not fit.
  virtual Shape output_shape(const Shape& input) const = 0;

  // x: (N, …) float32, or bfloat16 under autocast.
  virtual at::Tensor forward(const at::Tensor& x, ForwardContext& context) const = 0;

  // The same, allowed to overwrite x. Called where nobody needs x afterwards.
  virtual at::Tensor forward_inplace(at::Tensor x, ForwardContext& context) const {
    return forward(x, context);
  }

  // What a layer before or after it may do for it.
  enum class Fusible { no, relu, max_pool_2x2, upsample_2x };
  virtual Fusible fusible() const { return Fusible::no; }

  // Takes over the work of `next`, which follows it, where it can; `next` is not run then.
  virtual bool absorb(const Layer& /*next*/) { return false; }

  // The same with `previous`, which comes before it.
  virtual bool take_over(const Layer& /*previous*/) { return false; }

  // Multiply–add operations for one image.
  virtual int64_t multiply_adds(const Shape& /*input*/) const { return 0; }

  // Whether the output is new memory that the layer's own backward does not read, so that the
  // next layer may overwrite it.
  virtual bool output_is_disposable() const { return false; }

  // Whether other spatial sizes than the spec's are fine.
  virtual bool any_size() const { return true; }
};

// What a layer is built with.
struct BuildContext {
  ParameterStore& parameters;
  std::string path;  // "<part>.<layer>": prefix of its parameters' names and of errors
  Shape input;       // shape of its input under the spec's input_shape
  std::span<const double> lambdas = {};  // the spec's
};

// Builds the layer that `spec` describes; SpecError names an unknown kind, option or bad value.
std::unique_ptr<Layer> make_layer(const LayerSpec& spec, const BuildContext& context);

// All kinds that make_layer knows, sorted.
std::vector<std::string> layer_kinds();

}  // namespace imgcomp

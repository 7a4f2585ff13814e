// A network as data: named parts, each a list of layers with options. Python writes such specs down
// (imgcomp.models.spec); only the core interprets them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace imgcomp {

// Sizes without the batch axis: (channels, height, width) for images, (features) for vectors.
using Shape = std::vector<int64_t>;

// "(1, 28, 28)"
std::string to_string(const Shape& shape);
int64_t num_elements(const Shape& shape);

// SpecError unless every size is at least 1 and the whole has at most 2^40 values, so that sizes
// can be multiplied without care. `what` names it.
void check_shape(const Shape& shape, const std::string& what);

using SpecValue = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>>;

struct LayerSpec {
  std::string kind;  // "conv2d", "dense", "relu", …; layer_kinds() lists them
  std::string name;  // unique within its part; filled in by the builder where empty
  std::map<std::string, SpecValue> options;
};

struct PartSpec {
  std::string name;
  std::vector<LayerSpec> layers;
};

enum class Task { autoencoder, classifier };

// How fresh weights are drawn: each library's default for dense and convolution layers.
enum class Initialization {
  pytorch,  // weights and biases uniform in ±1/√fan_in
  keras,    // Glorot uniform weights, zero biases
  chainer,  // LeCun normal weights (variance 1/fan_in), zero biases
};

// How an autoencoder of several iterations builds its image (Toderici et al. 2017, section 3.2).
// The network sees the residual, what the image still lacks; its recurrent layers remember.
enum class Reconstruction {
  one_shot,          // every iteration gives the whole image anew
  additive,          // every iteration adds to the image
  residual_scaling,  // additive, residuals scaled by a gain that the part "gain" finds in the image
};

struct Recurrence {
  int64_t iterations = 1;
  Reconstruction reconstruction = Reconstruction::one_shot;
};

Task parse_task(const std::string& text);
Initialization parse_initialization(const std::string& text);
Reconstruction parse_reconstruction(const std::string& text);
std::string to_string(Task task);
std::string to_string(Initialization initialization);
std::string to_string(Reconstruction reconstruction);

struct NetworkSpec {
  Task task = Task::autoencoder;
  Shape input_shape;                           // (channels, height, width)
  std::array<double, 2> data_range{0.0, 1.0};  // the values that bytes 0 and 255 stand for
  Initialization initialization = Initialization::pytorch;
  // An autoencoder has "encoder" and "decoder", with residual_scaling also "gain"; a classifier has
  // "classifier".
  std::vector<PartSpec> parts;
  std::optional<Recurrence> recurrence;  // of an autoencoder; none: one pass
  // Of an autoencoder of several rates: how much distortion weighs beside bits at each of its
  // levels, rising. Empty: one rate.
  std::vector<double> lambdas;
};

}  // namespace imgcomp

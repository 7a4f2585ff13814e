#include "imgcomp/model.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <set>

#include "imgcomp/error.h"

namespace imgcomp {
namespace {

std::string layer_path(const PartSpec& part, const LayerSpec& layer) {
  return part.name + "." + layer.name;
}

// Gives every unnamed layer "<kind><position>" and checks that names differ.
void fill_in_names(PartSpec& part) {
  std::set<std::string> seen;
  for (size_t i = 0; i < part.layers.size(); ++i) {
    LayerSpec& layer = part.layers[i];
    if (layer.name.empty()) {
      layer.name = concat(layer.kind, i);
    }
    if (layer.name.find('.') != std::string::npos) {
      throw SpecError(
          concat("layer name '", layer.name, "' in part '", part.name, "' must not contain a dot"));
    }
    if (!seen.insert(layer.name).second) {
      throw SpecError(concat("two layers of part '", part.name, "' are named '", layer.name, "'"));
    }
  }
}

void require_parts(const NetworkSpec& spec, const std::vector<std::string>& expected) {
  std::vector<std::string> names;
  std::string found;
  for (const PartSpec& part : spec.parts) {
    names.push_back(part.name);
    found += (found.empty() ? "'" : ", '") + part.name + "'";
  }
  if (names != expected) {
    std::string wanted;
    for (const auto& name : expected) {
      wanted += (wanted.empty() ? "'" : ", '") + name + "'";
    }
    throw SpecError(concat("a spec for the task '", to_string(spec.task), "' has the parts ",
                           wanted, "; this one has ", found.empty() ? "none" : found));
  }
}

void check_recurrence(const NetworkSpec& spec) {
  constexpr int64_t kMost = 1024;
  const int64_t iterations = spec.recurrence->iterations;
  if (spec.task != Task::autoencoder) {
    throw SpecError("only an autoencoder has iterations, not a classifier");
  }
  if (iterations < 1 || iterations > kMost) {
    throw SpecError(concat("iterations must be 1 to ", kMost, ", not ", iterations));
  }
}

void check_lambdas(const NetworkSpec& spec) {
  constexpr size_t kMost = 64;
  const std::vector<double>& lambdas = spec.lambdas;
  if (spec.task != Task::autoencoder || spec.recurrence) {
    throw SpecError("only an autoencoder without iterations has lambdas");
  }
  if (lambdas.size() < 2 || lambdas.size() > kMost) {
    throw SpecError(concat("there must be 2 to ", kMost, " lambdas, not ", lambdas.size()));
  }
  for (size_t i = 0; i < lambdas.size(); ++i) {
    if (!(lambdas[i] > (i == 0 ? 0.0 : lambdas[i - 1])) || !std::isfinite(lambdas[i])) {
      throw SpecError(
          concat("lambdas must be finite numbers above 0 that rise, not ", lambdas[i], " at ", i));
    }
  }
}

// One factor for each of the regions that an image is divided into.
void check_gain(const Part& part) {
  const Shape& image = part.input_shape();
  const Shape& gain = part.output_shape();
  if (gain.size() != 3 || gain[0] != 1 || image[1] % gain[1] != 0 || image[2] % gain[2] != 0) {
    throw SpecError(concat("the part 'gain' ends with shape ", to_string(gain),
                           "; it must give one channel of a size that divides the images', ",
                           to_string(image)));
  }
}

}  // namespace

Part::Part(PartSpec spec, const Shape& input, std::span<const double> lambdas,
           ParameterStore& parameters)
    : spec_(std::move(spec)), shapes_{input} {
  if (spec_.layers.empty()) {
    throw SpecError(concat("part '", spec_.name, "' has no layers"));
  }
  fill_in_names(spec_);
  bool disposable = false;  // whether the next layer may overwrite its input
  for (const LayerSpec& layer_spec : spec_.layers) {
    const std::string path = layer_path(spec_, layer_spec);
    const int64_t count_before = parameters.count();
    std::unique_ptr<Layer> layer;
    Shape output;
    try {
      layer = make_layer(layer_spec, {parameters, path, shapes_.back(), lambdas});
      output = layer->output_shape(shapes_.back());
      check_shape(output, "the output");
    } catch (const SpecError& error) {
      const std::string message = error.what();
      // Geometry errors do not know their layer; option errors name it already.
      throw SpecError(message.starts_with(path)
                          ? message
                          : concat(path, " (", layer_spec.kind, "): ", message));
    }
    rows_.push_back({layer_spec.name, layer_spec.kind, output, parameters.count() - count_before,
                     layer->multiply_adds(shapes_.back())});
    shapes_.push_back(output);
    if (!steps_.empty() && layer->take_over(*steps_.back().layer)) {
      steps_.back() = {std::move(layer), false};  // a convolution never overwrites its input
    } else if (steps_.empty() || !steps_.back().layer->absorb(*layer)) {
      steps_.push_back({std::move(layer), disposable});
    }
    disposable = steps_.back().layer->output_is_disposable();
  }
}

at::Tensor Part::forward(at::Tensor x, ForwardContext& context) const {
  if (context.steps.defined() && spec_.layers.back().kind == "entropy_model") {
    return steps_.back().layer->forward(context.steps, context);
  }
  for (const Step& step : steps_) {
    x = step.inplace ? step.layer->forward_inplace(std::move(x), context)
                     : step.layer->forward(x, context);
  }
  return x;
}

bool Part::any_size() const {
  for (const Step& step : steps_) {
    if (!step.layer->any_size()) {
      return false;
    }
  }
  return true;
}

Model::Model(NetworkSpec spec, uint64_t seed, int64_t max_parameters)
    : spec_(std::move(spec)), parameters_(max_parameters) {
  if (spec_.input_shape.size() != 3) {
    throw SpecError(concat("input_shape must be (channels, height, width), not ",
                           to_string(spec_.input_shape)));
  }
  check_shape(spec_.input_shape, "input_shape");
  const auto [low, high] = spec_.data_range;
  // In float32, as the images are scaled.
  const auto span = static_cast<float>(high - low);
  if (!(span > 0.0F) || !std::isfinite(span) || !std::isfinite(static_cast<float>(low))) {
    throw SpecError(
        concat("data_range must be two finite numbers that rise, not [", low, ", ", high, "]"));
  }
  const bool autoencoder = spec_.task == Task::autoencoder;
  std::vector<std::string> names{"classifier"};
  if (autoencoder) {
    names = {"encoder", "decoder"};
  }
  if (spec_.recurrence) {
    check_recurrence(spec_);
    if (spec_.recurrence->reconstruction == Reconstruction::residual_scaling) {
      names.emplace_back("gain");
    }
  }
  if (!spec_.lambdas.empty()) {
    check_lambdas(spec_);
  }
  require_parts(spec_, names);
  Shape shape = spec_.input_shape;
  for (PartSpec& part : spec_.parts) {
    const bool gain = part.name == "gain";
    parts_.emplace_back(part, gain ? spec_.input_shape : shape, spec_.lambdas, parameters_);
    part = parts_.back().spec();
    if (gain) {
      check_gain(parts_.back());
    } else {
      shape = parts_.back().output_shape();
    }
  }
  if (autoencoder && shape != spec_.input_shape) {
    throw SpecError(concat("the decoder ends with shape ", to_string(shape),
                           ", but the images have ", to_string(spec_.input_shape)));
  }
  if (!autoencoder && shape.size() != 1) {
    throw SpecError(concat("a classifier ends with a vector of logits, this one with shape ",
                           to_string(shape)));
  }
  parameters_.initialize(spec_.initialization, seed);
}

const Part& Model::part(const std::string& name) const {
  for (const Part& part : parts_) {
    if (part.spec().name == name) {
      return part;
    }
  }
  throw UsageError(concat("this network has no part '", name, "'"));
}

int64_t Model::multiply_adds() const {
  int64_t total = 0;
  for (const Part& part : parts_) {
    for (const Part::Row& row : part.rows()) {
      total += row.multiply_adds;
    }
  }
  return total;
}

int64_t Model::activations() const {
  int64_t total = 0;
  for (const Part& part : parts_) {
    for (const Part::Row& row : part.rows()) {
      total += num_elements(row.output);
    }
  }
  return total;
}

std::string Model::summary() const {
  constexpr int kNameWidth = 28;
  constexpr int kKindWidth = 18;
  constexpr int kShapeWidth = 16;
  constexpr int kCountWidth = 14;
  std::ostringstream out;
  const auto row = [&](const std::string& name, const std::string& kind, const std::string& shape,
                       const std::string& parameters, const std::string& multiply_adds) {
    out << std::left << std::setw(kNameWidth) << name << std::setw(kKindWidth) << kind
        << std::setw(kShapeWidth) << shape << std::right << std::setw(kCountWidth) << parameters
        << std::setw(kCountWidth) << multiply_adds << '\n';
  };
  row("layer", "kind", "output", "parameters", "multiply-adds");
  row("input", "", to_string(spec_.input_shape), "", "");
  for (const Part& part : parts_) {
    for (const Part::Row& r : part.rows()) {
      row(part.spec().name + "." + r.name, r.kind, to_string(r.output), concat(r.parameters),
          concat(r.multiply_adds));
    }
  }
  row("total", "", "", concat(num_parameters()), concat(multiply_adds()));
  return out.str();
}

at::Device Model::device() const {
  const auto& all = parameters_.all();
  return all.empty() ? at::Device(at::kCPU) : all.front().tensor.device();
}

void Model::to(at::Device device) {
  for (const Parameter& parameter : parameters_.all()) {
    // Layers hold handles of the same tensor, so its data is replaced rather than the tensor.
    at::Tensor tensor = parameter.tensor;
    tensor.set_data(tensor.detach().to(device));
  }
}

void Model::set_memory_format(at::MemoryFormat format) {
  for (const Parameter& parameter : parameters_.all()) {
    at::Tensor tensor = parameter.tensor;
    if (tensor.dim() == 4) {
      tensor.set_data(tensor.detach().contiguous(format));
    }
  }
}

bool Model::has_convolutions() const {
  for (const Parameter& parameter : parameters_.all()) {
    if (parameter.tensor.dim() == 4) {
      return true;
    }
  }
  return false;
}

int64_t images_at_once(const Model& model) {
  if (!model.device().is_cpu()) {
    return std::numeric_limits<int64_t>::max();
  }
  // Measured: half as fast again as 128 images at once for a network of 2.4 MB an image, whose
  // tensors otherwise come from fresh pages of memory in every step.
  constexpr int64_t kBytes = int64_t{48} << 20;
  // Their gradients take the same again.
  const int64_t bytes = static_cast<int64_t>(sizeof(float)) * model.activations();
  return std::max<int64_t>(1, kBytes / bytes);
}

void check_code(const Model& model, const at::Tensor& code) {
  const Part& decoder = model.part("decoder");
  const std::string what = "the input of 'decoder'";
  const auto& recurrence = model.spec().recurrence;
  if (!recurrence) {
    check_batch(code, decoder.input_shape(), decoder.any_size(), what);
    return;
  }
  const Shape& shape = decoder.input_shape();
  const bool whole = code.dim() == static_cast<int64_t>(shape.size()) + 2;
  if (!whole || code.size(1) < 1 || code.size(1) > recurrence->iterations) {
    throw UsageError(concat(what, " must be a batch (N, 1 to ", recurrence->iterations, ", ",
                            to_string(shape).substr(1), ", not of shape ",
                            to_string(code.sizes().vec())));
  }
  check_batch(code.select(1, 0), shape, decoder.any_size(), what);
}

void check_batch(const at::Tensor& x, const Shape& shape, bool any_size, const std::string& what) {
  bool fits = x.dim() == static_cast<int64_t>(shape.size()) + 1 && x.size(0) >= 1;
  for (size_t axis = 0; fits && axis < shape.size(); ++axis) {
    const int64_t size = x.size(static_cast<int64_t>(axis) + 1);
    fits = any_size && axis > 0 ? size >= 1 : size == shape[axis];
  }
  if (!fits) {
    throw UsageError(concat(what, " must be a batch (N, ", to_string(shape).substr(1),
                            " with N >= 1, not of shape ", to_string(x.sizes().vec())));
  }
  if (!x.is_floating_point()) {
    throw UsageError(
        concat(what, " must be floating point in the model's data range, not ", x.scalar_type()));
  }
}

}  // namespace imgcomp

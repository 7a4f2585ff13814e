// A network built from its spec: parts run one after another, with shapes checked, parameters
// counted, and in-place activations where nothing else reads the overwritten values.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "imgcomp/layer.h"
#include "imgcomp/parameters.h"
#include "imgcomp/spec.h"

namespace imgcomp {

// One named list of layers, ready to run.
class Part {
 public:
  Part(PartSpec spec, const Shape& input, std::span<const double> lambdas,
       ParameterStore& parameters);

  at::Tensor forward(at::Tensor x, ForwardContext& context) const;

  const PartSpec& spec() const { return spec_; }
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_.back(); }
  bool any_size() const;

  struct Row {  // one line of a summary
    std::string name, kind;
    Shape output;
    int64_t parameters, multiply_adds;
  };
  const std::vector<Row>& rows() const { return rows_; }

 private:
  struct Step {
    std::unique_ptr<Layer> layer;
    bool inplace;
  };
  PartSpec spec_;
  std::vector<Shape> shapes_;  // the input's, then each layer's output
  std::vector<Step> steps_;
  std::vector<Row> rows_;
};

class Model {
 public:
  // Builds the network and draws its weights from `seed`. SpecError names the failing layer, also
  // where the weights have more than `max_parameters` values.
  Model(NetworkSpec spec, uint64_t seed,
        int64_t max_parameters = std::numeric_limits<int64_t>::max());

  // Autoencoder: reconstruction (N, C, H, W) of images x in the data range.
  // Classifier: logits (N, K).
  at::Tensor forward(const at::Tensor& x, ForwardContext& context) const;

  // Autoencoder: the reconstruction after each iteration; one where there is no recurrence.
  std::vector<at::Tensor> reconstructions(const at::Tensor& x, ForwardContext& context) const;

  // Autoencoder: the code of images (N, …), and back. With recurrence all iterations' codes,
  // (N, iterations, …); a code of fewer iterations is decoded as far as it goes.
  at::Tensor encode(const at::Tensor& x, ForwardContext& context) const;
  at::Tensor decode(const at::Tensor& code, ForwardContext& context) const;

  // Runs one part alone, from a state of zeros; x has the part's input shape.
  at::Tensor run_part(const std::string& name, const at::Tensor& x, ForwardContext& context) const;

  const NetworkSpec& spec() const { return spec_; }  // with every layer's name filled in
  const std::vector<Part>& parts() const { return parts_; }
  const Part& part(const std::string& name) const;

  ParameterStore& parameters() { return parameters_; }
  const ParameterStore& parameters() const { return parameters_; }
  int64_t num_parameters() const { return parameters_.count(); }
  int64_t multiply_adds() const;  // for one image
  int64_t activations() const;    // values of all layers' outputs for one image
  std::string summary() const;

  at::Device device() const;
  void to(at::Device device);

  // Lays out convolution weights (4-D parameters) channels_last or contiguous.
  void set_memory_format(at::MemoryFormat format);
  bool has_convolutions() const;

 private:
  struct Unrolled;
  Unrolled unroll(const at::Tensor& images, ForwardContext& context) const;

  NetworkSpec spec_;
  ParameterStore parameters_;
  std::vector<Part> parts_;
};

// How many images can go through a network and back while what it keeps of them stays in the
// caches, at least 1. On a GPU there is no such bound.
int64_t images_at_once(const Model& model);

// UsageError unless `code` is a batch that the decoder takes; with recurrence of 1 iteration or
// more.
void check_code(const Model& model, const at::Tensor& code);

// UsageError unless x is a floating-point batch (N, shape…) with N >= 1; `what` names it.
void check_batch(const at::Tensor& x, const Shape& shape, bool any_size, const std::string& what);

}  // namespace imgcomp

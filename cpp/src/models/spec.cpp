#include "imgcomp/spec.h"

#include "imgcomp/error.h"

namespace imgcomp {

std::string to_string(const Shape& shape) {
  std::ostringstream out;
  out << '(';
  for (size_t i = 0; i < shape.size(); ++i) {
    out << (i ? ", " : "") << shape[i];
  }
  out << (shape.size() == 1 ? ",)" : ")");
  return out.str();
}

int64_t num_elements(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) {
    count *= size;
  }
  return count;
}

void check_shape(const Shape& shape, const std::string& what) {
  constexpr int64_t kLargest = int64_t{1} << 40;
  int64_t count = 1;
  for (const int64_t size : shape) {
    if (size < 1) {
      throw SpecError(concat(what, " must have sizes of at least 1, not ", to_string(shape)));
    }
    if (size > kLargest / count) {
      throw SpecError(concat(what, " must have at most ", kLargest, " values, not those of ",
                             to_string(shape)));
    }
    count *= size;
  }
}

Task parse_task(const std::string& text) {
  if (text == "autoencoder") {
    return Task::autoencoder;
  }
  if (text == "classifier") {
    return Task::classifier;
  }
  throw SpecError(concat("task must be 'autoencoder' or 'classifier', not '", text, "'"));
}

Initialization parse_initialization(const std::string& text) {
  if (text == "pytorch") {
    return Initialization::pytorch;
  }
  if (text == "keras") {
    return Initialization::keras;
  }
  if (text == "chainer") {
    return Initialization::chainer;
  }
  throw SpecError(
      concat("initialization must be 'pytorch', 'keras' or 'chainer', not '", text, "'"));
}

Reconstruction parse_reconstruction(const std::string& text) {
  for (const Reconstruction known :
       {Reconstruction::one_shot, Reconstruction::additive, Reconstruction::residual_scaling}) {
    if (to_string(known) == text) {
      return known;
    }
  }
  throw SpecError(concat(
      "reconstruction must be 'one_shot', 'additive' or 'residual_scaling', not '", text, "'"));
}

std::string to_string(Task task) {
  return task == Task::autoencoder ? "autoencoder" : "classifier";
}

std::string to_string(Initialization initialization) {
  switch (initialization) {
    case Initialization::pytorch:
      return "pytorch";
    case Initialization::keras:
      return "keras";
    case Initialization::chainer:
      return "chainer";
  }
  throw SpecError("unknown initialization");
}

std::string to_string(Reconstruction reconstruction) {
  switch (reconstruction) {
    case Reconstruction::one_shot:
      return "one_shot";
    case Reconstruction::additive:
      return "additive";
    case Reconstruction::residual_scaling:
      return "residual_scaling";
  }
  throw SpecError("unknown reconstruction");
}

}  // namespace imgcomp

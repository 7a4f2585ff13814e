// Bindings of imgcomp/model.h. A spec crosses the border as the dict that JSON would give.
#include "imgcomp/model.h"

#include <ATen/core/grad_mode.h>

#include "imgcomp/error.h"
#include "pybind.h"

namespace imgcomp::bindings {
namespace {

using SpecDict = py::typing::Dict<py::str, py::object>;

std::string type_name(const py::handle& value) {
  return py::str(py::type::of(value).attr("__name__"));
}

// A whole number of Python or NumPy, but no flag; nothing for any other object.
std::optional<int64_t> read_whole(const py::handle& value, const std::string& where) {
  if (PyIndex_Check(value.ptr()) == 0 || py::isinstance<py::bool_>(value)) {
    return std::nullopt;
  }
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!number) {  // an array of several values, say
    PyErr_Clear();
    return std::nullopt;
  }
  int overflow = 0;
  const int64_t result = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) {
    throw SpecError(concat(where, " must fit 64 bits, not ", std::string(py::str(number))));
  }
  return result;
}

SpecValue read_value(const py::handle& value, const std::string& where) {
  if (py::isinstance<py::bool_>(value)) {
    return value.cast<bool>();
  }
  if (const auto whole = read_whole(value, where)) {
    return *whole;
  }
  if (py::isinstance<py::float_>(value)) {
    return value.cast<double>();
  }
  if (py::isinstance<py::str>(value)) {
    return value.cast<std::string>();
  }
  if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) {
    std::vector<int64_t> list;
    for (const py::handle item : value) {
      const auto whole = read_whole(item, where);
      if (!whole) {
        throw SpecError(
            concat(where, " must be a list of whole numbers, but holds a ", type_name(item)));
      }
      list.push_back(*whole);
    }
    return list;
  }
  throw SpecError(concat(where,
                         " must be a number, a flag, a string or a list of whole numbers, "
                         "not a ",
                         type_name(value)));
}

template <class T>
T require(const py::dict& dict, const char* key, const std::string& where, const char* expected) {
  if (!dict.contains(key)) {
    throw SpecError(concat(where, " has no '", key, "'"));
  }
  const py::object value = dict[key];
  // Checked by type first: a plain cast would also accept, say, a string for a sequence.
  if constexpr (std::is_same_v<T, py::dict>) {
    if (py::isinstance<py::dict>(value)) {
      return value.cast<T>();
    }
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (py::isinstance<py::str>(value)) {
      return value.cast<T>();
    }
  } else {
    try {
      if (!py::isinstance<py::str>(value)) {
        return value.cast<T>();
      }
    } catch (const py::cast_error&) {
    }
  }
  throw SpecError(concat(where, ": '", key, "' must be ", expected, ", not a ", type_name(value)));
}

LayerSpec read_layer(const py::handle& object, const std::string& where) {
  if (!py::isinstance<py::dict>(object)) {
    throw SpecError(concat(where, " must be a dict with a 'kind', not a ", type_name(object)));
  }
  const auto dict = object.cast<py::dict>();
  LayerSpec layer;
  layer.kind = require<std::string>(dict, "kind", where, "a string");
  for (const auto& [key, value] : dict) {
    const std::string name = py::str(key);
    if (name == "kind") {
      continue;
    }
    if (name == "name") {
      layer.name = require<std::string>(dict, "name", where, "a string");
      continue;
    }
    layer.options[name] = read_value(value, concat(where, ": '", name, "'"));
  }
  return layer;
}

Recurrence read_recurrence(const py::dict& dict, const std::string& spec) {
  const std::string where = concat(spec, ": 'recurrence'");
  for (const auto& [key, value] : dict) {
    const std::string name = py::str(key);
    if (name != "iterations" && name != "reconstruction") {
      throw SpecError(concat(where, " has an unknown entry '", name, "'"));
    }
  }
  return {require<int64_t>(dict, "iterations", where, "a whole number"),
          parse_reconstruction(require<std::string>(dict, "reconstruction", where, "a string"))};
}

NetworkSpec read_spec(const py::dict& dict) {
  const std::string where = "the spec";
  for (const auto& [key, value] : dict) {
    const std::string name = py::str(key);
    if (name != "task" && name != "input_shape" && name != "data_range" &&
        name != "initialization" && name != "parts" && name != "recurrence" && name != "lambdas") {
      throw SpecError(concat(where, " has an unknown entry '", name, "'"));
    }
  }
  NetworkSpec spec;
  spec.task = parse_task(require<std::string>(dict, "task", where, "a string"));
  spec.input_shape = require<Shape>(dict, "input_shape", where, "a list of three whole numbers");
  if (dict.contains("data_range")) {
    spec.data_range =
        require<std::array<double, 2>>(dict, "data_range", where, "a pair of numbers");
  }
  if (dict.contains("initialization")) {
    spec.initialization =
        parse_initialization(require<std::string>(dict, "initialization", where, "a string"));
  }
  if (dict.contains("recurrence")) {
    spec.recurrence =
        read_recurrence(require<py::dict>(dict, "recurrence", where, "a dict"), where);
  }
  if (dict.contains("lambdas")) {
    spec.lambdas = require<std::vector<double>>(dict, "lambdas", where, "a list of numbers");
  }
  const auto parts = require<py::dict>(dict, "parts", where, "a dict of layer lists");
  for (const auto& [key, layers] : parts) {
    PartSpec part{py::str(key), {}};
    if (!py::isinstance<py::list>(layers) && !py::isinstance<py::tuple>(layers)) {
      throw SpecError(
          concat("part '", part.name, "' must be a list of layers, not a ", type_name(layers)));
    }
    size_t position = 0;
    for (const py::handle layer : layers) {
      part.layers.push_back(
          read_layer(layer, concat("layer ", position++, " of part '", part.name, "'")));
    }
    spec.parts.push_back(std::move(part));
  }
  return spec;
}

py::dict write_spec(const NetworkSpec& spec) {
  py::dict parts;
  for (const PartSpec& part : spec.parts) {
    py::list layers;
    for (const LayerSpec& layer : part.layers) {
      py::dict entry;
      entry["kind"] = layer.kind;
      entry["name"] = layer.name;
      for (const auto& [key, value] : layer.options) {
        std::visit([&](const auto& v) { entry[py::str(key)] = v; }, value);
      }
      layers.append(entry);
    }
    parts[py::str(part.name)] = layers;
  }
  py::dict dict;
  dict["task"] = to_string(spec.task);
  dict["input_shape"] = spec.input_shape;
  dict["data_range"] = py::list(py::cast(spec.data_range));
  dict["initialization"] = to_string(spec.initialization);
  if (spec.recurrence) {
    py::dict recurrence;
    recurrence["iterations"] = spec.recurrence->iterations;
    recurrence["reconstruction"] = to_string(spec.recurrence->reconstruction);
    dict["recurrence"] = recurrence;
  }
  if (!spec.lambdas.empty()) {
    dict["lambdas"] = spec.lambdas;
  }
  dict["parts"] = parts;
  return dict;
}

void check_images(const Model& model, const at::Tensor& x) {
  bool any_size = true;
  for (const Part& each : model.parts()) {
    any_size = any_size && each.any_size();
  }
  check_batch(x, model.spec().input_shape, any_size, "the images");
}

at::Tensor encode(const Model& model, const at::Tensor& x) {
  const Part& encoder = model.part("encoder");
  check_batch(x, encoder.input_shape(), encoder.any_size(), "the input of 'encoder'");
  ForwardContext context;
  return model.encode(x, context);
}

at::Tensor decode(const Model& model, const at::Tensor& code) {
  check_code(model, code);
  ForwardContext context;
  return model.decode(code, context);
}

// The code of one image.
Shape code_shape(const Model& model) {
  Shape shape = model.part("encoder").output_shape();
  if (const auto& recurrence = model.spec().recurrence) {
    shape.insert(shape.begin(), recurrence->iterations);
  }
  return shape;
}

}  // namespace

void register_model(py::module_& m) {
  m.def("layer_kinds", &layer_kinds, "All layer kinds that a spec may name, sorted.");

  py::class_<Model, std::shared_ptr<Model>>(m, "Model", "A network built from its spec.")
      .def(py::init([](const SpecDict& spec, uint64_t seed, std::optional<int64_t> most) {
             return std::make_shared<Model>(read_spec(spec), seed,
                                            most.value_or(std::numeric_limits<int64_t>::max()));
           }),
           py::arg("spec"), py::arg("seed") = 0, py::arg("max_parameters") = py::none())
      .def_property_readonly(
          "spec", [](const Model& model) -> SpecDict { return write_spec(model.spec()); })
      .def_property_readonly("num_parameters", &Model::num_parameters)
      .def_property_readonly("multiply_adds", &Model::multiply_adds)
      .def_property_readonly("activations", &Model::activations)
      .def_property_readonly("device", [](const Model& model) { return model.device().str(); })
      .def_property_readonly("has_convolutions", &Model::has_convolutions)
      .def("summary", &Model::summary)
      .def_property_readonly("code_shape", &code_shape, "Of one image; autoencoders only.")
      .def_property_readonly(
          "output_shape", [](const Model& model) { return model.parts().back().output_shape(); },
          "Of the last part, without the batch axis.")
      .def(
          "parameters",
          [](const Model& model) {
            std::vector<std::pair<std::string, at::Tensor>> named;
            for (const Parameter& parameter : model.parameters().all()) {
              named.emplace_back(parameter.name, parameter.tensor);
            }
            return named;
          },
          "Name and tensor of every parameter, in the order of creation; memory is shared.")
      .def(
          "to", [](Model& model, const std::string& device) { model.to(at::Device(device)); },
          py::arg("device"))
      // The GIL is released: forward passes are pure C++ and may run side by side.
      .def(
          "forward",
          [](const Model& model, const at::Tensor& x) {
            check_images(model, x);
            ForwardContext context;
            return model.forward(x, context);
          },
          py::arg("x"), py::call_guard<py::gil_scoped_release>())
      .def(
          "reconstructions",
          [](const Model& model, const at::Tensor& x) {
            check_images(model, x);
            ForwardContext context;
            return model.reconstructions(x, context);
          },
          py::arg("x"), py::call_guard<py::gil_scoped_release>())
      .def("encode", &encode, py::arg("x"), py::call_guard<py::gil_scoped_release>())
      .def("decode", &decode, py::arg("code"), py::call_guard<py::gil_scoped_release>());
}

}  // namespace imgcomp::bindings

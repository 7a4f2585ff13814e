// The one prelude of every binding file: torch's own copy of pybind11 and its type casters.
// pip's pybind11 must not be mixed in: with other internals C++ exceptions lose their type.
// torch/torch.h is kept out: beside pybind11 it triples the time that every binding file takes.
#pragma once

#include <pybind11/typing.h>
#include <torch/csrc/utils/pybind.h>

namespace py = pybind11;

namespace imgcomp::bindings {

// One function for each concept, defined in bind_<concept>.cpp.
void register_errors();
void register_build(py::module_& m);
void register_interruption(py::module_& m);
void register_tensors(py::module_& m);
void register_model(py::module_& m);
void register_preprocess(py::module_& m);
void register_training(py::module_& m);
void register_codec(py::module_& m);

}  // namespace imgcomp::bindings

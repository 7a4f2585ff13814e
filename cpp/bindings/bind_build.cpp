// Bindings of imgcomp/build_info.h.
#include "imgcomp/build_info.h"

#include "pybind.h"

namespace imgcomp::bindings {

void register_build(py::module_& m) {
  const BuildInfo info = build_info();
  m.attr("__version__") = info.version;

  py::class_<BuildInfo>(m, "BuildInfo", "How the extension module was built.")
      .def_readonly("version", &BuildInfo::version)
      .def_readonly("torch_version", &BuildInfo::torch_version)
      .def_readonly("compiler", &BuildInfo::compiler)
      .def_readonly("build_type", &BuildInfo::build_type)
      .def_readonly("cuda_version", &BuildInfo::cuda_version)
      .def_readonly("cxx_standard", &BuildInfo::cxx_standard)
      .def_readonly("openmp", &BuildInfo::openmp);
  m.def("build_info", &build_info, "How the extension module was built.");

  // The GIL is released: the worker threads need none, and other Python threads go on.
  m.def("count_parallel_threads", &count_parallel_threads, py::arg("tasks"),
        py::call_guard<py::gil_scoped_release>(),
        "The number of threads that at::parallel_for really used for `tasks` short tasks.");
}

}  // namespace imgcomp::bindings

// Bindings of the functions on plain tensors: imgcomp/gather.h and imgcomp/metrics.h.
#include "imgcomp/gather.h"
#include "imgcomp/metrics.h"
#include "pybind.h"

namespace imgcomp::bindings {

void register_tensors(py::module_& m) {
  // All of these are pure C++ on tensors: the GIL is released.
  using Release = py::call_guard<py::gil_scoped_release>;
  m.def(
      "gather_scale",
      [](const at::Tensor& images, const at::Tensor& index, std::array<double, 2> data_range,
         bool channels_last) {
        return gather_scale(
            images, index, data_range,
            channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
      },
      py::arg("images"), py::arg("index"), py::arg("data_range"), py::arg("channels_last"),
      Release());
  m.def("to_bytes", &to_bytes, py::arg("values"), py::arg("data_range"), Release());
  m.def("mse_per_image", &mse_per_image, py::arg("a"), py::arg("b"), Release());
  m.def("psnr_from_mse", &psnr_from_mse, py::arg("mse"), py::arg("peak"), Release());
}

}  // namespace imgcomp::bindings

// Bindings of the functions on plain tensors: imgcomp/gather.h and the metrics.
#include "imgcomp/classification.h"
#include "imgcomp/gather.h"
#include "imgcomp/metrics.h"
#include "imgcomp/ssim.h"
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
  m.def("confusion_matrix", &confusion_matrix, py::arg("target"), py::arg("prediction"),
        py::arg("num_classes"), Release());
  m.def(
      "precision_recall_f1",
      [](const at::Tensor& confusion, const std::string& average) {
        const PrecisionRecallF1 scores = precision_recall_f1(confusion, average_from_name(average));
        return std::tuple(scores.precision, scores.recall, scores.f1);
      },
      py::arg("confusion"), py::arg("average"), Release());
  m.def("psnr_from_mse", &psnr_from_mse, py::arg("mse"), py::arg("peak"), Release());
  m.def(
      "ms_ssim",
      [](const at::Tensor& x, const at::Tensor& y, const std::string& variant,
         std::optional<int64_t> window, std::optional<int64_t> scales, double data_range) {
        return ms_ssim(x, y,
                       ms_ssim_variant(variant, window.value_or(kMsSsimWindow),
                                       scales.value_or(kMsSsimScales)),
                       data_range);
      },
      py::arg("x"), py::arg("y"), py::arg("variant"), py::arg("window"), py::arg("scales"),
      py::arg("data_range"), Release());
  m.def("ssim", &ssim, py::arg("x"), py::arg("y"), py::arg("data_range"), Release());
}

}  // namespace imgcomp::bindings

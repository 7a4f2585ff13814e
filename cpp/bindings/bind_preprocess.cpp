// Bindings of imgcomp/pipeline.h, imgcomp/interpolation.h and imgcomp/statistics.h.
#include "imgcomp/interpolation.h"
#include "imgcomp/pipeline.h"
#include "imgcomp/statistics.h"
#include "pybind.h"

namespace imgcomp::bindings {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

// A list of steps that Python fills one by one.
struct PreprocessSteps {
  std::vector<PreprocessStep> steps;
};

at::Tensor run(const Pipeline& pipeline, const at::Tensor& images, const at::Tensor& index,
               uint64_t seed, uint64_t epoch, bool noise, bool bfloat16, bool channels_last,
               const OptionalTensor& output) {
  const PipelineOptions options{
      seed, epoch, noise, bfloat16 ? at::kBFloat16 : at::kFloat,
      channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous};
  if (!output) {
    return pipeline.run(images, index, options);
  }
  at::Tensor result = *output;
  pipeline.run_into(images, index, options, result);
  return result;
}

}  // namespace

void register_preprocess(py::module_& m) {
  // All of these are pure C++ on tensors: the GIL is released.
  using Release = py::call_guard<py::gil_scoped_release>;

  py::class_<PreprocessSteps>(m, "PreprocessSteps", "Steps of a Pipeline; see imgcomp.preprocess.")
      .def(py::init<>())
      .def(
          "scale",
          [](PreprocessSteps& s, double low, double high) {
            s.steps.emplace_back(ScaleStep{low, high});
          },
          py::arg("low"), py::arg("high"))
      .def(
          "standardize",
          [](PreprocessSteps& s, const at::Tensor& mean, const at::Tensor& deviation) {
            s.steps.emplace_back(StandardizeStep{mean, deviation});
          },
          py::arg("mean"), py::arg("deviation"))
      .def(
          "pool",
          [](PreprocessSteps& s, int64_t window, int64_t step) {
            s.steps.emplace_back(PoolStep{window, step});
          },
          py::arg("window"), py::arg("step"))
      .def(
          "spline",
          [](PreprocessSteps& s, int64_t height, int64_t width, int64_t order) {
            s.steps.emplace_back(SplineStep{height, width, order});
          },
          py::arg("height"), py::arg("width"), py::arg("order"))
      .def("rotate90", [](PreprocessSteps& s) { s.steps.emplace_back(RotateStep{}); })
      .def(
          "flip",
          [](PreprocessSteps& s, bool horizontal, bool vertical) {
            s.steps.emplace_back(FlipStep{horizontal, vertical});
          },
          py::arg("horizontal"), py::arg("vertical"))
      .def(
          "shift",
          [](PreprocessSteps& s, int64_t pixels, double fill) {
            s.steps.emplace_back(ShiftStep{pixels, fill});
          },
          py::arg("pixels"), py::arg("fill"))
      .def(
          "gaussian_noise",
          [](PreprocessSteps& s, double deviation) {
            s.steps.emplace_back(GaussianNoiseStep{deviation});
          },
          py::arg("deviation"))
      .def(
          "salt_and_pepper",
          [](PreprocessSteps& s, double amount, double low, double high) {
            s.steps.emplace_back(SaltAndPepperStep{amount, low, high});
          },
          py::arg("amount"), py::arg("low"), py::arg("high"));

  py::class_<Pipeline, std::shared_ptr<Pipeline>>(
      m, "Pipeline", "Steps compiled for images of one shape; see imgcomp.preprocess.Pipeline.")
      .def(py::init([](const PreprocessSteps& steps, const Shape& input_shape) {
             return std::make_shared<Pipeline>(steps.steps, input_shape);
           }),
           py::arg("steps"), py::arg("input_shape"))
      .def_property_readonly("input_shape", &Pipeline::input_shape)
      .def_property_readonly("output_shape", &Pipeline::output_shape)
      .def_property_readonly("has_noise", &Pipeline::has_noise)
      .def_property_readonly("has_geometry", &Pipeline::has_geometry)
      .def_property_readonly("num_passes", [](const Pipeline& p) { return p.passes().size(); })
      .def("run", &run, py::arg("images"), py::arg("index"), py::arg("seed"), py::arg("epoch"),
           py::arg("noise"), py::arg("bfloat16"), py::arg("channels_last"), py::arg("output"),
           Release());

  m.def(
      "spline_matrix",
      [](int64_t in, int64_t out, int64_t order) { return spline_matrix(in, out, order).dense(); },
      py::arg("in_size"), py::arg("out_size"), py::arg("order"), Release());
  m.def(
      "pool_matrix",
      [](int64_t in, int64_t window, int64_t step) {
        return pool_matrix(in, window, step).dense();
      },
      py::arg("in_size"), py::arg("window"), py::arg("step"), Release());
  m.def(
      "image_statistics",
      [](const at::Tensor& images, bool per_channel) {
        const Statistics statistics = image_statistics(images, per_channel);
        return std::make_pair(statistics.mean, statistics.deviation);
      },
      py::arg("images"), py::arg("per_channel"), Release());
}

}  // namespace imgcomp::bindings

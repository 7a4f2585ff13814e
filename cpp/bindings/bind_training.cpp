// Bindings of imgcomp/trainer.h. Python passes two callables, one for the end of each epoch and one
// for progress within it; everything between runs without the GIL.
#include "imgcomp/refine.h"
#include "imgcomp/trainer.h"

#include "imgcomp/error.h"
#include "interruption.h"
#include "pybind.h"

namespace imgcomp::bindings {
namespace {

using StateDict = py::typing::Dict<py::str, py::object>;

using OptionalTensor = std::optional<at::Tensor>;

using OptionalPipeline = std::optional<std::shared_ptr<Pipeline>>;

ImageData image_data(const at::Tensor& images, const OptionalTensor& targets,
                     const OptionalTensor& labels, const OptionalPipeline& preprocess) {
  return {images, targets.value_or(at::Tensor()), labels.value_or(at::Tensor()),
          preprocess.value_or(nullptr)};
}

py::dict write_state(const TrainerState& state) {
  py::dict dict;
  dict["epoch"] = state.epoch;
  dict["history"] = state.history;
  dict["batches"] = state.batches;
  dict["best_value"] = state.best_value;
  dict["best_epoch"] = state.best_epoch;
  dict["best_parameters"] = state.best_parameters;
  dict["optimizer"] = state.optimizer;
  return dict;
}

TrainerState read_state(const py::dict& dict) {
  TrainerState state;
  state.epoch = dict["epoch"].cast<int64_t>();
  state.history = dict["history"].cast<Columns>();
  state.batches = dict["batches"].cast<Columns>();
  state.best_value = dict["best_value"].cast<double>();
  state.best_epoch = dict["best_epoch"].cast<int64_t>();
  state.best_parameters = dict["best_parameters"].cast<std::map<std::string, at::Tensor>>();
  state.optimizer = dict["optimizer"].cast<std::map<std::string, at::Tensor>>();
  return state;
}

std::string run(
    Trainer& trainer, const py::typing::Callable<bool()>& on_epoch,
    const py::typing::Callable<bool(py::int_, py::int_, py::int_, py::float_)>& on_progress) {
  // Other Python threads run while this one trains; the callbacks take the GIL for themselves.
  const py::gil_scoped_release release;
  const Trainer::Outcome outcome = trainer.run(
      [&](const Trainer& /*trainer*/) {
        const py::gil_scoped_acquire acquire;
        return on_epoch().cast<bool>();
      },
      [&](const StepProgress& progress) {
        const py::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) {  // Ctrl-C, where this is the main thread
          throw py::error_already_set();
        }
        return on_progress(progress.epoch, progress.step, progress.steps, progress.loss)
            .cast<bool>();
      });
  switch (outcome) {
    case Trainer::Outcome::finished:
      return "finished";
    case Trainer::Outcome::stopped_early:
      return "stopped_early";
    case Trainer::Outcome::interrupted:
      break;
  }
  return "interrupted";
}

}  // namespace

void register_training(py::module_& m) {
  py::class_<TrainerConfig>(m, "TrainerConfig", "Settings of a Trainer; see imgcomp.FitConfig.")
      .def(py::init<>())
      .def_readwrite("objective", &TrainerConfig::objective)
      .def_readwrite("metrics", &TrainerConfig::metrics)
      .def_readwrite("learning_rate", &TrainerConfig::learning_rate)
      .def_readwrite("epochs", &TrainerConfig::epochs)
      .def_readwrite("batch_size", &TrainerConfig::batch_size)
      .def_readwrite("evaluation_batch_size", &TrainerConfig::evaluation_batch_size)
      .def_readwrite("seed", &TrainerConfig::seed)
      .def_readwrite("shuffle", &TrainerConfig::shuffle)
      .def_readwrite("drop_last", &TrainerConfig::drop_last)
      .def_readwrite("channels_last", &TrainerConfig::channels_last)
      .def_readwrite("threads", &TrainerConfig::threads)
      .def_readwrite("gradient_clip", &TrainerConfig::gradient_clip)
      .def_readwrite("monitor", &TrainerConfig::monitor)
      .def_readwrite("patience", &TrainerConfig::patience)
      .def_readwrite("log_batches", &TrainerConfig::log_batches)
      .def_property(
          "bf16", [](const TrainerConfig& c) { return c.precision == Precision::bf16; },
          [](TrainerConfig& c, bool on) { c.precision = on ? Precision::bf16 : Precision::fp32; })
      .def(
          "set_optimizer",
          [](TrainerConfig& c, const std::string& name, double momentum, double weight_decay,
             std::pair<double, double> betas, double eps) {
            c.optimizer = {name, momentum, weight_decay, betas.first, betas.second, eps};
          },
          py::arg("name"), py::arg("momentum"), py::arg("weight_decay"), py::arg("betas"),
          py::arg("eps"))
      .def(
          "set_schedule",
          [](TrainerConfig& c, const std::string& name, double gamma, int64_t step_epochs,
             double final_fraction, double warmup_epochs) {
            c.schedule = {name, gamma, step_epochs, final_fraction, warmup_epochs};
          },
          py::arg("name"), py::arg("gamma"), py::arg("step_epochs"), py::arg("final_fraction"),
          py::arg("warmup_epochs"));

  py::class_<Trainer>(m, "Trainer", "The training loop; imgcomp.fit is its public face.")
      .def(py::init([](Model& model, const at::Tensor& images, const OptionalTensor& targets,
                       const OptionalTensor& labels, const OptionalTensor& validation_images,
                       const OptionalTensor& validation_targets,
                       const OptionalTensor& validation_labels, const TrainerConfig& config,
                       const OptionalPipeline& preprocess,
                       const OptionalPipeline& validation_preprocess,
                       const std::optional<std::shared_ptr<Model>>& judge) {
             std::optional<ImageData> validation;
             if (validation_images) {
               validation = image_data(*validation_images, validation_targets, validation_labels,
                                       validation_preprocess);
             }
             return std::make_unique<Trainer>(model,
                                              image_data(images, targets, labels, preprocess),
                                              validation, config, judge.value_or(nullptr));
           }),
           py::arg("model"), py::arg("images"), py::arg("targets"), py::arg("labels"),
           py::arg("validation_images"), py::arg("validation_targets"),
           py::arg("validation_labels"), py::arg("config"), py::arg("preprocess") = py::none(),
           py::arg("validation_preprocess") = py::none(), py::arg("judge") = py::none(),
           py::keep_alive<1, 2>())
      .def("run", &run, py::arg("on_epoch"), py::arg("on_progress"))
      .def_property_readonly("epoch", [](const Trainer& t) { return t.state().epoch; })
      .def_property_readonly("steps_per_epoch", &Trainer::steps_per_epoch)
      .def_property_readonly("last_metrics",
                             [](const Trainer& t) {
                               std::map<std::string, double> last;
                               for (const auto& [name, values] : t.state().history) {
                                 last[name] = values.back();
                               }
                               return last;
                             })
      .def("snapshot", [](const Trainer& t) -> StateDict { return write_state(t.snapshot()); })
      .def(
          "restore", [](Trainer& t, const StateDict& state) { t.restore(read_state(state)); },
          py::arg("state"));

  m.def(
      "check_objective", [](const std::string& name) { make_objective(name); }, py::arg("name"),
      "UsageError unless there is such an objective.");
  m.def(
      "evaluate",
      [](const Model& model, const at::Tensor& images, const OptionalTensor& targets,
         const OptionalTensor& labels, const std::string& objective_name, int64_t batch_size,
         const OptionalPipeline& preprocess, const std::optional<std::shared_ptr<Model>>& judge) {
        if (batch_size < 1) {
          throw UsageError(concat("batch_size must be at least 1, not ", batch_size));
        }
        const ImageData data = image_data(images, targets, labels, preprocess);
        const auto objective = make_objective(objective_name, {}, judge.value_or(nullptr));
        check_data(data, model, "the");
        objective->check(model, data);
        const BatchLoader loader(data, model.spec(), model.device(), at::MemoryFormat::Contiguous);
        return evaluate(model, loader, *objective, batch_size, InterruptionCheck());
      },
      py::arg("model"), py::arg("images"), py::arg("targets"), py::arg("labels"),
      py::arg("objective"), py::arg("batch_size"), py::arg("preprocess") = py::none(),
      py::arg("judge") = py::none(), py::call_guard<py::gil_scoped_release>());
  m.def(
      "reconstruct",
      [](const Model& model, const at::Tensor& images, int64_t batch_size) {
        return reconstruct(model, images, batch_size, InterruptionCheck());
      },
      py::arg("model"), py::arg("images"), py::arg("batch_size"),
      py::call_guard<py::gil_scoped_release>());
  m.def(
      "encode_images",
      [](const Model& model, const at::Tensor& images, int64_t batch_size,
         std::optional<double> level, bool rounds) {
        return encode_images(model, images, batch_size, level, rounds, InterruptionCheck());
      },
      py::arg("model"), py::arg("images"), py::arg("batch_size"), py::arg("level") = py::none(),
      py::arg("rounds") = true, py::call_guard<py::gil_scoped_release>());
  m.def(
      "decode_codes",
      [](const Model& model, const at::Tensor& codes, int64_t batch_size,
         std::optional<double> level) {
        return decode_codes(model, codes, batch_size, level, InterruptionCheck());
      },
      py::arg("model"), py::arg("codes"), py::arg("batch_size"), py::arg("level") = py::none(),
      py::call_guard<py::gil_scoped_release>());
  m.def(
      "refine_steps",
      [](const Model& model, const at::Tensor& images, const at::Tensor& steps, double level,
         const std::string& objective, int64_t rounds,
         const std::optional<std::shared_ptr<Model>>& judge) {
        return refine_steps(model, images, steps, level, objective, judge.value_or(nullptr), rounds,
                            InterruptionCheck());
      },
      py::arg("model"), py::arg("images"), py::arg("steps"), py::arg("level"), py::arg("objective"),
      py::arg("rounds"), py::arg("judge") = py::none(), py::call_guard<py::gil_scoped_release>());
  m.def(
      "distortions",
      [](const Model& model, const at::Tensor& images, const at::Tensor& outputs, double level,
         const std::string& objective, const std::optional<std::shared_ptr<Model>>& judge) {
        return distortions(model, images, outputs, level, objective, judge.value_or(nullptr),
                           InterruptionCheck());
      },
      py::arg("model"), py::arg("images"), py::arg("outputs"), py::arg("level"),
      py::arg("objective"), py::arg("judge") = py::none(),
      py::call_guard<py::gil_scoped_release>());
  m.def(
      "predict",
      [](const Model& model, const at::Tensor& images, int64_t batch_size) {
        return predict(model, images, batch_size, InterruptionCheck());
      },
      py::arg("model"), py::arg("images"), py::arg("batch_size"),
      py::call_guard<py::gil_scoped_release>());
}

}  // namespace imgcomp::bindings

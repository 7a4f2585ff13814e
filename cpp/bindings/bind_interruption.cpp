// Bindings of interruption.h. Python hears of Ctrl-C in its main thread only; passes that other
// threads have begun end where a callable of theirs raises.
#include "interruption.h"

#include <utility>

#include "imgcomp/error.h"

namespace imgcomp::bindings {
namespace {

// What the thread's passes ask: borrowed of the Interruptible that it is in, or null. A function's,
// since GCC 12 takes a namespace's one for a constant.
PyObject*& asked() {
  thread_local PyObject* check = nullptr;
  return check;
}

class Interruptible {
 public:
  using Check = py::typing::Callable<py::none()>;

  explicit Interruptible(Check check) : check_(std::move(check)) {}

  void enter() {
    if (entered_) {
      throw UsageError("this Interruptible is in use");
    }
    entered_ = true;
    before_ = std::exchange(asked(), check_.ptr());
  }

  void exit() {
    asked() = std::exchange(before_, nullptr);
    entered_ = false;
  }

 private:
  Check check_;
  PyObject* before_ = nullptr;
  bool entered_ = false;
};

}  // namespace

void InterruptionCheck::operator()() {
  const auto now = Clock::now();
  if (now - last_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_ = now;
  const py::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) {
    throw py::error_already_set();
  }
  if (const py::handle check = asked()) {
    check();
  }
}

void register_interruption(py::module_& m) {
  py::class_<Interruptible>(m, "Interruptible",
                            "A context in which the core's long passes that this thread begins ask "
                            "`check()`, some ten times a second, and end with what it raises.")
      .def(py::init<Interruptible::Check>(), py::arg("check"))
      .def(
          "__enter__",
          [](Interruptible& self) -> Interruptible& {
            self.enter();
            return self;
          },
          py::return_value_policy::reference)
      .def(
          "__exit__",
          [](Interruptible& self, const py::object&, const py::object&, const py::object&) {
            self.exit();
          },
          py::arg("kind"), py::arg("error"), py::arg("trace"));
}

}  // namespace imgcomp::bindings

// C++ exceptions become the Python exceptions of the same meaning in imgcomp.errors.
#include <c10/util/Exception.h>

#include "imgcomp/error.h"
#include "pybind.h"

namespace imgcomp::bindings {
namespace {

void raise(const char* name, const char* message) {
  const py::object type = py::module_::import("imgcomp.errors").attr(name);
  PyErr_SetString(type.ptr(), message);
}

}  // namespace

void register_errors() {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) {
        std::rethrow_exception(pointer);
      }
    } catch (const SpecError& error) {
      raise("SpecError", error.what());
    } catch (const UsageError& error) {
      raise("UsageError", error.what());
    } catch (const DivergedError& error) {
      raise("TrainingDivergedError", error.what());
    } catch (const CorruptStreamError& error) {
      raise("CorruptStreamError", error.what());
    } catch (const CodecError& error) {
      raise("CodecError", error.what());
    } catch (const Error& error) {
      raise("ImgcompError", error.what());
    } catch (const c10::Error& error) {
      // ATen's own checks; without the C++ backtrace that what() would add.
      PyErr_SetString(PyExc_RuntimeError, error.what_without_backtrace());
    }
  });
}

}  // namespace imgcomp::bindings

// The extension module imgcomp._core: registrations only.
#include "pybind.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "C++ core of imgcomp; the public interface is the Python package around it.";
  imgcomp::bindings::register_errors();
  imgcomp::bindings::register_build(m);
  imgcomp::bindings::register_interruption(m);
  imgcomp::bindings::register_tensors(m);
  imgcomp::bindings::register_model(m);
  imgcomp::bindings::register_preprocess(m);
  imgcomp::bindings::register_training(m);
  imgcomp::bindings::register_codec(m);
}

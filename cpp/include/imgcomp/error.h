// The core's exceptions, and a helper to write their messages.
//
// Each has a Python twin of the same meaning in imgcomp.errors (see bindings/errors.cpp); the
// message names what was expected and what came.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace imgcomp {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A setting, argument or combination of them that makes no sense.
class UsageError : public Error {
 public:
  using Error::Error;
};

// A network spec that cannot be built.
class SpecError : public Error {
 public:
  using Error::Error;
};

// The loss became NaN or infinite.
class DivergedError : public Error {
 public:
  using Error::Error;
};

// Something that a codec cannot code or undo.
class CodecError : public Error {
 public:
  using Error::Error;
};

// Bytes that no encoder has written, or not for what they are read as.
class CorruptStreamError : public CodecError {
 public:
  using CodecError::CodecError;
};

// Concatenates anything that can be streamed.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace imgcomp

# imgcomp::options: the warnings and settings with which our own code is compiled.

set(IMGCOMP_SANITIZE "" CACHE STRING "Sanitizers for our own code, such as address,undefined")
option(IMGCOMP_WERROR "Treat warnings in our own code as errors" OFF)

add_library(imgcomp_options INTERFACE)
add_library(imgcomp::options ALIAS imgcomp_options)

# No -march=native: one binary is to serve every CPU of its kind. -fno-math-errno costs nothing and
# lets sqrt and its like become vector code; -ffast-math stays off, results must not depend on it.
set(_warnings -Wall -Wextra -Wpedantic)
if(IMGCOMP_WERROR)
  list(APPEND _warnings -Werror)
endif()
# The standard is asked for by feature, and for nvcc by flag: CMake before 3.26 does not know that nvcc
# has C++20, and CMAKE_CXX_STANDARD would ask for it on its behalf.
target_compile_features(imgcomp_options INTERFACE cxx_std_20)
target_compile_options(imgcomp_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:${_warnings} -fno-math-errno>
  $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 -Xcompiler=-Wall,-Wextra --expt-relaxed-constexpr>)

if(IMGCOMP_SANITIZE)
  # torch's own classes carry no type information for -fsanitize=vptr.
  set(_sanitize -fsanitize=${IMGCOMP_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer)
  target_compile_options(imgcomp_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${_sanitize}>)
  target_link_options(imgcomp_options INTERFACE ${_sanitize})
endif()

# clang-tidy has no omp.h of its own where clang's OpenMP is not installed: let it find the
# compiler's, after all of clang's own headers.
if(CMAKE_CXX_CLANG_TIDY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=include
    OUTPUT_VARIABLE _compiler_include OUTPUT_STRIP_TRAILING_WHITESPACE)
  list(APPEND CMAKE_CXX_CLANG_TIDY "--extra-arg=-idirafter${_compiler_include}")
endif()

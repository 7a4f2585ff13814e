# Decides whether the CUDA kernels are built, and makes CUDA known as a language where needed.
#
#   IMGCOMP_CUDA           auto | on | off: link the kernels into the library. auto is on where torch
#                          has CUDA and a working nvcc of the same major version is found.
#   IMGCOMP_CHECK_KERNELS  compile every kernel file to an object (target "kernels") and link nothing;
#                          works with the CPU wheel of torch and without a GPU.
# Defines IMGCOMP_WITH_CUDA (bool) and IMGCOMP_CUDA_VERSION (of the toolkit, empty without kernels).

set(IMGCOMP_CUDA auto CACHE STRING "Build the CUDA kernels: auto, on or off")
set_property(CACHE IMGCOMP_CUDA PROPERTY STRINGS auto on off)
option(IMGCOMP_CHECK_KERNELS "Compile the kernel files with nvcc to objects only" OFF)

# Which nvcc would be used, its version, and whether it compiles anything with the C++ compiler here
# (a toolkit older than the compiler refuses it).
function(imgcomp_probe_nvcc out_problem out_version)
  set(${out_version} "" PARENT_SCOPE)
  find_program(IMGCOMP_NVCC nvcc
    HINTS "${CMAKE_CUDA_COMPILER}" ENV CUDACXX ENV CUDA_HOME ENV CUDA_PATH PATH_SUFFIXES bin)
  mark_as_advanced(IMGCOMP_NVCC)
  if(CMAKE_CUDA_COMPILER)
    set(nvcc "${CMAKE_CUDA_COMPILER}")
  elseif(DEFINED ENV{CUDACXX})
    set(nvcc "$ENV{CUDACXX}")
  else()
    set(nvcc "${IMGCOMP_NVCC}")
  endif()
  if(NOT nvcc)
    set(${out_problem} "no nvcc was found (PATH, CUDACXX, CUDA_HOME)" PARENT_SCOPE)
    return()
  endif()
  set(folder "${CMAKE_BINARY_DIR}/nvcc-probe")
  file(WRITE "${folder}/probe.cu" "#include <vector>\n__global__ void probe() {}\n")
  execute_process(
    COMMAND "${nvcc}" -std=c++20 -ccbin "${CMAKE_CXX_COMPILER}" -c probe.cu -o probe.o
    WORKING_DIRECTORY "${folder}" RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    string(STRIP "${output}" output)
    set(${out_problem} "${nvcc} does not compile C++20 with ${CMAKE_CXX_COMPILER}: ${output}"
      PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND "${nvcc}" --version OUTPUT_VARIABLE output)
  string(REGEX MATCH "release ([0-9]+\\.[0-9]+)" _ "${output}")
  set(${out_version} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  set(${out_problem} "" PARENT_SCOPE)
endfunction()

string(TOLOWER "${IMGCOMP_CUDA}" _cuda_wish)
if(_cuda_wish STREQUAL "")
  set(_cuda_wish auto)
endif()
if(NOT _cuda_wish MATCHES "^(auto|on|off)$")
  message(FATAL_ERROR "IMGCOMP_CUDA is auto, on or off; got \"${IMGCOMP_CUDA}\"")
endif()

set(IMGCOMP_WITH_CUDA OFF)
set(IMGCOMP_CUDA_VERSION "")
set(_cuda_problem "")
set(_nvcc_version "")
if(NOT _cuda_wish STREQUAL "off" AND TORCH_CUDA_VERSION STREQUAL "")
  set(_cuda_problem "torch ${TORCH_VERSION} has no CUDA")
elseif(NOT _cuda_wish STREQUAL "off")
  imgcomp_probe_nvcc(_cuda_problem _nvcc_version)
  string(REGEX MATCH "^[0-9]+" _nvcc_major "${_nvcc_version}")
  string(REGEX MATCH "^[0-9]+" _torch_cuda_major "${TORCH_CUDA_VERSION}")
  if(NOT _cuda_problem AND NOT _nvcc_major STREQUAL _torch_cuda_major)
    set(_cuda_problem "nvcc is of CUDA ${_nvcc_version} but torch of CUDA ${TORCH_CUDA_VERSION}")
  endif()
endif()
if(_cuda_wish STREQUAL "off")
  message(STATUS "CUDA kernels: off")
elseif(NOT _cuda_problem)
  set(IMGCOMP_WITH_CUDA ON)
  set(IMGCOMP_CUDA_VERSION "${_nvcc_version}")
  message(STATUS "CUDA kernels: on (CUDA ${_nvcc_version})")
elseif(_cuda_wish STREQUAL "on")
  message(FATAL_ERROR "IMGCOMP_CUDA is on, but ${_cuda_problem}")
else()
  message(STATUS "CUDA kernels: off (${_cuda_problem})")
endif()

if(IMGCOMP_CHECK_KERNELS AND NOT IMGCOMP_WITH_CUDA)
  imgcomp_probe_nvcc(_cuda_problem _nvcc_version)
  if(_cuda_problem)
    message(FATAL_ERROR "IMGCOMP_CHECK_KERNELS is on, but ${_cuda_problem}")
  endif()
endif()

if(IMGCOMP_WITH_CUDA OR IMGCOMP_CHECK_KERNELS)
  # Turing to Hopper as machine code, and Hopper's PTX, which newer GPUs compile when they load it.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 90)
  endif()
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    set(CMAKE_CUDA_COMPILER "${IMGCOMP_NVCC}")
  endif()
  if(NOT DEFINED CMAKE_CUDA_HOST_COMPILER)
    set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
  endif()
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
endif()

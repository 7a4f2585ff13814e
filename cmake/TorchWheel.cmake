# Imported targets for the torch package that the building Python sees.
#
# find_package(Torch) is not used: with the CUDA wheel it insists on an installed CUDA toolkit, which
# most people who have that wheel do not have. Needs Python_EXECUTABLE. Defines
#   TORCH_VERSION, TORCH_VERSION_PUBLIC (without +cpu), TORCH_CUDA_VERSION (empty for the CPU wheel),
#   TORCH_DIR, TORCH_LIB_DIR, TORCH_RUNTIME_DIRS
#   imgcomp::torch         libtorch_cpu, libc10, their headers, the C++ ABI and OpenMP
#   imgcomp::torch_python  the above and libtorch_python, for the bindings only
# and, by imgcomp_add_torch_cuda(), imgcomp::torch_cuda.

execute_process(
  COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_LIST_DIR}/torch_wheel.py"
  RESULT_VARIABLE _torch_status
  OUTPUT_VARIABLE _torch_facts
  ERROR_VARIABLE _torch_error
  OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT _torch_status EQUAL 0)
  message(FATAL_ERROR "No usable torch package in ${Python_EXECUTABLE}: ${_torch_error}")
endif()
list(POP_FRONT _torch_facts TORCH_VERSION TORCH_CUDA_VERSION TORCH_DIR TORCH_CXX11_ABI)
list(POP_FRONT _torch_facts TORCH_GOMP)
string(REGEX REPLACE "\\+.*" "" TORCH_VERSION_PUBLIC "${TORCH_VERSION}")
if(TORCH_VERSION_PUBLIC VERSION_LESS 2.11)
  message(FATAL_ERROR "imgcomp needs torch 2.11 or newer to build against; found ${TORCH_VERSION} in ${TORCH_DIR}")
endif()
set(TORCH_LIB_DIR "${TORCH_DIR}/lib")
set(TORCH_RUNTIME_DIRS "${TORCH_LIB_DIR}")
message(STATUS "torch ${TORCH_VERSION} in ${TORCH_DIR}")

function(imgcomp_import_library target name)
  set(file "${TORCH_LIB_DIR}/${CMAKE_SHARED_LIBRARY_PREFIX}${name}${CMAKE_SHARED_LIBRARY_SUFFIX}")
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "torch ${TORCH_VERSION} should have ${file}, which is not there")
  endif()
  add_library(${target} SHARED IMPORTED GLOBAL)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${file}")
endfunction()

imgcomp_import_library(imgcomp_torch_c10 c10)
imgcomp_import_library(imgcomp_torch_cpu torch_cpu)
imgcomp_import_library(imgcomp_torch_python_library torch_python)

add_library(imgcomp_torch INTERFACE)
add_library(imgcomp::torch ALIAS imgcomp_torch)
target_include_directories(imgcomp_torch SYSTEM INTERFACE
  "${TORCH_DIR}/include" "${TORCH_DIR}/include/torch/csrc/api/include")
target_link_libraries(imgcomp_torch INTERFACE imgcomp_torch_cpu imgcomp_torch_c10)
if(NOT TORCH_CXX11_ABI STREQUAL "")
  target_compile_definitions(imgcomp_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=${TORCH_CXX11_ABI})
endif()

# at::parallel_for is a header template: without OpenMP it silently runs on one thread. Its pragmas
# are to use the OpenMP runtime that torch itself ships: with another one, at::set_num_threads would
# not reach them and each would keep a thread pool of its own.
if(TORCH_GOMP AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  get_filename_component(_gomp_dir "${TORCH_GOMP}" DIRECTORY)
  if(NOT _gomp_dir STREQUAL TORCH_LIB_DIR)
    list(APPEND TORCH_RUNTIME_DIRS "${_gomp_dir}")
  endif()
  target_compile_options(imgcomp_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
  target_link_libraries(imgcomp_torch INTERFACE "${TORCH_GOMP}")
else()
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  target_link_libraries(imgcomp_torch INTERFACE OpenMP::OpenMP_CXX)
endif()
find_package(Threads REQUIRED)
target_link_libraries(imgcomp_torch INTERFACE Threads::Threads)

add_library(imgcomp_torch_python INTERFACE)
add_library(imgcomp::torch_python ALIAS imgcomp_torch_python)
target_link_libraries(imgcomp_torch_python INTERFACE imgcomp_torch_python_library imgcomp_torch)

# Adds imgcomp::torch_cuda: libtorch_cuda, libc10_cuda and the CUDA headers and runtime.
function(imgcomp_add_torch_cuda)
  imgcomp_import_library(imgcomp_torch_cuda_library torch_cuda)
  imgcomp_import_library(imgcomp_torch_c10_cuda c10_cuda)
  add_library(imgcomp_torch_cuda INTERFACE)
  add_library(imgcomp::torch_cuda ALIAS imgcomp_torch_cuda)
  target_include_directories(imgcomp_torch_cuda SYSTEM INTERFACE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(imgcomp_torch_cuda INTERFACE
    imgcomp_torch imgcomp_torch_cuda_library imgcomp_torch_c10_cuda CUDA::cudart)
endfunction()

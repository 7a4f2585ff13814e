# imgcomp::options: the warnings and settings with which our own code is compiled.

add_library(imgcomp_options INTERFACE)
add_library(imgcomp::options ALIAS imgcomp_options)
target_compile_options(imgcomp_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic>)

// Vector code chosen at run time: a function marked IMGCOMP_CLONES is compiled for several
// instruction sets, and the loader picks the best one for the machine.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__) && \
    !defined(__SANITIZE_ADDRESS__)
#define IMGCOMP_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define IMGCOMP_CLONES
#endif

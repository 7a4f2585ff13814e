// A pipeline's passes on the CPU, over raw memory.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "preprocess/pass.h"

namespace imgcomp {

struct CpuRun {
  const void* images;      // (N, C, H, W)
  bool bytes;              // uint8, else float32
  const int64_t* index;    // which images; null: all in their order
  const int64_t* numbers;  // what the images' random numbers are drawn for
  int64_t count;
  uint64_t key;  // of seed and epoch
  bool noise;
  void* output;
  bool bfloat16;  // else float32
  bool channels_last;
};

void run_passes_cpu(const std::vector<std::shared_ptr<const PreprocessPass>>& passes,
                    const CpuRun& run);

}  // namespace imgcomp

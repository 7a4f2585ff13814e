// Independent random streams from one seed.
#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace imgcomp {

enum class Stream : uint64_t { order = 1, dropout = 2, preprocess = 3, bits = 4 };

// A seed for that stream and epoch: a hash of all three, so that an epoch can be repeated without
// running those before it.
uint64_t derive_seed(uint64_t seed, Stream stream, uint64_t epoch);

at::Generator make_generator(at::Device device, uint64_t seed);

}  // namespace imgcomp

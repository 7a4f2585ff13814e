#include "imgcomp/random.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>

namespace imgcomp {
namespace {

// The finaliser of SplitMix64: a bijection that spreads every bit.
uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t derive_seed(uint64_t seed, Stream stream, uint64_t epoch) {
  return mix(mix(mix(seed) ^ static_cast<uint64_t>(stream)) ^ epoch);
}

at::Generator make_generator(at::Device device, uint64_t seed) {
  if (device.is_cpu()) {
    return at::detail::createCPUGenerator(seed);
  }
  at::Generator generator = at::globalContext()
                                .getAcceleratorHooksInterface(device.type())
                                .getNewGenerator(device.index());
  generator.set_current_seed(seed);
  return generator;
}

}  // namespace imgcomp

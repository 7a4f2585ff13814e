// Runs a fuzz target without libFuzzer: on the given files, or on mutations for some seconds.
//
//   drive FILE…            each file once
//   drive --seconds N [S]  streams of many kinds, cut and altered, from seed S on
//
// The input that is being tried lies in crash.bin when a sanitizer ends the program.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace {

using Bytes = std::vector<uint8_t>;

Bytes input;

void save_input() {
  std::ofstream("crash.bin", std::ios::binary)
      .write(reinterpret_cast<const char*>(input.data()),
             static_cast<std::streamsize>(input.size()));
}

void abort_handler(int) {
  save_input();
  std::_Exit(134);
}

// Bytes of one of several kinds: random, sparse, runs of one value, earlier ones changed a little.
void mutate(std::mt19937& random) {
  const auto below = [&](uint32_t end) { return static_cast<uint32_t>(random()) % end; };
  if (input.size() < 4 || below(4) == 0) {
    input.assign(3 + below(below(8) == 0 ? 9000 : 300), 0);
    const uint32_t kind = below(3);
    for (uint8_t& byte : input) {
      byte = static_cast<uint8_t>(kind == 0   ? random()
                                  : kind == 1 ? (below(9) == 0 ? random() : 0)
                                              : 0xFF);
    }
  }
  for (uint32_t changes = 1 + below(4); changes > 0; --changes) {
    const uint32_t place = below(static_cast<uint32_t>(input.size()));
    switch (below(5)) {
      case 0:
        input[place] ^= static_cast<uint8_t>(1U << below(8));
        break;
      case 1:
        input[place] = static_cast<uint8_t>(random());
        break;
      case 2:
        input.resize(std::max<size_t>(3, place));
        break;
      case 3:
        input.push_back(static_cast<uint8_t>(random()));
        break;
      default:
        input.insert(input.begin() + place, static_cast<uint8_t>(random()));
    }
  }
  input[0] = static_cast<uint8_t>(below(10));
  if (below(2) == 0) {  // counts that bytes of this length may be good for
    const auto count = static_cast<uint32_t>(input.size()) * 8 / (1 + below(12));
    input[1] = static_cast<uint8_t>(count);
    input[2] = static_cast<uint8_t>(count >> 8);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGABRT, abort_handler);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(save_input);
  }
  if (argc < 3 || std::string(argv[1]) != "--seconds") {
    for (int i = 1; i < argc; ++i) {
      std::ifstream file(argv[i], std::ios::binary);
      input.assign(std::istreambuf_iterator<char>(file), {});
      LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    return 0;
  }
  const std::time_t end = std::time(nullptr) + std::atoi(argv[2]);
  std::mt19937 random(argc > 3 ? static_cast<uint32_t>(std::atoi(argv[3])) : 1);
  uint64_t runs = 0;
  for (; std::time(nullptr) < end; ++runs) {
    mutate(random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%llu inputs\n", static_cast<unsigned long long>(runs));
  return 0;
}

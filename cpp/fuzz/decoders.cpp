// Fuzz target of the entropy decoders: any bytes give symbols or CorruptStreamError.
//
// What is accepted must be just what the encoder writes for it. With libFuzzer (clang) this is
// all; fuzz/drive.cpp runs the same function with any other compiler. CMake: IMGCOMP_BUILD_FUZZERS.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

#include "codec/lanes/lanes.h"
#include "codec/short_stream.h"
#include "imgcomp/codec/binary_coder.h"
#include "imgcomp/codec/symbol_coder.h"
#include "imgcomp/error.h"

using namespace imgcomp;
using namespace imgcomp::codec;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

const FrequencyTables& tables() {
  static const FrequencyTables tables({{-3, {100, 1, 30, 1, 60, 40}, 24},
                                       {0, {256}, 0},
                                       {7, {1, 254}, 1},
                                       {2147483646, {128, 100}, 28},
                                       {-2147483647 - 1, {3, 250}, 3}},
                                      8);
  return tables;
}

void fuzz_symbols(std::span<const uint8_t> bytes, size_t count, int form) {
  static const TablePattern several(std::vector<int32_t>{0, 1, 0, 2, 3, 4, 0}, 5);
  static const TablePattern only(std::vector<int32_t>{0}, 5);
  const TablePattern& pattern = form % 2 == 0 ? several : only;
  const CodingTables& coding = tables().coding();
  std::vector<int32_t> symbols(count);
  try {
    switch (form / 2) {
      case 0:
        decode(tables(), pattern, bytes, symbols, 3);
        {
          // The only pattern makes the same of it wherever it begins.
          const std::vector<std::span<const uint8_t>> twice{bytes, bytes};
          std::vector<int32_t> both(2 * count);
          decode_several(tables(), only, twice, both, count);
          require(std::equal(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(count),
                             both.begin() + static_cast<std::ptrdiff_t>(count)));
        }
        break;
      case 1:
        decode_short(coding, pattern, bytes, symbols, 3);
        require(encode_short(coding, pattern, symbols, 3) ==
                std::vector<uint8_t>(bytes.begin(), bytes.end()));
        break;
      default: {
        const int lanes = form / 2 == 2 ? lanes::kNarrow : lanes::kWide;
        std::vector<int32_t> again(count);
        lanes::decode(coding, pattern, bytes, symbols, 3, lanes, nullptr);
        lanes::decode(coding, pattern, bytes, again, 3, lanes);
        require(symbols == again);
        const std::vector<uint8_t> stream =
            lanes::encode(coding, pattern, symbols, 3, lanes, bytes.size());
        require(std::equal(stream.begin() + 1, stream.end(), bytes.begin(), bytes.end()));
      }
    }
  } catch (const CorruptStreamError&) {
  }
}

void fuzz_bits(std::span<const uint8_t> bytes, size_t count) {
  BinaryDecoder decoder(bytes, 3);
  std::vector<int32_t> contexts(count);
  for (size_t i = 0; i < count; ++i) {
    contexts[i] = static_cast<int32_t>(i % 3);
  }
  std::vector<uint8_t> bits(count);
  std::vector<uint32_t> values(count % 16);
  decoder.decode(contexts, bits);
  decoder.decode_raw(1 + static_cast<int>(count % 32), values);
  if (decoder.at_end()) {
    BinaryEncoder encoder(3);
    encoder.encode(bits, contexts);
    encoder.encode_raw(values, 1 + static_cast<int>(count % 32));
    require(encoder.finish().bytes == std::vector<uint8_t>(bytes.begin(), bytes.end()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) {
    return 0;
  }
  const int form = data[0] % 10;
  const size_t count = data[1] | (size_t{data[2]} << 8);
  // A copy of just these bytes, so that reading beyond them is found.
  const std::vector<uint8_t> bytes(data + 3, data + size);
  if (form >= 8) {
    fuzz_bits(bytes, count);
  } else {
    fuzz_symbols(bytes, count, form);
  }
  return 0;
}

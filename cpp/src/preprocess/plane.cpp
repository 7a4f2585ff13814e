#include "preprocess/plane.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "clones.h"

// Before a loop of few and fixed steps: a compiler that unrolls it first does not vectorise it.
#if defined(__GNUC__) && !defined(__clang__)
#define IMGCOMP_ONE_VECTOR _Pragma("GCC unroll 1")
#else
#define IMGCOMP_ONE_VECTOR
#endif

namespace imgcomp::plane {
namespace {

template <class Source>
[[gnu::always_inline]] inline void map_values(const Source* source, int64_t count,
                                              const float* __restrict center,
                                              const float* __restrict gain, bool per_element,
                                              float* output) {
  if (center == nullptr) {
    for (int64_t i = 0; i < count; ++i) {
      output[i] = static_cast<float>(source[i]);
    }
  } else if (per_element) {
    for (int64_t i = 0; i < count; ++i) {
      output[i] = standardize(static_cast<float>(source[i]), center[i], gain[i]);
    }
  } else {
    const float shared_center = *center;
    const float shared_gain = *gain;
    for (int64_t i = 0; i < count; ++i) {
      output[i] = standardize(static_cast<float>(source[i]), shared_center, shared_gain);
    }
  }
}

// Values that are turned at once, so that the compiler knows their number.
constexpr int64_t kAtOnce = 16;

// output[i] = from[i · stride]; the last block overlaps its neighbour.
template <int64_t Stride, class Source>
[[gnu::always_inline]] inline void copy_row(const Source* from, int64_t count, float* output) {
  if (count < kAtOnce) {
    for (int64_t i = 0; i < count; ++i) {
      output[i] = static_cast<float>(from[i * Stride]);
    }
    return;
  }
  for (int64_t begin = 0; begin < count; begin += kAtOnce) {
    const int64_t start = std::min(begin, count - kAtOnce);
    float block[kAtOnce];
    IMGCOMP_ONE_VECTOR
    for (int64_t i = 0; i < kAtOnce; ++i) {
      block[i] = static_cast<float>(from[(start + i) * Stride]);
    }
    std::memcpy(output + start, block, sizeof(block));
  }
}

template <class Source>
[[gnu::always_inline]] inline void move_values(const Source* source, int32_t height, int32_t width,
                                               const Placement& p, float fill, float* output) {
  if (p.top > 0 || p.left > 0 || p.bottom < height || p.right < width) {
    std::fill(output, output + static_cast<int64_t>(height) * width, fill);
  }
  // The source's place is linear in the output's.
  const int64_t origin = static_cast<int64_t>(p.ty) * width + p.tx;
  const int64_t down = static_cast<int64_t>(p.yy) * width + p.xy;
  const int64_t across = static_cast<int64_t>(p.yx) * width + p.xx;
  for (int64_t y = p.top; y < p.bottom; ++y) {
    const Source* from = source + (origin + y * down + p.left * across);
    float* to = output + y * width + p.left;
    const int64_t count = std::max<int64_t>(0, p.right - p.left);
    if (across == 1) {
      copy_row<1>(from, count, to);
    } else if (across == -1) {
      copy_row<-1>(from, count, to);
    } else {
      for (int64_t x = 0; x < count; ++x) {
        to[x] = static_cast<float>(from[x * across]);
      }
    }
  }
}

// The random words of kValuesAbreast values, from number `block` · kValuesAbreast on: draw() for
// neighbouring blocks, round by round for all of them.
[[gnu::always_inline]] inline void draw_words(DrawKey key, uint32_t step, int64_t block,
                                              uint32_t (&words)[4][kBlocksAbreast]) {
  const auto first = static_cast<uint32_t>(block * kBlocksAbreast);
  IMGCOMP_ONE_VECTOR
  for (uint32_t lane = 0; lane < kBlocksAbreast; ++lane) {
    words[0][lane] = first + lane;
    words[1][lane] = step;
    words[2][lane] = static_cast<uint32_t>(key.image);
    words[3][lane] = static_cast<uint32_t>(key.image >> 32);
  }
  PhiloxKey round_key(key.key);
  for (int round = 0; round < kPhiloxRounds; ++round, round_key.advance()) {
    IMGCOMP_ONE_VECTOR
    for (int64_t lane = 0; lane < kBlocksAbreast; ++lane) {
      philox_round(words[0][lane], words[1][lane], words[2][lane], words[3][lane], round_key);
    }
  }
}

// The part of the values that one block of random words is for.
struct Piece {
  int64_t begin, end;  // of the values
  int64_t skip;        // of the block
};

inline Piece piece_of(int64_t block, int64_t first, int64_t count) {
  const int64_t start = block * kValuesAbreast - first;
  const int64_t begin = std::max<int64_t>(0, start);
  return {begin, std::min(count, start + kValuesAbreast), begin - start};
}

IMGCOMP_CLONES void gaussian_noise(float* values, int64_t count, int64_t first, DrawKey key,
                                   const NoiseStep& noise) {
  const int64_t last_block = (first + count - 1) / kValuesAbreast;
  for (int64_t block = first / kValuesAbreast; block <= last_block; ++block) {
    uint32_t words[4][kBlocksAbreast];
    float normal[4][kBlocksAbreast];
    draw_words(key, noise.step, block, words);
    for (int pair = 0; pair < 4; pair += 2) {
      IMGCOMP_ONE_VECTOR
      for (int64_t lane = 0; lane < kBlocksAbreast; ++lane) {
        normal_pair(words[pair][lane], words[pair + 1][lane], normal[pair][lane],
                    normal[pair + 1][lane]);
      }
    }
    const Piece piece = piece_of(block, first, count);
    const float* from = &normal[0][0] + piece.skip;
    for (int64_t i = piece.begin; i < piece.end; ++i) {
      values[i] = add_gaussian(values[i], from[i - piece.begin], noise);
    }
  }
}

IMGCOMP_CLONES void salt_and_pepper_noise(float* values, int64_t count, int64_t first, DrawKey key,
                                          const NoiseStep& noise) {
  const int64_t last_block = (first + count - 1) / kValuesAbreast;
  for (int64_t block = first / kValuesAbreast; block <= last_block; ++block) {
    uint32_t words[4][kBlocksAbreast];
    draw_words(key, noise.step, block, words);
    const Piece piece = piece_of(block, first, count);
    const uint32_t* from = &words[0][0] + piece.skip;
    for (int64_t i = piece.begin; i < piece.end; ++i) {
      values[i] = salt_and_pepper(values[i], from[i - piece.begin], noise);
    }
  }
}

template <int64_t Channels, class Value>
[[gnu::always_inline]] inline void interleave_fixed(const Value* __restrict planes, int64_t area,
                                                    Value* __restrict output) {
  for (int64_t pixel = 0; pixel < area; ++pixel) {
    for (int64_t channel = 0; channel < Channels; ++channel) {
      output[pixel * Channels + channel] = planes[channel * area + pixel];
    }
  }
}

template <class Value>
[[gnu::always_inline]] inline void interleave_values(const Value* planes, int64_t channels,
                                                     int64_t area, Value* output) {
  switch (channels) {
    case 2:
      return interleave_fixed<2>(planes, area, output);
    case 3:
      return interleave_fixed<3>(planes, area, output);
    case 4:
      return interleave_fixed<4>(planes, area, output);
    default:
      for (int64_t pixel = 0; pixel < area; ++pixel) {
        for (int64_t channel = 0; channel < channels; ++channel) {
          output[pixel * channels + channel] = planes[channel * area + pixel];
        }
      }
  }
}

}  // namespace

IMGCOMP_CLONES void map(const uint8_t* source, int64_t count, const float* center,
                        const float* gain, bool per_element, float* output) {
  map_values(source, count, center, gain, per_element, output);
}
IMGCOMP_CLONES void map(const float* source, int64_t count, const float* center, const float* gain,
                        bool per_element, float* output) {
  map_values(source, count, center, gain, per_element, output);
}

IMGCOMP_CLONES void move(const uint8_t* source, int32_t height, int32_t width,
                         const Placement& placement, float fill, float* output) {
  move_values(source, height, width, placement, fill, output);
}
IMGCOMP_CLONES void move(const float* source, int32_t height, int32_t width,
                         const Placement& placement, float fill, float* output) {
  move_values(source, height, width, placement, fill, output);
}

void add_noise(float* values, int64_t count, int64_t first, DrawKey key, const NoiseStep& noise) {
  if (noise.kind == NoiseKind::gaussian) {
    gaussian_noise(values, count, first, key, noise);
  } else {
    salt_and_pepper_noise(values, count, first, key, noise);
  }
}

IMGCOMP_CLONES void interleave(const float* planes, int64_t channels, int64_t area, float* output) {
  interleave_values(planes, channels, area, output);
}
IMGCOMP_CLONES void interleave(const uint16_t* planes, int64_t channels, int64_t area,
                               uint16_t* output) {
  interleave_values(planes, channels, area, output);
}

IMGCOMP_CLONES void to_bfloat16(const float* values, int64_t count, uint16_t* output) {
  for (int64_t i = 0; i < count; ++i) {
    output[i] = round_to_bfloat16(values[i]);
  }
}

void stream(const void* source, int64_t bytes, void* output) {
#ifdef __SSE2__
  const auto* from = static_cast<const char*>(source);
  auto* to = static_cast<char*>(output);
  constexpr int64_t kPiece = sizeof(__m128i);
  const int64_t unaligned = -reinterpret_cast<intptr_t>(to) & (kPiece - 1);
  const int64_t head = std::min(bytes, unaligned);
  std::memcpy(to, from, static_cast<size_t>(head));
  int64_t i = head;
  for (; i + kPiece <= bytes; i += kPiece) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
  }
  std::memcpy(to + i, from + i, static_cast<size_t>(bytes - i));
#else
  std::memcpy(output, source, static_cast<size_t>(bytes));
#endif
}

void end_stream() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

}  // namespace imgcomp::plane

#include "preprocess/plane.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "preprocess/simd.h"

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
    const Source* from = source + (origin + y * down);
    float* to = output + y * width;
    if (across == 1) {
      for (int64_t x = p.left; x < p.right; ++x) {
        to[x] = static_cast<float>(from[x]);
      }
    } else {
      for (int64_t x = p.left; x < p.right; ++x) {
        to[x] = static_cast<float>(from[x * across]);
      }
    }
  }
}

// The random words of kValuesAbreast values, from number `block` · kValuesAbreast on.
[[gnu::always_inline]] inline void draw_words(DrawKey key, uint32_t step, int64_t block,
                                              uint32_t (&words)[4][kBlocksAbreast]) {
  const auto first = static_cast<uint32_t>(block * kBlocksAbreast);
  for (uint32_t lane = 0; lane < kBlocksAbreast; ++lane) {
    const Random4 random = draw(key, step, first + lane);
    for (int word = 0; word < 4; ++word) {
      words[word][lane] = random.word[word];
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

inline uint16_t round_to_bfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  return static_cast<uint16_t>(value != value ? 0x7FC0U : rounded);
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

void interleave(const float* planes, int64_t channels, int64_t area, float* output) {
  for (int64_t pixel = 0; pixel < area; ++pixel) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      output[pixel * channels + channel] = planes[channel * area + pixel];
    }
  }
}

IMGCOMP_CLONES void store_bfloat16(const float* planes, int64_t channels, int64_t area,
                                   uint16_t* output) {
  if (channels == 1) {
    for (int64_t i = 0; i < area; ++i) {
      output[i] = round_to_bfloat16(planes[i]);
    }
    return;
  }
  for (int64_t pixel = 0; pixel < area; ++pixel) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      output[pixel * channels + channel] = round_to_bfloat16(planes[channel * area + pixel]);
    }
  }
}

}  // namespace imgcomp::plane

// Four vectors of 8 lanes.
#include <immintrin.h>

#include "codec/lanes/kernels.h"

namespace imgcomp::codec::lanes {
namespace {

constexpr int kVectors = 4, kLanes = 8;

// For each set of lanes: from which place each of them takes its word, of those that were loaded;
// and which lane's word goes to each place, the last of them to the end.
struct Shuffles {
  alignas(8) uint8_t expand[256][kLanes];
  alignas(8) uint8_t compress[256][kLanes];
};
constexpr Shuffles kShuffles = [] {
  Shuffles shuffles{};
  for (int set = 0; set < 256; ++set) {
    uint8_t count = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
      shuffles.expand[set][lane] = count;
      count = static_cast<uint8_t>(count + ((set >> lane) & 1));
    }
    int place = kLanes;
    for (int lane = kLanes - 1; lane >= 0; --lane) {
      if (((set >> lane) & 1) != 0) {
        shuffles.compress[set][--place] = static_cast<uint8_t>(lane);
      }
    }
  }
  return shuffles;
}();

__m256i shuffle(const uint8_t* order) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(order)));
}

__m256i load(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

void store(void* to, __m256i vector) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), vector);
}

__m256i gather(__m256i index, const void* base) {
  return _mm256_i32gather_epi32(static_cast<const int*>(base), index, 4);
}

__m256i load_words(const void* from) {
  return _mm256_cvtepu16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(from)));
}

__m256i frequency_of(__m256i entry) {
  return _mm256_and_si256(_mm256_srli_epi32(entry, 16), _mm256_set1_epi32(0x7FFF));
}

__m256i start_of(__m256i entry) {
  return _mm256_and_si256(entry, _mm256_set1_epi32(0xFFFF));
}

__m256i multiply_high(__m256i a, __m256i b) {
  const __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(a, b), 32);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  return _mm256_blend_epi32(even, odd, 0xAA);
}

// Unsigned a ≥ b, all ones where it holds.
__m256i at_least(__m256i a, __m256i b) {
  return _mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a);
}

int mask_of(__m256i lanes) {
  return _mm256_movemask_ps(_mm256_castsi256_ps(lanes));
}

// Several: each symbol has a table of its own.
template <bool Several>
size_t decode_steps(DecodeSteps& work) {
  const TablePointers& tables = work.tables;
  const __m128i precision = _mm_cvtsi32_si128(tables.precision);
  const __m256i slot_mask = _mm256_set1_epi32((1 << tables.precision) - 1);
  __m256i states[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    states[v] = load(work.states + kLanes * v);
  }
  const uint8_t* next = work.next;
  size_t done = 0;
  for (; done < work.steps && work.end - next >= 64; ++done) {
    __m256i slots[kVectors], entries[kVectors], symbols[kVectors];
    __m256i escapes = _mm256_setzero_si256();
    for (int v = 0; v < kVectors; ++v) {
      slots[v] = _mm256_and_si256(states[v], slot_mask);
      __m256i table = _mm256_setzero_si256(), slot = slots[v];
      if constexpr (Several) {
        table = load_words(work.pattern + kLanes * v);
        slot = _mm256_or_si256(slot, _mm256_sll_epi32(table, precision));
      }
      const __m256i place = _mm256_and_si256(
          _mm256_i32gather_epi32(reinterpret_cast<const int*>(tables.slots), slot, 2),
          _mm256_set1_epi32(0xFFFF));
      __m256i entry = place, smallest = _mm256_set1_epi32(*tables.smallest);
      if constexpr (Several) {
        entry = _mm256_add_epi32(entry, gather(table, tables.first_entry));
        smallest = gather(table, tables.smallest);
      }
      entries[v] = gather(entry, tables.entries);
      symbols[v] = _mm256_add_epi32(place, smallest);
      escapes = _mm256_or_si256(escapes, entries[v]);
    }
    if (mask_of(escapes) != 0) {
      break;
    }
    for (int v = 0; v < kVectors; ++v) {
      store(work.symbols + kLanes * v, symbols[v]);
      const __m256i rest = _mm256_sub_epi32(slots[v], start_of(entries[v]));
      const __m256i whole =
          _mm256_mullo_epi32(frequency_of(entries[v]), _mm256_srl_epi32(states[v], precision));
      const __m256i state = _mm256_add_epi32(whole, rest);
      const __m256i low = _mm256_cmpeq_epi32(_mm256_srli_epi32(state, 16), _mm256_setzero_si256());
      const int set = mask_of(low);
      const __m256i words =
          _mm256_permutevar8x32_epi32(load_words(next), shuffle(kShuffles.expand[set]));
      states[v] =
          _mm256_blendv_epi8(state, _mm256_or_si256(_mm256_slli_epi32(state, 16), words), low);
      next += 2 * __builtin_popcount(static_cast<unsigned>(set));
    }
    work.symbols += kVectors * kLanes;
    if constexpr (Several) {
      work.pattern += kVectors * kLanes;
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    store(work.states + kLanes * v, states[v]);
  }
  work.next = next;
  work.steps -= done;
  return done;
}

template <bool Several>
size_t encode_steps(EncodeSteps& work) {
  const TablePointers& tables = work.tables;
  const __m128i precision = _mm_cvtsi32_si128(tables.precision);
  const __m128i headroom = _mm_cvtsi32_si128(32 - tables.precision);
  __m256i states[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    states[v] = load(work.states + kLanes * v);
  }
  uint8_t* next = work.next;
  size_t done = 0;
  for (; done < work.steps; ++done) {
    __m256i entries[kVectors], reciprocals[kVectors];
    __m256i escapes = _mm256_setzero_si256();
    for (int v = 0; v < kVectors; ++v) {
      __m256i smallest = _mm256_set1_epi32(*tables.smallest);
      __m256i size = _mm256_set1_epi32(static_cast<int>(*tables.sizes));
      __m256i first = _mm256_setzero_si256();
      if constexpr (Several) {
        const __m256i table = load_words(work.pattern + kLanes * v);
        smallest = gather(table, tables.smallest);
        size = gather(table, tables.sizes);
        first = gather(table, tables.first_entry);
      }
      const __m256i place = _mm256_sub_epi32(load(work.symbols + kLanes * v), smallest);
      const __m256i entry = _mm256_add_epi32(_mm256_min_epu32(place, size), first);
      entries[v] = gather(entry, tables.entries);
      reciprocals[v] = gather(entry, tables.reciprocals);
      escapes = _mm256_or_si256(escapes, entries[v]);
    }
    if (mask_of(escapes) != 0) {
      break;
    }
    for (int v = kVectors - 1; v >= 0; --v) {
      const __m256i frequency = frequency_of(entries[v]);
      // States of frequency · 2^(32 − precision) and more would overflow. Where that is 2^32, no
      // state is too large: the largest one allowed is taken, and compared with.
      const __m256i most =
          _mm256_sub_epi32(_mm256_sll_epi32(frequency, headroom), _mm256_set1_epi32(1));
      const __m256i fits = at_least(most, states[v]);
      const int set = mask_of(fits) ^ 0xFF;
      // Words are put at the end of a whole vector; those before them will be overwritten.
      const __m256i words =
          _mm256_permutevar8x32_epi32(states[v], shuffle(kShuffles.compress[set]));
      const __m256i halves =
          _mm256_packus_epi32(_mm256_and_si256(words, _mm256_set1_epi32(0xFFFF)), words);
      const __m256i packed = _mm256_permute4x64_epi64(halves, 0x08);
      _mm_storeu_si128(reinterpret_cast<__m128i*>(next) - 1, _mm256_castsi256_si128(packed));
      next -= 2 * __builtin_popcount(static_cast<unsigned>(set));
      const __m256i state = _mm256_blendv_epi8(_mm256_srli_epi32(states[v], 16), states[v], fits);
      // The product with the rounded reciprocal is the quotient or one less.
      const __m256i quotient = multiply_high(state, reciprocals[v]);
      const __m256i rest = _mm256_sub_epi32(state, _mm256_mullo_epi32(quotient, frequency));
      const __m256i less = at_least(rest, frequency);
      states[v] = _mm256_add_epi32(
          _mm256_sll_epi32(_mm256_sub_epi32(quotient, less), precision),
          _mm256_add_epi32(_mm256_sub_epi32(rest, _mm256_and_si256(less, frequency)),
                           start_of(entries[v])));
    }
    work.symbols -= kVectors * kLanes;
    if constexpr (Several) {
      work.pattern -= kVectors * kLanes;
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    store(work.states + kLanes * v, states[v]);
  }
  work.next = next;
  work.steps -= done;
  return done;
}

size_t decode(DecodeSteps& work) {
  return work.pattern == nullptr ? decode_steps<false>(work) : decode_steps<true>(work);
}

size_t encode(EncodeSteps& work) {
  return work.pattern == nullptr ? encode_steps<false>(work) : encode_steps<true>(work);
}

constexpr Kernels kKernels{"avx2", decode, encode};

}  // namespace

const Kernels* avx2_kernels() {
  static const bool has = __builtin_cpu_supports("avx2");
  return has ? &kKernels : nullptr;
}

}  // namespace imgcomp::codec::lanes

// Two vectors of 16 lanes.
#if defined(__GNUC__) && !defined(__clang__)
// Of GCC 12's own intrinsics, which leave lanes undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include "codec/lanes/kernels.h"

namespace imgcomp::codec::lanes {
namespace {

constexpr int kVectors = 2, kLanes = 16;

__m512i gather(__m512i index, const void* base) {
  return _mm512_i32gather_epi32(index, base, 4);
}

__m512i load_tables(const uint16_t* pattern) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(pattern)));
}

__m512i frequency_of(__m512i entry) {
  return _mm512_and_si512(_mm512_srli_epi32(entry, 16), _mm512_set1_epi32(0x7FFF));
}

__m512i start_of(__m512i entry) {
  return _mm512_and_si512(entry, _mm512_set1_epi32(0xFFFF));
}

// The upper halves of 32-bit products.
__m512i multiply_high(__m512i a, __m512i b) {
  const __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(a, b), 32);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
  return _mm512_mask_mov_epi32(even, 0xAAAA, odd);
}

// Several: each symbol has a table of its own.
template <bool Several>
size_t decode_steps(DecodeSteps& work) {
  const TablePointers& tables = work.tables;
  const __m128i precision = _mm_cvtsi32_si128(tables.precision);
  const __m512i slot_mask = _mm512_set1_epi32((1 << tables.precision) - 1);
  const __m512i lowest = _mm512_set1_epi32(1 << 16);
  __m512i states[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    states[v] = _mm512_loadu_si512(work.states + kLanes * v);
  }
  const uint8_t* next = work.next;
  size_t done = 0;
  for (; done < work.steps && work.end - next >= 64; ++done) {
    __m512i slots[kVectors], entries[kVectors], symbols[kVectors];
    __mmask16 escapes = 0;
    for (int v = 0; v < kVectors; ++v) {
      slots[v] = _mm512_and_si512(states[v], slot_mask);
      __m512i table = _mm512_setzero_si512(), slot = slots[v];
      if constexpr (Several) {
        table = load_tables(work.pattern + kLanes * v);
        slot = _mm512_or_si512(slot, _mm512_sll_epi32(table, precision));
      }
      const __m512i place = _mm512_and_si512(_mm512_i32gather_epi32(slot, tables.slots, 2),
                                             _mm512_set1_epi32(0xFFFF));
      __m512i entry = place, smallest = _mm512_set1_epi32(*tables.smallest);
      if constexpr (Several) {
        entry = _mm512_add_epi32(entry, gather(table, tables.first_entry));
        smallest = gather(table, tables.smallest);
      }
      entries[v] = gather(entry, tables.entries);
      symbols[v] = _mm512_add_epi32(place, smallest);
      escapes |= _mm512_movepi32_mask(entries[v]);
    }
    if (escapes != 0) {
      break;
    }
    for (int v = 0; v < kVectors; ++v) {
      _mm512_storeu_si512(work.symbols + kLanes * v, symbols[v]);
      const __m512i rest = _mm512_sub_epi32(slots[v], start_of(entries[v]));
      const __m512i whole =
          _mm512_mullo_epi32(frequency_of(entries[v]), _mm512_srl_epi32(states[v], precision));
      const __m512i state = _mm512_add_epi32(whole, rest);
      const __mmask16 low = _mm512_cmplt_epu32_mask(state, lowest);
      const __m512i words = _mm512_maskz_expand_epi32(
          low, _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(next))));
      states[v] = _mm512_mask_or_epi32(state, low, _mm512_slli_epi32(state, 16), words);
      next += 2 * __builtin_popcount(low);
    }
    work.symbols += kVectors * kLanes;
    if constexpr (Several) {
      work.pattern += kVectors * kLanes;
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    _mm512_storeu_si512(work.states + kLanes * v, states[v]);
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
  const __m512i one = _mm512_set1_epi32(1);
  __m512i states[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    states[v] = _mm512_loadu_si512(work.states + kLanes * v);
  }
  uint8_t* next = work.next;
  size_t done = 0;
  for (; done < work.steps; ++done) {
    __m512i entries[kVectors], reciprocals[kVectors];
    __mmask16 escapes = 0;
    for (int v = 0; v < kVectors; ++v) {
      __m512i smallest = _mm512_set1_epi32(*tables.smallest);
      __m512i size = _mm512_set1_epi32(static_cast<int>(*tables.sizes));
      __m512i first = _mm512_setzero_si512();
      if constexpr (Several) {
        const __m512i table = load_tables(work.pattern + kLanes * v);
        smallest = gather(table, tables.smallest);
        size = gather(table, tables.sizes);
        first = gather(table, tables.first_entry);
      }
      const __m512i place =
          _mm512_sub_epi32(_mm512_loadu_si512(work.symbols + kLanes * v), smallest);
      const __m512i entry = _mm512_add_epi32(_mm512_min_epu32(place, size), first);
      entries[v] = gather(entry, tables.entries);
      reciprocals[v] = gather(entry, tables.reciprocals);
      escapes |= _mm512_movepi32_mask(entries[v]);
    }
    if (escapes != 0) {
      break;
    }
    for (int v = kVectors - 1; v >= 0; --v) {
      const __m512i frequency = frequency_of(entries[v]);
      // States of frequency · 2^(32 − precision) and more would overflow. Where that is 2^32, the
      // comparison is with 2^32 − 1, which holds for none.
      const __m512i most = _mm512_sub_epi32(_mm512_sll_epi32(frequency, headroom), one);
      const __mmask16 full = _mm512_cmpgt_epu32_mask(states[v], most);
      const int count = __builtin_popcount(full);
      next -= 2 * count;
      _mm256_mask_storeu_epi16(next, static_cast<__mmask16>((1U << count) - 1),
                               _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(full, states[v])));
      const __m512i state = _mm512_mask_srli_epi32(states[v], full, states[v], 16);
      // The product with the rounded reciprocal is the quotient or one less.
      __m512i quotient = multiply_high(state, reciprocals[v]);
      __m512i rest = _mm512_sub_epi32(state, _mm512_mullo_epi32(quotient, frequency));
      const __mmask16 less = _mm512_cmpge_epu32_mask(rest, frequency);
      quotient = _mm512_mask_add_epi32(quotient, less, quotient, one);
      rest = _mm512_mask_sub_epi32(rest, less, rest, frequency);
      states[v] = _mm512_add_epi32(_mm512_sll_epi32(quotient, precision),
                                   _mm512_add_epi32(rest, start_of(entries[v])));
    }
    work.symbols -= kVectors * kLanes;
    if constexpr (Several) {
      work.pattern -= kVectors * kLanes;
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    _mm512_storeu_si512(work.states + kLanes * v, states[v]);
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

constexpr Kernels kKernels{"avx512", decode, encode};

}  // namespace

const Kernels* avx512_kernels() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has ? &kKernels : nullptr;
}

}  // namespace imgcomp::codec::lanes

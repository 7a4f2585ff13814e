// rANS in interleaved lanes: symbol i belongs to lane i % lanes, and all lanes share one sequence
// of 16-bit words. States lie in 2^16 … 2^32 − 1.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/lanes/kernels.h"
#include "imgcomp/codec/symbol_coder.h"

namespace imgcomp::codec::lanes {

// The narrow form has as many lanes as a processor without vectors needs to be busy; the wide form
// has a whole number of vectors of any instruction set.
inline constexpr int kNarrow = 2, kWide = 32;

// The number of lanes, 1 byte; their states, 4 bytes each; then the words, all little endian. There
// are kNarrow or kWide lanes; the wide form is written and read by `kernels`, where they are not
// null, to the same bytes. About `expected` bytes are to come.
std::vector<uint8_t> encode(const CodingTables& coding, const TablePattern& pattern,
                            std::span<const int32_t> symbols, uint64_t first, int lanes,
                            size_t expected, const Kernels* kernels = best_kernels());
// The stream without its first byte.
void decode(const CodingTables& coding, const TablePattern& pattern,
            std::span<const uint8_t> stream, std::span<int32_t> symbols, uint64_t first, int lanes,
            const Kernels* kernels = best_kernels());

}  // namespace imgcomp::codec::lanes

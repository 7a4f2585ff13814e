// Loops over whole steps of the wide form, for one instruction set each. A step is one symbol of
// each of the 32 lanes.
//
// Nothing here is more than data: the files that include it are compiled for different processors,
// and a function that they shared might end up compiled for the wrong one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace imgcomp::codec::lanes {

// The tables as CodingTables has them. With one table for all symbols, `pattern` is null and every
// pointer is to that table's own.
struct TablePointers {
  const uint32_t* entries;
  const uint32_t* reciprocals;
  const uint16_t* slots;
  const uint32_t* first_entry;
  const int32_t* smallest;
  const uint32_t* sizes;
  int precision;
};

// Both stop before the first step that has an escape, which is left to the caller, and return how
// many steps they did.
struct DecodeSteps {
  TablePointers tables;
  const uint16_t* pattern;  // of the first step's first symbol, as far as all steps reach
  uint32_t* states;
  const uint8_t* next;  // the next word; at least 64 bytes must lie before `end` at each step, else
  const uint8_t* end;   // the kernel stops as well
  int32_t* symbols;
  size_t steps;
};
struct EncodeSteps {
  TablePointers tables;
  const uint16_t* pattern;  // of the last step's first symbol; steps go backwards from there
  uint32_t* states;
  uint8_t* next;           // words are written below; 64 bytes for each step must be there
  const int32_t* symbols;  // of the last step's first symbol
  size_t steps;
};

struct Kernels {
  const char* name;
  size_t (*decode)(DecodeSteps& work);
  size_t (*encode)(EncodeSteps& work);
};

// Null where they were not compiled or the processor cannot run them.
const Kernels* avx512_kernels();
const Kernels* avx2_kernels();

// The fastest of them, or null. The environment variable IMGCOMP_ENTROPY_CODER takes avx2, or none
// for the loops of any processor, for tests and comparisons.
const Kernels* best_kernels();

}  // namespace imgcomp::codec::lanes

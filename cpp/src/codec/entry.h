// One entry of the coding tables, unpacked, and where a symbol finds its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "imgcomp/codec/frequency_tables.h"

namespace imgcomp::codec {

struct Entry {
  uint32_t start, frequency;
  bool is_escape;

  explicit Entry(uint32_t packed)
      : start(packed & 0xFFFF),
        frequency((packed >> 16) & 0x7FFF),
        is_escape((packed & CodingTables::kEscapeFlag) != 0) {}
};

// The entry's number among all; that of the escape where the table does not have the symbol.
inline size_t entry_of(const CodingTables& coding, uint32_t table, int32_t symbol) {
  const uint32_t place =
      static_cast<uint32_t>(symbol) - static_cast<uint32_t>(coding.smallest[table]);
  const uint32_t size = coding.sizes[table];
  return size_t{coding.first_entry[table]} + (place < size ? place : size);
}

// CodecError: the table has neither the symbol nor an escape.
[[noreturn]] void refuse_symbol(const CodingTables& coding, uint32_t table, int32_t symbol);

}  // namespace imgcomp::codec

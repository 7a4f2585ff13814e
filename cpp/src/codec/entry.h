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

// The place in its table of the entry that a slot belongs to. Of many tables the slots are not in
// the caches: there the search goes on from the first entry of a bucket, mostly no step far.
inline uint32_t place_of(const CodingTables& coding, uint32_t table, uint32_t slot) {
  if (coding.buckets.empty()) {
    return coding.slots[(size_t{table} << coding.precision) + slot];
  }
  const uint32_t bucket = slot >> (coding.precision - CodingTables::kBucketBits);
  uint32_t place = coding.buckets[(size_t{table} << CodingTables::kBucketBits) + bucket];
  const uint32_t* entries = coding.entries.data() + coding.first_entry[table];
  const uint32_t last =
      coding.sizes[table];  // the escape's; without one it begins behind the slots
  while (place < last && Entry(entries[place + 1]).start <= slot) {
    ++place;
  }
  return place;
}

// CodecError: the table has neither the symbol nor an escape.
[[noreturn]] void refuse_symbol(const CodingTables& coding, uint32_t table, int32_t symbol);

}  // namespace imgcomp::codec

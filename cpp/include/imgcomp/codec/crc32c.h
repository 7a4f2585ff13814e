// CRC-32C (Castagnoli), the check sum of iSCSI, ext4 and others.
#pragma once

#include <cstdint>
#include <span>

namespace imgcomp::codec {

// The sum of the bytes, going on from that of the bytes before them, or from 0. With the
// processor's own instruction where there is one.
uint32_t crc32c(std::span<const uint8_t> bytes, uint32_t before = 0);

// The same by tables, on any processor.
uint32_t crc32c_portable(std::span<const uint8_t> bytes, uint32_t before = 0);

}  // namespace imgcomp::codec

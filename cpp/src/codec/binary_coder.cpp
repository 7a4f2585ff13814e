#include "imgcomp/codec/binary_coder.h"

#include <algorithm>
#include <array>

#include "imgcomp/error.h"

namespace imgcomp::codec {
namespace {

constexpr int64_t kMaxContexts = int64_t{1} << 24;

// The slow estimate averages over up to 128 bits, the quick one over 16.
constexpr uint32_t kSlowest = 128, kQuickest = 16;

// Of 65536, after so many bits: the estimate of Krichevsky and Trofimov, 1 / (seen + 2), as long as
// that is larger than the final rate.
constexpr std::array<uint32_t, kSlowest - 1> kRates = [] {
  std::array<uint32_t, kSlowest - 1> rates{};
  for (uint32_t seen = 0; seen < rates.size(); ++seen) {
    rates[seen] = 65536 / (seen + 2);
  }
  return rates;
}();

uint16_t moved(uint32_t estimate, bool bit, uint32_t rate) {
  return static_cast<uint16_t>(bit ? estimate + (((65536 - estimate) * rate) >> 16)
                                   : estimate - ((estimate * rate) >> 16));
}

std::vector<AdaptiveBit> fresh(int64_t contexts) {
  if (contexts < 0 || contexts > kMaxContexts) {
    throw UsageError(concat("contexts must lie in 0 … ", kMaxContexts, ", not ", contexts));
  }
  return std::vector<AdaptiveBit>(static_cast<size_t>(contexts));
}

void check_contexts(std::span<const int32_t> contexts, size_t bits, size_t count) {
  if (contexts.size() != bits) {
    throw UsageError(concat("each bit needs a context: there are ", bits, " bits, ",
                            contexts.size(), " contexts"));
  }
  for (const int32_t context : contexts) {
    if (context < 0 || static_cast<size_t>(context) >= count) {
      throw UsageError(
          concat("contexts must lie in 0 … ", static_cast<int64_t>(count) - 1, ", got ", context));
    }
  }
}

void check_raw(int bits) {
  if (bits < 1 || bits > 32) {
    throw UsageError(concat("raw values have 1 … 32 bits, not ", bits));
  }
}

}  // namespace

void AdaptiveBit::update(bool bit) {
  const uint32_t rate = kRates[seen_];
  quick_ = moved(quick_, bit, std::max(rate, 65536 / kQuickest));
  slow_ = moved(slow_, bit, rate);
  if (seen_ + size_t{1} < kRates.size()) {
    ++seen_;
  }
}

BinaryEncoder::BinaryEncoder(int64_t contexts) : contexts_(fresh(contexts)) {}

void BinaryEncoder::encode(std::span<const uint8_t> bits, std::span<const int32_t> contexts) {
  check_contexts(contexts, bits.size(), contexts_.size());
  for (size_t i = 0; i < bits.size(); ++i) {
    AdaptiveBit& context = contexts_[static_cast<size_t>(contexts[i])];
    const bool bit = bits[i] != 0;
    coder_.encode_bit(bit, context.one());
    context.update(bit);
  }
}

void BinaryEncoder::encode_raw(std::span<const uint32_t> values, int bits) {
  check_raw(bits);
  for (const uint32_t value : values) {
    if (bits > 16) {
      coder_.encode((value >> 16) & ((1U << (bits - 16)) - 1), 1, bits - 16);
    }
    const int low = std::min(bits, 16);
    coder_.encode(value & ((1U << low) - 1), 1, low);
  }
}

void BinaryEncoder::end_part() {
  marks_.push_back(coder_.mark());
}

BinaryEncoder::Stream BinaryEncoder::finish() {
  Stream stream{coder_.finish(), {}};
  for (const RangeEncoder::Mark& mark : marks_) {
    stream.parts.push_back(static_cast<int64_t>(cut_at(mark, stream.bytes)));
  }
  marks_.clear();
  std::fill(contexts_.begin(), contexts_.end(), AdaptiveBit());
  return stream;
}

BinaryDecoder::BinaryDecoder(std::span<const uint8_t> stream, int64_t contexts)
    : coder_(stream), contexts_(fresh(contexts)) {}

void BinaryDecoder::decode(std::span<const int32_t> contexts, std::span<uint8_t> bits) {
  check_contexts(contexts, bits.size(), contexts_.size());
  for (size_t i = 0; i < bits.size(); ++i) {
    AdaptiveBit& context = contexts_[static_cast<size_t>(contexts[i])];
    const bool bit = coder_.decode_bit(context.one());
    context.update(bit);
    bits[i] = bit ? 1 : 0;
  }
}

void BinaryDecoder::decode_raw(int bits, std::span<uint32_t> values) {
  check_raw(bits);
  for (uint32_t& value : values) {
    const uint32_t high = bits > 16 ? coder_.raw(bits - 16) : 0;
    value = (high << 16) | coder_.raw(std::min(bits, 16));
  }
}

}  // namespace imgcomp::codec

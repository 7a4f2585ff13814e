#include "imgcomp/codec/binary_coder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "imgcomp/error.h"

using namespace imgcomp;
using namespace imgcomp::codec;

namespace {

using Bytes = std::vector<uint8_t>;

}  // namespace

TEST_CASE("adaptive probabilities by hand") {
  AdaptiveBit bit;
  CHECK(bit.one() == 32768);
  bit.update(true);
  CHECK(bit.one() == 49152);  // (1 + ½) / 2
  bit.update(false);
  CHECK(bit.one() == 32769);  // 49152 − ⌊49152 · 21845 / 65536⌋
  for (int i = 0; i < 5000; ++i) {
    bit.update(true);
  }
  CHECK(bit.one() == 65465);
  for (int i = 0; i < 5000; ++i) {
    bit.update(false);
  }
  CHECK(bit.one() == 71);
}

TEST_CASE("bits by hand") {
  BinaryEncoder encoder(1);
  CHECK(encoder.finish().bytes.empty());
  // A context is as likely 1 as 0 at first; ones lie below.
  encoder.encode(Bytes{0}, std::vector<int32_t>{0});
  CHECK(encoder.finish().bytes == Bytes{0x80});
  encoder.encode(Bytes{1}, std::vector<int32_t>{0});
  CHECK(encoder.finish().bytes.empty());
  encoder.encode_raw(std::vector<uint32_t>{0x1234ABCD, 5}, 32);
  CHECK(encoder.finish().bytes == Bytes{0x12, 0x34, 0xAB, 0xCD, 0, 0, 0, 5});
  encoder.encode_raw(std::vector<uint32_t>{0xFFFFFFF5}, 4);
  CHECK(encoder.finish().bytes == Bytes{0x50});

  CHECK_THROWS_AS(encoder.encode(Bytes{1}, std::vector<int32_t>{1}), UsageError);
  CHECK_THROWS_AS(encoder.encode(Bytes{1}, std::vector<int32_t>{-1}), UsageError);
  CHECK_THROWS_AS(encoder.encode(Bytes{1, 0}, std::vector<int32_t>{0}), UsageError);
  CHECK_THROWS_AS(encoder.encode_raw(std::vector<uint32_t>{1}, 33), UsageError);
  CHECK_THROWS_AS(encoder.encode_raw(std::vector<uint32_t>{1}, 0), UsageError);
  CHECK_THROWS_AS(BinaryEncoder(-1), UsageError);
}

TEST_CASE("each part is a prefix that decodes by itself, and no shorter one does") {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const int64_t contexts = 1 + random() % 4;
    BinaryEncoder encoder(contexts);
    const size_t parts = 1 + random() % 6;
    const uint32_t skew = 1 + random() % 40;
    std::vector<Bytes> bits(parts);
    std::vector<std::vector<int32_t>> numbers(parts);
    for (size_t part = 0; part < parts; ++part) {
      const size_t count = random() % 60;
      for (size_t i = 0; i < count; ++i) {
        bits[part].push_back(random() % skew == 0 ? 1 : 0);
        numbers[part].push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(contexts)));
      }
      encoder.encode(bits[part], numbers[part]);
      encoder.end_part();
    }
    const BinaryEncoder::Stream stream = encoder.finish();
    CHECK(stream.parts.size() == parts);
    CHECK(std::is_sorted(stream.parts.begin(), stream.parts.end()));
    CHECK(stream.parts.back() == static_cast<int64_t>(stream.bytes.size()));
    for (size_t last = 0; last < parts; ++last) {
      const auto length = static_cast<size_t>(stream.parts[last]);
      for (const size_t given : {length, length - 1}) {
        if (given > length) {
          continue;
        }
        BinaryDecoder decoder{std::span(stream.bytes).first(given), contexts};
        bool equal = true;
        for (size_t part = 0; part <= last; ++part) {
          Bytes found(bits[part].size());
          decoder.decode(numbers[part], found);
          equal = equal && found == bits[part];
        }
        CHECK(equal == (given == length));
      }
    }
  }
}

TEST_CASE("where a stream was cut, what is certain is right") {
  std::mt19937 random(2);
  BinaryEncoder encoder(1);
  Bytes bits(4000);
  for (uint8_t& bit : bits) {
    bit = random() % 5 == 0 ? 1 : 0;
  }
  const std::vector<int32_t> contexts(bits.size());
  encoder.encode(bits, contexts);
  const Bytes stream = encoder.finish().bytes;
  for (size_t length = 0; length < stream.size(); length += 7) {
    BinaryDecoder decoder{std::span(stream).first(length), 1};
    size_t certain = 0;
    for (; certain < bits.size(); ++certain) {
      Bytes found(1);
      decoder.decode(std::span(contexts).first(1), found);
      if (!decoder.is_certain()) {
        break;
      }
      CHECK(found[0] == bits[certain]);
    }
    // Within two bytes of what the length is worth at 0.72 bits each.
    CHECK(static_cast<double>(certain) * 0.75 / 8 >= static_cast<double>(length) * 0.9 - 6);
  }
}

TEST_CASE("adaptive contexts come close to the entropy") {
  std::mt19937 random(3);
  const std::vector<double> likely{0.5, 0.1, 0.02};
  BinaryEncoder encoder(3);
  Bytes bits;
  std::vector<int32_t> contexts;
  double entropy = 0.0;
  for (int i = 0; i < 60000; ++i) {
    const int context = i % 3;
    const double p = likely[static_cast<size_t>(context)];
    bits.push_back(std::generate_canonical<double, 32>(random) < p ? 1 : 0);
    contexts.push_back(context);
    entropy -= std::log2(bits.back() != 0 ? p : 1 - p);
  }
  encoder.encode(bits, contexts);
  const Bytes stream = encoder.finish().bytes;
  CHECK(static_cast<double>(stream.size()) < entropy / 8 * 1.03);
  BinaryDecoder decoder(stream, 3);
  Bytes found(bits.size());
  decoder.decode(contexts, found);
  CHECK(found == bits);
  CHECK(decoder.at_end());
}

TEST_CASE("raw values between adaptive bits") {
  BinaryEncoder encoder(1);
  const std::vector<uint32_t> values{0, 1, 0xFFFFFFFF, 0x80000000, 77};
  const Bytes bits{1, 0, 0, 0, 0, 1, 0, 0, 0, 0};
  const std::vector<int32_t> contexts(bits.size());
  for (const int size : {1, 7, 16, 17, 32}) {
    encoder.encode(bits, contexts);
    encoder.encode_raw(values, size);
    encoder.encode(bits, contexts);
    const Bytes stream = encoder.finish().bytes;
    BinaryDecoder decoder(stream, 1);
    Bytes found(bits.size());
    std::vector<uint32_t> numbers(values.size());
    decoder.decode(contexts, found);
    CHECK(found == bits);
    decoder.decode_raw(size, numbers);
    for (size_t i = 0; i < values.size(); ++i) {
      CHECK(numbers[i] == (values[i] & (0xFFFFFFFFU >> (32 - size))));
    }
    decoder.decode(contexts, found);
    CHECK(found == bits);
    CHECK(decoder.at_end());
  }
}

#include "imgcomp/codec/range_coder.h"

#include <doctest/doctest.h>

using namespace imgcomp::codec;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes digits(const std::vector<uint32_t>& values, int bits) {
  RangeEncoder encoder;
  for (const uint32_t value : values) {
    encoder.encode(value, 1, bits);
  }
  return encoder.finish();
}

}  // namespace

TEST_CASE("equal parts are digits of the stream") {
  CHECK(digits({}, 8).empty());
  CHECK(digits({0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 1}, 8) ==
        Bytes{0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 1});
  CHECK(digits({0xABCD, 0, 0}, 16) == Bytes{0xAB, 0xCD});
  CHECK(digits({1, 0, 1}, 1) == Bytes{0xA0});
}

TEST_CASE("the fewest bytes of an interval") {
  RangeEncoder encoder;
  encoder.encode(0, 1, 2);  // 0 … ¼
  CHECK(encoder.finish().empty());
  encoder.encode(5, 4, 4);  // 5/16 … 9/16: the lower end has one byte already
  CHECK(encoder.finish() == Bytes{0x50});
  encoder.encode(0x1FF, 2, 12);  // 0x1FF0 … 0x2010
  CHECK(encoder.finish() == Bytes{0x20});
}

TEST_CASE("a carry runs through bytes that are already out") {
  RangeEncoder encoder;
  for (const uint32_t value : {0x12FF, 0xFFFF, 0xFFFF, 0xFFFF}) {
    encoder.encode(value, 1, 16);
  }
  encoder.encode(65535, 1, 16);
  const Bytes all = encoder.finish();
  CHECK(all == Bytes{0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});

  // From just below 0x13 to just above it, then the upper half: only 0x13 is left.
  encoder.encode(0x12FF, 2, 16);
  for (int i = 0; i < 40; ++i) {
    encoder.encode(32767, 2, 16);  // around the middle, again and again
  }
  encoder.encode(1, 1, 1);
  const Bytes middle = encoder.finish();
  CHECK(middle == Bytes{0x13});
  RangeDecoder decoder(middle);
  CHECK(decoder.find(16) == 0x1300);
}

TEST_CASE("decoding gives parts, and says whether the stream was just that") {
  RangeEncoder encoder;
  encoder.encode(3, 5, 4);
  encoder.encode_bit(true, 100);
  encoder.encode_bit(false, 65000);
  encoder.encode(700, 1, 10);
  const Bytes stream = encoder.finish();
  const auto ends = [](const Bytes& bytes) {
    RangeDecoder decoder(bytes);
    const uint32_t part = decoder.find(4);
    decoder.take(3, 5);
    const bool first = decoder.decode_bit(100), second = decoder.decode_bit(65000);
    const bool is_right = part >= 3 && part < 8 && first && !second && decoder.raw(10) == 700;
    return is_right && decoder.at_end();
  };
  CHECK(ends(stream));
  Bytes longer = stream;
  longer.push_back(0);
  CHECK(!ends(longer));
  longer.back() = 1;
  CHECK(!ends(longer));
  CHECK(!ends(Bytes(stream.begin(), stream.end() - 1)));
  CHECK(!ends({}));
}

TEST_CASE("where a finished stream may be cut") {
  RangeEncoder encoder;
  encoder.encode(0xAB, 1, 8);
  const RangeEncoder::Mark first = encoder.mark();
  encoder.encode(0, 1, 16);
  const RangeEncoder::Mark second = encoder.mark();
  encoder.encode(0xCD, 1, 8);
  const Bytes stream = encoder.finish();
  CHECK(stream == Bytes{0xAB, 0, 0, 0xCD});
  CHECK(cut_at(first, stream) == 1);
  CHECK(cut_at(second, stream) == 1);
}

TEST_CASE("what is certain of a stream that goes on somehow") {
  const Bytes stream{0xAB, 0xCD};
  RangeDecoder decoder(stream);
  CHECK(decoder.raw(8) == 0xAB);
  CHECK(decoder.is_certain());
  CHECK(decoder.raw(8) == 0xCD);
  CHECK(decoder.is_certain());
  decoder.raw(1);
  CHECK(!decoder.is_certain());
}

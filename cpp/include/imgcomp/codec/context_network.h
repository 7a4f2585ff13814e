// What a latent value's mean and scale are likely to be, given those decoded before it, by a small
// network in whole numbers: every machine finds the same ones, however many threads it has and
// whatever its instruction set. docs/bitstream.md specifies it.
//
// A latent (C, H, W) is coded in two passes for each group of channels: first the places where row
// + column is even (the anchors), then the others. What a pass knows are all groups before its own,
// and in the second pass also its own anchors.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace imgcomp::codec {

// One layer's weights: units of 2^−bits.
struct ContextLayer {
  std::vector<int16_t> weights;
  int bits = 0;
};

struct ContextGroup {
  int64_t size = 0;      // channels
  ContextLayer earlier;  // (kernel, kernel, first, hidden), `first` channels before the group's own
  ContextLayer anchors;  // (kernel, kernel, size, hidden), in the same units
  ContextLayer between;  // (hidden, hidden), from the first axis to the second
  ContextLayer last;     // (hidden, 2 · size): means, then logarithms of scales
  // Of layers two and three, in the units of their sums.
  std::vector<int32_t> between_bias, last_bias;
};

struct ContextSettings {
  int64_t hidden = 0;
  int64_t kernel = 0;       // odd
  int64_t mean_bins = 1;    // a power of two: parts of a unit that the mean is rounded down to
  int64_t scale_bins = 1;   // tables for the scales
  int64_t least_scale = 0;  // logarithm of the smallest scale, in units of 1/256
  int64_t scale_step = 1;   // from one bin to the next, in units of 1/256
};

// The planes of one latent, (C, H, W).
struct LatentSize {
  int64_t height = 0, width = 0;
};

class ContextNetwork {
 public:
  // Symbols beyond ±kMostSeen look like these to the network.
  static constexpr int32_t kMostSeen = 127;
  // Values between layers have 8 binary places and at most 16 bits.
  static constexpr int kPlaces = 8;
  static constexpr int32_t kMostBetween = 32767;

  // UsageError where sizes do not fit, or a sum could overflow 32 bits.
  ContextNetwork(ContextSettings settings, std::vector<ContextGroup> groups);

  int64_t channels() const { return channels_; }
  int64_t hidden() const { return settings_.hidden; }
  int64_t groups() const { return static_cast<int64_t>(groups_.size()); }
  int64_t passes() const { return 2 * groups(); }
  int64_t tables() const { return settings_.scale_bins * settings_.mean_bins; }
  // Channels of a pass, from the first to behind the last.
  int64_t first_channel(int64_t pass) const;
  int64_t end_channel(int64_t pass) const;
  // Places of a pass in a plane.
  static int64_t places(int64_t pass, const LatentSize& size) {
    return (size.height * size.width + 1 - pass % 2) / 2;
  }

  // For each channel and place of the pass, in this order and rows before columns: by which table
  // it goes, and what is to be added to the table's symbol. `symbols` is the latent, of which only
  // what the pass knows is read; `bias` (groups, 2, hidden) are the first layer's biases, of the
  // anchors and of the others, in units of the first layer.
  void predict(std::span<const int32_t> symbols, const LatentSize& size, int64_t pass,
               std::span<const int32_t> bias, std::span<int32_t> tables,
               std::span<int32_t> offsets) const;

  // UsageError where such biases could make a sum overflow.
  void check_bias(std::span<const int32_t> bias) const;

 private:
  struct Group {
    int64_t first = 0, size = 0;
    int shift = 0, between_shift = 0, last_shift = 0;  // from sums to values between layers
    // As the layers above, widened once.
    std::vector<int32_t> earlier{}, anchors{}, between{}, last{}, between_bias{}, last_bias{};
    std::vector<int64_t> reach{};  // of the first layer without bias: the largest sum of each unit
  };

  ContextSettings settings_;
  int64_t channels_ = 0;
  std::vector<Group> groups_;
};

}  // namespace imgcomp::codec

#include "imgcomp/codec/context_network.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <utility>

#include "clones.h"
#include "imgcomp/error.h"

namespace imgcomp::codec {
namespace {

constexpr int64_t kMostSum = std::numeric_limits<int32_t>::max();
constexpr int kMostBits = 24;
constexpr int kSlopeBits = 3;  // leaky relu: a negative value times 1/8, rounded down

// Rows of weights and what each is multiplied by.
struct Terms {
  std::vector<const int32_t*> rows;
  std::vector<int32_t> factors;

  void clear() {
    rows.clear();
    factors.clear();
  }
  void add(const int32_t* row, int32_t factor) {
    if (factor != 0) {
      rows.push_back(row);
      factors.push_back(factor);
    }
  }
};

// sums[i] += Σ factors[k] · rows[k][i]
IMGCOMP_CLONES void add_terms(int32_t* __restrict sums, const int32_t* const* rows,
                              const int32_t* factors, size_t terms, int64_t count) {
  size_t k = 0;
  for (; k + 4 <= terms; k += 4) {
    const int32_t* __restrict a = rows[k];
    const int32_t* __restrict b = rows[k + 1];
    const int32_t* __restrict c = rows[k + 2];
    const int32_t* __restrict d = rows[k + 3];
    const int32_t p = factors[k], q = factors[k + 1], r = factors[k + 2], s = factors[k + 3];
    for (int64_t i = 0; i < count; ++i) {
      sums[i] += p * a[i] + q * b[i] + r * c[i] + s * d[i];
    }
  }
  for (; k < terms; ++k) {
    const int32_t* __restrict a = rows[k];
    const int32_t p = factors[k];
    for (int64_t i = 0; i < count; ++i) {
      sums[i] += p * a[i];
    }
  }
}

void add_terms(std::vector<int32_t>& sums, const Terms& terms) {
  add_terms(sums.data(), terms.rows.data(), terms.factors.data(), terms.rows.size(),
            static_cast<int64_t>(sums.size()));
}

// From sums to the next layer's input: shifted, clamped, and leaky relu.
IMGCOMP_CLONES void activate(int32_t* values, int shift, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const int32_t value =
        std::clamp(values[i] >> shift, -ContextNetwork::kMostBetween, ContextNetwork::kMostBetween);
    values[i] = value < 0 ? value >> kSlopeBits : value;
  }
}

void check_layer(const ContextLayer& layer, int64_t size, int least_bits, const char* name) {
  if (static_cast<int64_t>(layer.weights.size()) != size) {
    throw UsageError(concat("the layer '", name, "' of a context network must have ", size,
                            " weights, not ", layer.weights.size()));
  }
  if (layer.bits < least_bits || layer.bits > kMostBits) {
    throw UsageError(concat("the layer '", name, "' of a context network must have ", least_bits,
                            " to ", kMostBits, " binary places, not ", layer.bits));
  }
}

// For each of `units` outputs of a dense layer, Σ |weight| · most over its inputs.
std::vector<int64_t> reach(std::span<const int16_t> weights, int64_t units, int64_t most) {
  std::vector<int64_t> sums(static_cast<size_t>(units), 0);
  for (size_t i = 0; i < weights.size(); ++i) {
    sums[i % static_cast<size_t>(units)] += most * std::abs(int64_t{weights[i]});
  }
  return sums;
}

void check_reach(const std::vector<int64_t>& reach, std::span<const int32_t> bias,
                 const char* name) {
  if (bias.size() != reach.size()) {
    throw UsageError(concat("the layer '", name, "' of a context network must have ", reach.size(),
                            " biases, not ", bias.size()));
  }
  for (size_t i = 0; i < reach.size(); ++i) {
    if (reach[i] + std::abs(int64_t{bias[i]}) > kMostSum) {
      throw UsageError(concat("a sum of the layer '", name,
                              "' of a context network could be larger than 32 bits hold"));
    }
  }
}

std::vector<int32_t> widened(const std::vector<int16_t>& weights) {
  return {weights.begin(), weights.end()};
}

}  // namespace

ContextNetwork::ContextNetwork(ContextSettings settings, std::vector<ContextGroup> groups)
    : settings_(settings) {
  const auto [hidden, kernel, mean_bins, scale_bins, least_scale, scale_step] = settings_;
  constexpr int64_t kMostHidden = 4096;
  constexpr int64_t kMostKernel = 31;
  constexpr int64_t kMostTables = 65536;
  constexpr int64_t kMostMeanBins = 1 << kPlaces;
  constexpr int64_t kMostScale = 1 << 20;
  if (hidden < 1 || hidden > kMostHidden || kernel < 1 || kernel > kMostKernel || kernel % 2 == 0 ||
      groups.empty()) {
    throw UsageError(concat("a context network of ", groups.size(), " groups, ", hidden,
                            " hidden channels and a kernel of ", kernel));
  }
  if (mean_bins < 1 || mean_bins > kMostMeanBins ||
      !std::has_single_bit(static_cast<uint64_t>(mean_bins)) || scale_bins < 1 ||
      scale_bins > kMostTables / mean_bins || scale_step < 1 || scale_step > kMostScale ||
      std::abs(least_scale) > kMostScale) {
    throw UsageError(concat("a context network of ", mean_bins, " bins for means and ", scale_bins,
                            " for scales from ", least_scale, " in steps of ", scale_step));
  }
  for (ContextGroup& given : groups) {
    if (given.size < 1 || given.size > kMostHidden) {
      throw UsageError(concat("a group of ", given.size, " channels"));
    }
    Group group{.first = channels_, .size = given.size};
    const int64_t taps = kernel * kernel;
    check_layer(given.earlier, taps * group.first * hidden, kPlaces, "earlier");
    check_layer(given.anchors, taps * group.size * hidden, kPlaces, "anchors");
    check_layer(given.between, hidden * hidden, 0, "between");
    check_layer(given.last, hidden * 2 * group.size, 0, "last");
    if (given.earlier.bits != given.anchors.bits) {
      throw UsageError("'earlier' and 'anchors' of a group must have the same binary places");
    }
    group.reach = reach(given.earlier.weights, hidden, kMostSeen);
    const std::vector<int64_t> own = reach(given.anchors.weights, hidden, kMostSeen);
    for (size_t i = 0; i < own.size(); ++i) {
      group.reach[i] += own[i];
    }
    check_reach(reach(given.between.weights, hidden, kMostBetween), given.between_bias, "between");
    check_reach(reach(given.last.weights, 2 * group.size, kMostBetween), given.last_bias, "last");
    group.shift = given.anchors.bits - kPlaces;
    group.between_shift = given.between.bits;
    group.last_shift = given.last.bits;
    group.earlier = widened(given.earlier.weights);
    group.anchors = widened(given.anchors.weights);
    group.between = widened(given.between.weights);
    group.last = widened(given.last.weights);
    group.between_bias = std::move(given.between_bias);
    group.last_bias = std::move(given.last_bias);
    channels_ += group.size;
    groups_.push_back(std::move(group));
  }
}

int64_t ContextNetwork::first_channel(int64_t pass) const {
  return groups_.at(static_cast<size_t>(pass / 2)).first;
}

int64_t ContextNetwork::end_channel(int64_t pass) const {
  const Group& group = groups_.at(static_cast<size_t>(pass / 2));
  return group.first + group.size;
}

void ContextNetwork::check_bias(std::span<const int32_t> bias) const {
  const auto hidden = static_cast<size_t>(settings_.hidden);
  if (bias.size() != 2 * groups_.size() * hidden) {
    throw UsageError(concat("the first layers of a context network have ",
                            2 * groups_.size() * hidden, " biases, not ", bias.size()));
  }
  for (size_t pass = 0; pass < 2 * groups_.size(); ++pass) {
    check_reach(groups_[pass / 2].reach, bias.subspan(pass * hidden, hidden), "earlier");
  }
}

void ContextNetwork::predict(std::span<const int32_t> symbols, const LatentSize& size, int64_t pass,
                             std::span<const int32_t> bias, std::span<int32_t> tables,
                             std::span<int32_t> offsets) const {
  const Group& group = groups_[static_cast<size_t>(pass / 2)];
  const int64_t parity = pass % 2;
  const auto [height, width] = size;
  const int64_t hidden = settings_.hidden, radius = settings_.kernel / 2;
  const int64_t plane = height * width, count = places(pass, size);
  const int64_t mean_step = (int64_t{1} << kPlaces) / settings_.mean_bins;
  std::vector<int32_t> first(static_cast<size_t>(hidden)), second(first.size());
  std::vector<int32_t> found(static_cast<size_t>(2 * group.size));
  const int32_t* own_bias = bias.data() + pass * hidden;

  Terms terms;
  const auto see = [&](const int32_t* weights, int64_t channel, int64_t at) {
    terms.add(weights, std::clamp(symbols[static_cast<size_t>(channel * plane + at)], -kMostSeen,
                                  kMostSeen));
  };
  const auto dense = [&](const std::vector<int32_t>& input, const std::vector<int32_t>& weights,
                         std::vector<int32_t>& output) {
    terms.clear();
    for (size_t i = 0; i < input.size(); ++i) {
      terms.add(weights.data() + i * output.size(), input[i]);
    }
    add_terms(output, terms);
  };
  int64_t place = 0;
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t column = (row + parity) % 2; column < width; column += 2, ++place) {
      std::copy_n(own_bias, hidden, first.begin());
      terms.clear();
      for (int64_t y = std::max<int64_t>(0, row - radius); y <= std::min(height - 1, row + radius);
           ++y) {
        for (int64_t x = std::max<int64_t>(0, column - radius);
             x <= std::min(width - 1, column + radius); ++x) {
          const int64_t tap = (y - row + radius) * settings_.kernel + x - column + radius;
          const int64_t at = y * width + x;
          const int32_t* weights = group.earlier.data() + tap * group.first * hidden;
          for (int64_t channel = 0; channel < group.first; ++channel) {
            see(weights + channel * hidden, channel, at);
          }
          if (parity == 1 && (y + x) % 2 == 0) {
            weights = group.anchors.data() + tap * group.size * hidden;
            for (int64_t channel = 0; channel < group.size; ++channel) {
              see(weights + channel * hidden, group.first + channel, at);
            }
          }
        }
      }
      add_terms(first, terms);
      activate(first.data(), group.shift, hidden);
      std::copy(group.between_bias.begin(), group.between_bias.end(), second.begin());
      dense(first, group.between, second);
      activate(second.data(), group.between_shift, hidden);
      std::copy(group.last_bias.begin(), group.last_bias.end(), found.begin());
      dense(second, group.last, found);
      for (int64_t channel = 0; channel < group.size; ++channel) {
        const int64_t mean = found[static_cast<size_t>(channel)] >> group.last_shift;
        const int64_t scale = found[static_cast<size_t>(group.size + channel)] >> group.last_shift;
        // The mean to the nearest whole number, and where in the unit around that it lies.
        const int64_t half = int64_t{1} << (kPlaces - 1);
        const int64_t whole = (mean + half) >> kPlaces;
        const int64_t mean_bin = (mean + half - (whole << kPlaces)) / mean_step;
        const int64_t scale_bin = std::clamp<int64_t>(
            (std::max(scale, settings_.least_scale) - settings_.least_scale) / settings_.scale_step,
            0, settings_.scale_bins - 1);
        const auto to = static_cast<size_t>(channel * count + place);
        tables[to] = static_cast<int32_t>(scale_bin * settings_.mean_bins + mean_bin);
        offsets[to] = static_cast<int32_t>(whole);
      }
    }
  }
}

}  // namespace imgcomp::codec

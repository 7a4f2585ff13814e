#include "imgcomp/codec/context_network.h"

#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <utility>

#include "imgcomp/error.h"

using namespace imgcomp;
using namespace imgcomp::codec;

namespace {

using Numbers = std::vector<int32_t>;

struct Found {
  Numbers tables, offsets;
  bool operator==(const Found&) const = default;
};

Found predicted(const ContextNetwork& network, const Numbers& symbols, LatentSize size,
                int64_t pass, const Numbers& bias) {
  const auto count = static_cast<size_t>((network.end_channel(pass) - network.first_channel(pass)) *
                                         ContextNetwork::places(pass, size));
  Found found{Numbers(count, -7), Numbers(count, -7)};
  network.predict(symbols, size, pass, bias, found.tables, found.offsets);
  return found;
}

constexpr ContextSettings kTiny{.hidden = 1,
                                .kernel = 3,
                                .mean_bins = 4,
                                .scale_bins = 3,
                                .least_scale = -100,
                                .scale_step = 30};

// One channel, one unit. Of the windows only what lies beside, above and below counts: a place that
// is no anchor has no anchor at its corners, and does not see itself.
ContextGroup tiny_group() {
  ContextGroup group;
  group.size = 1;
  group.earlier = {{}, 9};
  group.anchors = {{999, 7, 999, 512, 999, 100, 999, -60, 999}, 9};
  group.between = {{4}, 2};
  group.last = {{6, -2}, 1};
  group.between_bias = {0};
  group.last_bias = {10, 0};
  return group;
}

const Numbers kTinyBias{128, -64};

ContextNetwork random_network(uint32_t seed, const std::vector<int64_t>& sizes, int64_t hidden,
                              int64_t kernel) {
  std::mt19937 random(seed);
  const auto weights = [&](int64_t count) {
    std::vector<int16_t> found;
    for (int64_t i = 0; i < count; ++i) {
      found.push_back(static_cast<int16_t>(static_cast<int32_t>(random() % 401) - 200));
    }
    return found;
  };
  const auto biases = [&](int64_t count) {
    Numbers found;
    for (int64_t i = 0; i < count; ++i) {
      found.push_back(static_cast<int32_t>(random() % 20001) - 10000);
    }
    return found;
  };
  std::vector<ContextGroup> groups;
  int64_t first = 0;
  for (const int64_t size : sizes) {
    const int64_t taps = kernel * kernel * hidden;
    ContextGroup group;
    group.size = size;
    group.earlier = {weights(taps * first), 9};
    group.anchors = {weights(taps * size), 9};
    group.between = {weights(hidden * hidden), 6};
    group.last = {weights(hidden * 2 * size), 6};
    group.between_bias = biases(hidden);
    group.last_bias = biases(2 * size);
    groups.push_back(std::move(group));
    first += size;
  }
  return ContextNetwork({.hidden = hidden,
                         .kernel = kernel,
                         .mean_bins = 8,
                         .scale_bins = 64,
                         .least_scale = -1024,
                         .scale_step = 40},
                        std::move(groups));
}

void refused(const std::function<void(ContextSettings&, std::vector<ContextGroup>&)>& change,
             const char* message) {
  ContextSettings settings = kTiny;
  std::vector<ContextGroup> groups{tiny_group()};
  change(settings, groups);
  CHECK_THROWS_WITH_AS(ContextNetwork(settings, groups), message, UsageError);
}

}  // namespace

TEST_CASE("passes have half of the places each") {
  const ContextNetwork network = random_network(1, {2, 1, 3}, 4, 3);
  CHECK(network.channels() == 6);
  CHECK(network.passes() == 6);
  CHECK(network.tables() == 512);
  const std::vector<std::pair<int64_t, int64_t>> channels{{0, 2}, {0, 2}, {2, 3},
                                                          {2, 3}, {3, 6}, {3, 6}};
  for (int64_t pass = 0; pass < 6; ++pass) {
    CHECK(network.first_channel(pass) == channels[static_cast<size_t>(pass)].first);
    CHECK(network.end_channel(pass) == channels[static_cast<size_t>(pass)].second);
  }
  const auto places = [](int64_t height, int64_t width) {
    return std::pair(ContextNetwork::places(0, {height, width}),
                     ContextNetwork::places(1, {height, width}));
  };
  CHECK(places(1, 1) == std::pair<int64_t, int64_t>(1, 0));
  CHECK(places(1, 4) == std::pair<int64_t, int64_t>(2, 2));
  CHECK(places(2, 3) == std::pair<int64_t, int64_t>(3, 3));
  CHECK(places(3, 3) == std::pair<int64_t, int64_t>(5, 4));
}

TEST_CASE("means and scales by hand") {
  const ContextNetwork network(kTiny, {tiny_group()});
  // Anchors know nothing: 128 >> 1 = 64; 64 · 4 >> 2 = 64; the mean (64 · 6 + 10) >> 1 = 197 is
  // 1 − 59/256, in the second quarter of its unit (69 of 256); the scale 64 · −2 >> 1 = −64 is 36
  // above the least.
  const Numbers symbols{2, 55, -1, 55, 3, 55};  // 2×3, anchors 2, −1 and 3
  CHECK(predicted(network, symbols, {2, 3}, 0, kTinyBias) == Found{{5, 5, 5}, {1, 1, 1}});
  // (0, 1): −64 + 2 · 512 − 100 − 3 · 60 = 680 → 340; mean 1025 → 4, 129 of 256; scale −340.
  // (1, 0): −64 + 2 · 7 + 3 · 100 = 250 → 125; mean 380 → 1, 252 of 256; scale −125.
  // (1, 2): −64 − 7 + 3 · 512 = 1465 → 732; mean 2201 → 9 at −103, which is 25 of 256; scale −732.
  CHECK(predicted(network, symbols, {2, 3}, 1, kTinyBias) == Found{{2, 3, 0}, {4, 1, 9}});
  // (1, 0): −64 − 2 · 7 − 3 · 100 = −378 → −189 → an eighth, −24; −24 · 4 >> 2 → −3; mean
  // −8 >> 1 = −4 → 0, 124 of 256; scale 6 >> 1 = 3, 103 above the least: beyond the last bin.
  const Numbers others{-2, 55, -1, 55, -3, 55};
  const Found found = predicted(network, others, {2, 3}, 1, kTinyBias);
  CHECK(found.tables[1] == 9);
  CHECK(found.offsets[1] == 0);
}

TEST_CASE("what a network sees and passes on is cut off") {
  const ContextNetwork network(kTiny, {tiny_group()});
  const auto at_left = [&](int32_t symbol) {
    return predicted(network, {symbol, 0}, {1, 2}, 1, kTinyBias);
  };
  CHECK(at_left(127) == at_left(128));
  CHECK(at_left(127) == at_left(2'000'000'000));
  CHECK(at_left(126) != at_left(127));
  CHECK(at_left(-127) == at_left(-2'000'000'000));
  // −64 + 127 · 512 = 64960 → 32480 of at most 32767, then as it is: mean (194880 + 10) >> 1.
  CHECK(at_left(127) == Found{{(97445 + 128) % 256 / 64}, {(97445 + 128) / 256}});
  // A bias of 1000 more would lead to 32980, but 32767 is the most: mean (196602 + 10) >> 1.
  CHECK(predicted(network, {127, 0}, {1, 2}, 1, {128, 936}) ==
        Found{{(98306 + 128) % 256 / 64}, {(98306 + 128) / 256}});
}

TEST_CASE("a place sees what is known by then, and only that") {
  std::mt19937 random(5);
  const ContextNetwork network = random_network(3, {2, 1, 2}, 5, 3);
  const Numbers bias(30, 40);
  for (const LatentSize size : {LatentSize{3, 5}, LatentSize{4, 4}, LatentSize{1, 3}}) {
    const int64_t plane = size.height * size.width;
    Numbers symbols(static_cast<size_t>(5 * plane));
    for (int32_t& symbol : symbols) {
      symbol = static_cast<int32_t>(random() % 41) - 20;
    }
    for (int64_t pass = 0; pass < network.passes(); ++pass) {
      const Found before = predicted(network, symbols, size, pass, bias);
      for (size_t at = 0; at < symbols.size(); ++at) {
        const auto channel = static_cast<int64_t>(at) / plane,
                   place = static_cast<int64_t>(at) % plane;
        const bool anchor = (place / size.width + place % size.width) % 2 == 0;
        const bool known = channel < network.first_channel(pass) ||
                           (pass % 2 == 1 && channel < network.end_channel(pass) && anchor);
        Numbers changed = symbols;
        changed[at] += changed[at] > 0 ? -60 : 60;
        CHECK((predicted(network, changed, size, pass, bias) == before) == !known);
      }
    }
  }
}

TEST_CASE("only the window counts") {
  const ContextNetwork network = random_network(4, {1, 1}, 6, 3);
  const Numbers bias(24, 0);
  Numbers symbols(2 * 25, 1);
  const Found before = predicted(network, symbols, {5, 5}, 2, bias);
  symbols[0] = 90;  // the first corner of the channel before
  const Found after = predicted(network, symbols, {5, 5}, 2, bias);
  for (size_t place = 0; place < 13; ++place) {
    const bool near = place == 0 || place == 3;  // (0, 0) and (1, 1)
    const bool same = before.tables[place] == after.tables[place] &&
                      before.offsets[place] == after.offsets[place];
    CHECK(same == !near);
  }
}

TEST_CASE("a sum that could leave 32 bits is refused") {
  const char* const between =
      "a sum of the layer 'between' of a context network could be larger than 32 bits hold";
  const auto wide = [](int32_t bias) {
    return [bias](ContextSettings& settings, std::vector<ContextGroup>& groups) {
      settings.hidden = 2;
      groups[0].anchors.weights.assign(18, 0);
      groups[0].between = {{32767, 0, -32767, 0}, 0};
      groups[0].between_bias = {bias, 0};
      groups[0].last = {{0, 0, 0, 0}, 0};
    };
  };
  // 2 · 32767 · 32767 = 2147352578, and 131069 more are 2^31 − 1.
  ContextSettings settings = kTiny;
  std::vector<ContextGroup> groups{tiny_group()};
  wide(131'069)(settings, groups);
  CHECK_NOTHROW(ContextNetwork(settings, groups));
  wide(-131'069)(settings, groups);
  CHECK_NOTHROW(ContextNetwork(settings, groups));
  refused(wide(131'070), between);
  refused(wide(-131'070), between);
  refused(wide(std::numeric_limits<int32_t>::min()), between);
  refused([](ContextSettings&,
             std::vector<ContextGroup>& all) { all[0].last_bias = {0, 2'147'450'000}; },
          "a sum of the layer 'last' of a context network could be larger than 32 bits hold");
  // The first layer's biases come with the quality. Its weights sum up to 999 · 5 + 679 = 5674, and
  // 5674 · 127 = 720598.
  const ContextNetwork network(kTiny, {tiny_group()});
  CHECK_NOTHROW(network.check_bias(Numbers{2'146'763'049, -2'146'763'049}));
  for (const int32_t bias : {2'146'763'050, -2'146'763'050, std::numeric_limits<int32_t>::min()}) {
    CHECK_THROWS_AS(network.check_bias(Numbers{bias, 0}), UsageError);
    CHECK_THROWS_AS(network.check_bias(Numbers{0, bias}), UsageError);
  }
  // A second group has weights for the first one as well: 900 more, so 6574 · 127 = 834898.
  ContextGroup second = tiny_group();
  second.earlier.weights.assign(9, -100);
  const ContextNetwork two(kTiny, {tiny_group(), second});
  CHECK_NOTHROW(two.check_bias(Numbers{2'146'763'049, 0, 2'146'648'749, -2'146'648'749}));
  CHECK_THROWS_AS(two.check_bias(Numbers{0, 0, 2'146'648'750, 0}), UsageError);
  CHECK_THROWS_AS(two.check_bias(Numbers{0, 0, 0, -2'146'648'750}), UsageError);
  CHECK_THROWS_WITH_AS(network.check_bias(Numbers{0, 0, 0}),
                       "the first layers of a context network have 2 biases, not 3", UsageError);
}

TEST_CASE("settings and weights that do not fit are refused") {
  using Groups = std::vector<ContextGroup>;
  refused([](ContextSettings& s, Groups&) { s.hidden = 0; },
          "a context network of 1 groups, 0 hidden channels and a kernel of 3");
  refused([](ContextSettings& s, Groups&) { s.kernel = 4; },
          "a context network of 1 groups, 1 hidden channels and a kernel of 4");
  refused([](ContextSettings&, Groups& g) { g.clear(); },
          "a context network of 0 groups, 1 hidden channels and a kernel of 3");
  refused([](ContextSettings& s, Groups&) { s.mean_bins = 3; },
          "a context network of 3 bins for means and 3 for scales from -100 in steps of 30");
  refused([](ContextSettings& s, Groups&) { s.mean_bins = 512; },
          "a context network of 512 bins for means and 3 for scales from -100 in steps of 30");
  refused([](ContextSettings& s, Groups&) { s.scale_bins = 16385; },
          "a context network of 4 bins for means and 16385 for scales from -100 in steps of 30");
  refused([](ContextSettings& s, Groups&) { s.scale_step = 0; },
          "a context network of 4 bins for means and 3 for scales from -100 in steps of 0");
  refused([](ContextSettings&, Groups& g) { g[0].size = 0; }, "a group of 0 channels");
  refused([](ContextSettings&, Groups& g) { g[0].anchors.weights.pop_back(); },
          "the layer 'anchors' of a context network must have 9 weights, not 8");
  refused([](ContextSettings&, Groups& g) { g[0].earlier.weights.push_back(1); },
          "the layer 'earlier' of a context network must have 0 weights, not 1");
  refused([](ContextSettings&, Groups& g) { g[0].last.weights.push_back(1); },
          "the layer 'last' of a context network must have 2 weights, not 3");
  refused([](ContextSettings&, Groups& g) { g[0].between_bias.clear(); },
          "the layer 'between' of a context network must have 1 biases, not 0");
  refused([](ContextSettings&, Groups& g) { g[0].anchors.bits = 7; },
          "the layer 'anchors' of a context network must have 8 to 24 binary places, not 7");
  refused([](ContextSettings&, Groups& g) { g[0].last.bits = 25; },
          "the layer 'last' of a context network must have 0 to 24 binary places, not 25");
  refused([](ContextSettings&, Groups& g) { g[0].between.bits = -1; },
          "the layer 'between' of a context network must have 0 to 24 binary places, not -1");
  refused([](ContextSettings&, Groups& g) { g[0].earlier.bits = 10; },
          "'earlier' and 'anchors' of a group must have the same binary places");
}

TEST_CASE("many units are as each by itself") {
  // Every unit of the hidden layers is a copy, so that sums are multiples: whatever vectors there
  // are, and whatever is left over behind them.
  const Numbers symbols{3, -4, 5, 6, -7, 8, 9, 10, -11};
  for (const int64_t hidden : {1, 3, 4, 7, 8, 16, 17, 33, 96}) {
    const auto units = static_cast<size_t>(hidden);
    ContextGroup group = tiny_group();
    const std::vector<int16_t> window = group.anchors.weights;
    group.anchors.weights.clear();
    for (const int16_t weight : window) {
      group.anchors.weights.insert(group.anchors.weights.end(), units, weight);
    }
    group.between.weights.assign(units * units, 0);
    group.last.weights.assign(2 * units, 0);
    for (size_t i = 0; i < units; ++i) {
      group.between.weights[i * units + (i + 1) % units] = 4;
    }
    group.between_bias.assign(units, 0);
    group.last.weights[2 * (units - 1)] = 6;
    group.last.weights[2 * (units / 2) + 1] = -2;
    ContextSettings settings = kTiny;
    settings.hidden = hidden;
    const ContextNetwork network(settings, {group}), one(kTiny, {tiny_group()});
    Numbers bias(units, 128);
    bias.insert(bias.end(), units, -64);
    for (const int64_t pass : {0, 1}) {
      CHECK(predicted(network, symbols, {3, 3}, pass, bias) ==
            predicted(one, symbols, {3, 3}, pass, kTinyBias));
    }
  }
}

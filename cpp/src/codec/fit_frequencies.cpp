// Integer frequencies that cost the fewest bits for given counts.
//
// The bits are a sum of convex functions, one for each frequency. Where no unit can move from one
// frequency to another with a gain, the sum is therefore as small as it can be.
#include <algorithm>
#include <bit>
#include <queue>

#include "imgcomp/codec/frequency_tables.h"
#include "imgcomp/error.h"

namespace imgcomp::codec {
namespace {

// Counts of 40 bits times logarithms of 33 bits.
__extension__ typedef unsigned __int128 uint128;

constexpr int kPlaces = 32;
constexpr int64_t kMaxCount = int64_t{1} << 40;

// What one unit more or less is worth to a symbol, at the frequency that it had when this was
// written down.
struct Offer {
  uint128 bits;
  size_t symbol;
  uint32_t frequency;
};

struct BestFirst {
  bool operator()(const Offer& a, const Offer& b) const {
    return a.bits != b.bits ? a.bits < b.bits : a.symbol > b.symbol;
  }
};
struct CheapestFirst {
  bool operator()(const Offer& a, const Offer& b) const {
    return a.bits != b.bits ? a.bits > b.bits : a.symbol > b.symbol;
  }
};

class Fit {
 public:
  Fit(std::span<const int64_t> counts, int precision)
      : counts_(counts), total_(uint32_t{1} << precision), frequencies_(counts.size()) {
    uint128 sum = 0;
    for (const int64_t count : counts) {
      sum += static_cast<uint64_t>(count);
    }
    uint64_t given = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      const auto share = static_cast<uint32_t>(static_cast<uint128>(counts[i]) * total_ / sum);
      frequencies_[i] = std::max<uint32_t>(1, share);
      given += frequencies_[i];
    }
    for (size_t i = 0; i < counts.size(); ++i) {
      offer(i);
    }
    for (; given < total_; ++given) {
      raise(top(raises_));
    }
    for (; given > total_; --given) {
      lower(top(lowers_));
    }
  }

  std::vector<uint32_t> run() {
    while (!empty(raises_) && !empty(lowers_)) {
      const Offer gain = top(raises_), loss = top(lowers_);
      if (gain.bits <= loss.bits || gain.symbol == loss.symbol) {
        break;
      }
      raise(gain);
      lower(loss);
    }
    return frequencies_;
  }

 private:
  uint128 step(size_t symbol, uint32_t frequency) const {
    const uint64_t bits = integer_log2(frequency + 1, kPlaces) - integer_log2(frequency, kPlaces);
    return static_cast<uint128>(counts_[symbol]) * bits;
  }
  void offer(size_t symbol) {
    const uint32_t frequency = frequencies_[symbol];
    raises_.push({step(symbol, frequency), symbol, frequency});
    if (frequency > 1) {
      lowers_.push({step(symbol, frequency - 1), symbol, frequency});
    }
  }
  void raise(const Offer& offered) {
    ++frequencies_[offered.symbol];
    offer(offered.symbol);
  }
  void lower(const Offer& offered) {
    --frequencies_[offered.symbol];
    offer(offered.symbol);
  }
  // Offers stay in the queues when a frequency changes; the outdated ones are dropped here.
  template <class Queue>
  bool empty(Queue& queue) const {
    while (!queue.empty() && queue.top().frequency != frequencies_[queue.top().symbol]) {
      queue.pop();
    }
    return queue.empty();
  }
  template <class Queue>
  Offer top(Queue& queue) const {
    empty(queue);
    return queue.top();
  }

  std::span<const int64_t> counts_;
  uint32_t total_;
  std::vector<uint32_t> frequencies_;
  std::priority_queue<Offer, std::vector<Offer>, BestFirst> raises_;
  std::priority_queue<Offer, std::vector<Offer>, CheapestFirst> lowers_;
};

}  // namespace

uint64_t integer_log2(uint64_t value, int places) {
  const int whole = std::bit_width(value) - 1;
  uint64_t result = static_cast<uint64_t>(whole);
  // value / 2^whole in 1 … 2, with 63 binary places; each squaring brings out one place more.
  uint64_t mantissa = value << (63 - whole);
  for (int i = 0; i < places; ++i) {
    const auto square = static_cast<uint128>(mantissa) * mantissa;
    const bool above_two = (square >> 127) != 0;
    mantissa = static_cast<uint64_t>(square >> (above_two ? 64 : 63));
    result = (result << 1) | (above_two ? 1 : 0);
  }
  return result;
}

std::vector<uint32_t> fit_frequencies(std::span<const int64_t> counts, int precision) {
  if (precision < 1 || precision > FrequencyTables::kMaxPrecision) {
    throw UsageError(
        concat("precision must lie in 1 … ", FrequencyTables::kMaxPrecision, ", not ", precision));
  }
  if (counts.empty() || counts.size() > size_t{1} << precision) {
    throw UsageError(concat("a table of precision ", precision, " has 1 … ", 1 << precision,
                            " entries, not ", counts.size()));
  }
  bool any = false;
  for (const int64_t count : counts) {
    if (count < 0 || count > kMaxCount) {
      throw UsageError(concat("counts must lie in 0 … 2^40, not ", count));
    }
    any = any || count != 0;
  }
  const std::vector<int64_t> equal(any ? 0 : counts.size(), 1);
  return Fit(any ? counts : equal, precision).run();
}

FrequencyTable fit_table(std::span<const int64_t> counts, int32_t smallest,
                         std::optional<int64_t> escape, int precision) {
  std::vector<int64_t> all(counts.begin(), counts.end());
  if (escape) {
    all.push_back(*escape);
  }
  FrequencyTable table{smallest, fit_frequencies(all, precision), 0};
  if (escape) {
    table.escape = table.frequencies.back();
    table.frequencies.pop_back();
  }
  return table;
}

}  // namespace imgcomp::codec

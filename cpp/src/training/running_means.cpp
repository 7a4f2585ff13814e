#include "training/running_means.h"

#include <ATen/ops/stack.h>

#include <cmath>

namespace imgcomp {
namespace {

constexpr int64_t kGpuFlushInterval = 64;

}  // namespace

RunningMeans::RunningMeans(at::Device device, bool keep_values)
    : flush_interval_(device.is_cpu() ? 1 : kGpuFlushInterval), keep_values_(keep_values) {}

void RunningMeans::add(const ObjectiveResult& result, int64_t batch_size) {
  if (sums_.empty()) {
    sums_.push_back({"loss", false});
    for (const Metric& metric : result.metrics) {
      sums_.push_back({metric.name, metric.weight.defined()});
    }
  }
  Pending pending{{result.loss.detach()}, batch_size};
  for (const Metric& metric : result.metrics) {
    pending.scalars.push_back(metric.mean);
  }
  for (const Metric& metric : result.metrics) {
    if (metric.weight.defined()) {
      pending.scalars.push_back(metric.weight);
    }
  }
  pending_.push_back(std::move(pending));
}

int64_t RunningMeans::flush() {
  int64_t first_bad = 0;
  if (pending_.empty()) {
    return first_bad;
  }
  std::vector<at::Tensor> all;
  for (const Pending& pending : pending_) {
    for (const at::Tensor& scalar : pending.scalars) {
      all.push_back(scalar.to(at::kDouble));
    }
  }
  const at::Tensor host = at::stack(all).cpu();
  const auto* value = host.const_data_ptr<double>();
  for (const Pending& pending : pending_) {
    ++batches_;
    if (!std::isfinite(*value) && first_bad == 0) {
      first_bad = batches_;
    }
    const double* own_weight = value + sums_.size();
    for (Sum& sum : sums_) {
      const double weight = sum.weighted ? *own_weight++ : static_cast<double>(pending.batch_size);
      sum.total += *value * weight;
      sum.weight += weight;
      if (keep_values_) {
        values_[sum.name].push_back(*value);
        values_["running_" + sum.name].push_back(sum.mean());
      }
      ++value;
    }
    value = own_weight;
  }
  pending_.clear();
  return first_bad;
}

double RunningMeans::mean(const std::string& name) const {
  for (const Sum& sum : sums_) {
    if (sum.name == name) {
      return batches_ == 0 ? std::nan("") : sum.mean();
    }
  }
  return std::nan("");
}

std::map<std::string, double> RunningMeans::means() const {
  std::map<std::string, double> means;
  for (const Sum& sum : sums_) {
    means[sum.name] = sum.mean();
  }
  return means;
}

}  // namespace imgcomp

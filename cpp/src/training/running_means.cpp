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
  if (names_.empty()) {
    names_.emplace_back("loss");
    for (const auto& [name, value] : result.metrics) {
      names_.push_back(name);
    }
  }
  Pending pending{{result.loss.detach()}, batch_size};
  for (const auto& [name, value] : result.metrics) {
    pending.scalars.push_back(value);
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
    for (const std::string& name : names_) {
      sums_[name] += *value * static_cast<double>(pending.batch_size);
      if (keep_values_) {
        values_[name].push_back(*value);
      }
      ++value;
    }
    count_ += pending.batch_size;
  }
  pending_.clear();
  return first_bad;
}

double RunningMeans::mean(const std::string& name) const {
  const auto found = sums_.find(name);
  return found == sums_.end() || count_ == 0 ? std::nan("")
                                             : found->second / static_cast<double>(count_);
}

std::map<std::string, double> RunningMeans::means() const {
  std::map<std::string, double> means;
  for (const auto& [name, sum] : sums_) {
    means[name] = sum / static_cast<double>(count_);
  }
  return means;
}

}  // namespace imgcomp

// Means of named scalars over an epoch, each batch with its weight. On a GPU the scalars stay there
// for a while, so that the loop need not wait for each step.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "imgcomp/objective.h"

namespace imgcomp {

class RunningMeans {
 public:
  // keep_values: also remember every batch's scalars in values(), and as "running_NAME" the mean
  // of the epoch so far.
  RunningMeans(at::Device device, bool keep_values);

  void add(const ObjectiveResult& result, int64_t batch_size);

  // Brings everything to the host. Returns the 1-based number of the first batch whose loss is not
  // finite, or 0.
  int64_t flush();

  // Whether enough has gathered on the device to be worth a flush.
  bool due() const { return static_cast<int64_t>(pending_.size()) >= flush_interval_; }

  double mean(const std::string& name) const;
  std::map<std::string, double> means() const;
  const std::map<std::string, std::vector<double>>& values() const { return values_; }

 private:
  struct Pending {
    std::vector<at::Tensor> scalars;  // loss, then metrics, then the weights that are defined
    int64_t batch_size;
  };
  int64_t flush_interval_;
  bool keep_values_;
  struct Sum {
    std::string name;
    bool weighted;  // brings its own weights
    double total = 0.0, weight = 0.0;
    double mean() const { return weight > 0.0 ? total / weight : 0.0; }
  };
  std::vector<Sum> sums_;
  std::vector<Pending> pending_;
  std::map<std::string, std::vector<double>> values_;
  int64_t batches_ = 0;  // flushed
};

}  // namespace imgcomp

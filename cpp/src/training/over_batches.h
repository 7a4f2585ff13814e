// Images or codes through a network whose weights stay as they are, batch by batch on all threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "imgcomp/error.h"
#include "imgcomp/levels.h"
#include "imgcomp/trainer.h"
#include "training/scopes.h"
#include "training/workers.h"

namespace imgcomp {

inline at::Tensor index_range(int64_t begin, int64_t end, at::Device device) {
  return at::arange(begin, end, at::TensorOptions().dtype(at::kLong).device(device));
}

// What convolutions want their images in.
inline at::MemoryFormat layout(const Model& model) {
  return model.device().is_cpu() && model.has_convolutions() ? at::MemoryFormat::ChannelsLast
                                                             : at::MemoryFormat::Contiguous;
}

// As many rows as go through the network while what its layers give stays in a core's caches.
inline int64_t cached_at_once(const Model& model, int64_t most) {
  constexpr int64_t kBytes = int64_t{4} << 20;
  constexpr int64_t kLeast = 8;  // fewer are not worth their calls
  const int64_t bytes = static_cast<int64_t>(sizeof(float)) * model.activations();
  return model.device().is_cpu() ? std::clamp(kBytes / bytes, std::min(kLeast, most), most) : most;
}

// Calls `work` with each batch of `count` rows, from and to, and concatenates what comes back. On
// the CPU each thread takes batches by itself. slow: whether to look for Ctrl-C as often as a
// thread has done a batch.
template <class Work>
at::Tensor over_batches(const Model& model, int64_t count, int64_t batch_size,
                        const AfterBatch& after_batch, Work work, bool slow = false) {
  if (batch_size < 1) {
    throw UsageError(concat("batch_size must be at least 1, not ", batch_size));
  }
  batch_size = cached_at_once(model, batch_size);
  const int64_t batches = (count + batch_size - 1) / batch_size;
  std::vector<at::Tensor> results(static_cast<size_t>(batches));
  const int64_t threads = model.device().is_cpu() ? at::get_num_threads() : 1;
  Workers workers(std::min(threads, batches));
  // OpenMP's threads go on spinning for a while after a loop, in the workers' way.
  const ThreadScope alone(workers.active() ? 1 : 0);
  const NoTinyNumbersScope no_tiny_numbers;
  constexpr int64_t kRound = 64;
  const int64_t round = slow ? threads : kRound;  // batches between two looks for Ctrl-C
  for (int64_t first = 0; first < batches; first += round) {
    workers.run(std::min(round, batches - first), [&](int64_t part) {
      const at::AutoGradMode without_gradients(false);
      const int64_t begin = (first + part) * batch_size;
      results[static_cast<size_t>(first + part)] = work(begin, std::min(begin + batch_size, count));
    });
    if (after_batch) {
      after_batch();
    }
  }
  return at::cat(results);
}

inline void require_autoencoder(const Model& model) {
  if (model.spec().task != Task::autoencoder) {
    throw UsageError("only an autoencoder has a code; this is a classifier");
  }
}

// A context in which all of N images are at a place on the ladder of levels.
inline ForwardContext at_level(const Model& model, std::optional<double> level, int64_t images) {
  ForwardContext context;
  if (level) {
    const auto levels = static_cast<int64_t>(model.spec().lambdas.size());
    if (levels == 0 || !(*level >= 0.0 && *level <= static_cast<double>(levels - 1))) {
      throw UsageError(levels == 0
                           ? std::string("a network of one rate has no levels to choose")
                           : concat("the level must be 0 to ", levels - 1, ", not ", *level));
    }
    const at::Tensor places =
        at::full({images}, *level, at::TensorOptions(at::kFloat).device(model.device()));
    context.level_shares = level_shares(places, levels);
  }
  return context;
}

}  // namespace imgcomp

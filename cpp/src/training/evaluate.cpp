// Passes over a data set without training (declared in imgcomp/trainer.h).
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <limits>

#include "imgcomp/error.h"
#include "imgcomp/gather.h"
#include "imgcomp/levels.h"
#include "imgcomp/trainer.h"
#include "training/running_means.h"
#include "training/scopes.h"
#include "training/workers.h"

namespace imgcomp {
namespace {

at::Tensor index_range(int64_t begin, int64_t end, at::Device device) {
  return at::arange(begin, end, at::TensorOptions().dtype(at::kLong).device(device));
}

// What convolutions want their images in.
at::MemoryFormat layout(const Model& model) {
  return model.device().is_cpu() && model.has_convolutions() ? at::MemoryFormat::ChannelsLast
                                                             : at::MemoryFormat::Contiguous;
}

// Nothing is kept for a way back, so that more images fit than in training.
int64_t evaluated_at_once(const Model& model) {
  constexpr int64_t kMore = 4;
  const int64_t images = images_at_once(model);
  return images > std::numeric_limits<int64_t>::max() / kMore ? images : kMore * images;
}

// Runs the images through the network batch by batch and concatenates what `finish` makes of each
// output, on the images' own device.
template <class Finish>
at::Tensor map_batches(const Model& model, const at::Tensor& images, int64_t batch_size,
                       const AfterBatch& after_batch, Finish finish) {
  check_data({images, {}, {}}, model, "the");
  if (batch_size < 1) {
    throw UsageError(concat("batch_size must be at least 1, not ", batch_size));
  }
  const at::AutoGradMode without_gradients(false);
  std::vector<at::Tensor> results;
  ForwardContext context;
  batch_size = std::min(batch_size, evaluated_at_once(model));
  for (int64_t begin = 0; begin < images.size(0); begin += batch_size) {
    const int64_t end = std::min(begin + batch_size, images.size(0));
    // One batch at a time to the device: the data set may be larger than its memory.
    const BatchLoader loader({images.slice(0, begin, end), {}, {}}, model.spec(), model.device(),
                             layout(model));
    const Batch batch = loader.load(index_range(0, end - begin, model.device()));
    results.push_back(finish(model.forward(batch.input, context)).to(images.device()));
    if (after_batch) {
      after_batch();
    }
  }
  return at::cat(results);
}

// As many rows as go through the network while what its layers give stays in a core's caches.
int64_t cached_at_once(const Model& model, int64_t most) {
  constexpr int64_t kBytes = int64_t{4} << 20;
  constexpr int64_t kLeast = 8;  // fewer are not worth their calls
  const int64_t bytes = static_cast<int64_t>(sizeof(float)) * model.activations();
  return model.device().is_cpu() ? std::clamp(kBytes / bytes, std::min(kLeast, most), most) : most;
}

// Calls `work` with each batch of `count` rows, from and to, and concatenates what comes back. On
// the CPU each thread takes batches by itself.
template <class Work>
at::Tensor over_batches(const Model& model, int64_t count, int64_t batch_size,
                        const AfterBatch& after_batch, Work work) {
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
  constexpr int64_t kRound = 64;  // batches between two looks for Ctrl-C
  for (int64_t first = 0; first < batches; first += kRound) {
    workers.run(std::min(kRound, batches - first), [&](int64_t part) {
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

void require_autoencoder(const Model& model) {
  if (model.spec().task != Task::autoencoder) {
    throw UsageError("only an autoencoder has a code; this is a classifier");
  }
}

// A context in which all of N images are at a place on the ladder of levels.
ForwardContext at_level(const Model& model, std::optional<double> level, int64_t images) {
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

}  // namespace

at::Tensor encode_images(const Model& model, const at::Tensor& images, int64_t batch_size,
                         std::optional<double> level, bool rounds, const AfterBatch& after_batch) {
  require_autoencoder(model);
  check_data({images, {}, {}}, model, "the");
  return over_batches(
      model, images.size(0), batch_size, after_batch, [&](int64_t begin, int64_t end) {
        const BatchLoader loader({images.slice(0, begin, end), {}, {}}, model.spec(),
                                 model.device(), layout(model));
        const Batch batch = loader.load(index_range(0, end - begin, model.device()));
        ForwardContext context = at_level(model, level, end - begin);
        context.rounds = rounds;
        return model.encode(batch.input, context).to(images.device(), at::kFloat).contiguous();
      });
}

at::Tensor decode_codes(const Model& model, const at::Tensor& codes, int64_t batch_size,
                        std::optional<double> level, const AfterBatch& after_batch) {
  require_autoencoder(model);
  check_code(model, codes);
  return over_batches(model, codes.size(0), batch_size, after_batch,
                      [&](int64_t begin, int64_t end) {
                        at::Tensor some = codes.slice(0, begin, end).to(model.device(), at::kFloat);
                        if (some.dim() == 4) {
                          some = some.contiguous(layout(model));
                        }
                        ForwardContext context = at_level(model, level, end - begin);
                        return to_bytes(model.decode(some, context), model.spec().data_range)
                            .to(codes.device())
                            .contiguous();
                      });
}

std::map<std::string, double> evaluate(const Model& model, const BatchLoader& loader,
                                       const Objective& objective, int64_t batch_size,
                                       const AfterBatch& after_batch) {
  const at::AutoGradMode without_gradients(false);
  RunningMeans means(model.device(), false);
  ForwardContext context;
  bool collapsed = false;
  batch_size = std::min(batch_size, evaluated_at_once(model));
  for (int64_t begin = 0; begin < loader.size(); begin += batch_size) {
    const int64_t end = std::min(begin + batch_size, loader.size());
    const at::Tensor images = index_range(begin, end, model.device());
    const Batch batch = loader.load(images);
    if (const auto levels = static_cast<int64_t>(model.spec().lambdas.size()); levels > 0) {
      context.level_shares = level_shares(spread_places(images, levels), levels);
    }
    const ObjectiveResult result = objective(model, batch, context);
    means.add(result, end - begin);
    if (begin == 0) {
      collapsed = objective.has_collapsed(result, batch);
    }
    if (means.due()) {
      means.flush();
    }
    if (after_batch) {
      after_batch();
    }
  }
  means.flush();
  std::map<std::string, double> values = means.means();
  values["collapsed"] = collapsed ? 1.0 : 0.0;
  return values;
}

at::Tensor reconstruct(const Model& model, const at::Tensor& images, int64_t batch_size,
                       const AfterBatch& after_batch) {
  if (model.spec().task != Task::autoencoder) {
    throw UsageError("only an autoencoder reconstructs images; this is a classifier");
  }
  return map_batches(model, images, batch_size, after_batch, [&](const at::Tensor& output) {
    return to_bytes(output, model.spec().data_range).contiguous();
  });
}

at::Tensor predict(const Model& model, const at::Tensor& images, int64_t batch_size,
                   const AfterBatch& after_batch) {
  if (model.spec().task != Task::classifier) {
    throw UsageError("only a classifier predicts classes; this is an autoencoder");
  }
  return map_batches(model, images, batch_size, after_batch,
                     [](const at::Tensor& output) { return output.to(at::kFloat); });
}

}  // namespace imgcomp

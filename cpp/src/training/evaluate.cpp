// Passes over a data set without training (declared in imgcomp/trainer.h).
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <limits>

#include "imgcomp/error.h"
#include "imgcomp/gather.h"
#include "imgcomp/levels.h"
#include "imgcomp/trainer.h"
#include "training/over_batches.h"
#include "training/running_means.h"
#include "training/scopes.h"

namespace imgcomp {
namespace {

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
  const NoTinyNumbersScope no_tiny_numbers;
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
  const NoTinyNumbersScope no_tiny_numbers;
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

#include "imgcomp/trainer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "imgcomp/error.h"
#include "imgcomp/random.h"
#include "networks.h"

using namespace imgcomp;

namespace {

at::Tensor images(int64_t count = 10) {
  return at::randint(0, 256, {count, 1, 4, 4}, make_generator(at::kCPU, 1),
                     at::TensorOptions(at::kByte));
}

TrainerConfig quick() {
  TrainerConfig config;
  config.epochs = 3;
  config.batch_size = 4;
  config.threads = 1;
  return config;
}

bool same_weights(const Model& first, const Model& second) {
  for (const Parameter& parameter : first.parameters().all()) {
    if (!at::equal(parameter.tensor, second.parameters().find(parameter.name))) {
      return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a run has one value per epoch and column") {
  Model model(testing::dense_autoencoder(3), 0);
  const ImageData data{images(), {}, {}};
  Trainer trainer(model, data, data, quick());
  CHECK(trainer.steps_per_epoch() == 3);
  int epochs = 0;
  const auto outcome = trainer.run(
      [&](const Trainer& t) {
        ++epochs;
        return t.state().epoch == epochs;
      },
      {});
  CHECK(outcome == Trainer::Outcome::finished);
  CHECK(epochs == 3);
  for (const char* column : {"epoch", "loss", "psnr", "val_loss", "val_psnr", "lr", "seconds",
                             "val_seconds", "collapsed"}) {
    REQUIRE(trainer.state().history.count(column) == 1);
    CHECK(trainer.state().history.at(column).size() == 3);
  }
  CHECK(trainer.state().history.at("loss")[2] < trainer.state().history.at("loss")[0]);
}

TEST_CASE("a run goes on from a snapshot to the bit") {
  const ImageData data{images(), {}, {}};
  Model whole(testing::dense_autoencoder(3), 0), part(testing::dense_autoencoder(3), 0);
  Trainer(whole, data, {}, quick()).run({}, {});

  Trainer first(part, data, {}, quick());
  CHECK(first.run([](const Trainer&) { return false; }, {}) == Trainer::Outcome::stopped_early);
  const TrainerState state = first.snapshot();
  CHECK(state.epoch == 1);
  Trainer second(part, data, {}, quick());
  second.restore(state);
  second.run({}, {});
  CHECK(same_weights(whole, part));
}

TEST_CASE("a run of several rates goes on from a snapshot to the bit") {
  const ImageData data{images(), {}, {}};
  const NetworkSpec spec = testing::rated_autoencoder({10.0, 1000.0});
  TrainerConfig config = quick();
  config.objective = "rate+lambda*mse";
  Model whole(spec, 0), part(spec, 0);
  Trainer(whole, data, {}, config).run({}, {});
  // Both ends of the ladder were trained.
  const at::Tensor before = Model(spec, 0).parameters().find("encoder.code.log_gain");
  const at::Tensor after = whole.parameters().find("encoder.code.log_gain");
  for (const int64_t level : {0, 1}) {
    CHECK(!at::equal(after.select(0, level), before.select(0, level)));
  }

  Trainer first(part, data, {}, config);
  CHECK(first.run([](const Trainer&) { return false; }, {}) == Trainer::Outcome::stopped_early);
  const TrainerState state = first.snapshot();
  Trainer second(part, data, {}, config);
  second.restore(state);
  second.run({}, {});
  CHECK(same_weights(whole, part));
}

TEST_CASE("the monitored column's best epoch keeps its weights") {
  Model model(testing::dense_autoencoder(3), 0);
  const ImageData data{images(), {}, {}};
  TrainerConfig config = quick();
  config.monitor = "loss";
  config.learning_rate = 0.0;  // no epoch is better than the first, whatever the rounding
  config.shuffle = false;
  config.patience = 2;
  config.epochs = 9;
  Trainer trainer(model, data, {}, config);
  CHECK(trainer.run({}, {}) == Trainer::Outcome::stopped_early);
  CHECK(trainer.state().best_epoch == 1);
  CHECK(trainer.state().epoch == 3);
}

TEST_CASE("on_progress may abandon an epoch, which then leaves no trace in the history") {
  Model model(testing::dense_autoencoder(3), 0);
  TrainerConfig config = quick();
  config.batch_size = 1;
  config.epochs = 1'000'000;
  Trainer trainer(model, {images(500), {}, {}}, {}, config);
  int64_t epoch = 0;
  CHECK(trainer.run({}, [&](const StepProgress& progress) {
    epoch = progress.epoch;
    CHECK(progress.step >= 1);
    CHECK(progress.steps == 500);
    return false;
  }) == Trainer::Outcome::interrupted);
  CHECK(trainer.state().epoch == epoch - 1);
  for (const auto& [name, values] : trainer.state().history) {
    CHECK(values.size() == static_cast<size_t>(epoch - 1));
  }
}

TEST_CASE("divergence is named") {
  Model model(testing::dense_autoencoder(3), 0);
  Trainer trainer(model, {at::full({4, 1, 4, 4}, std::nan("")), {}, {}}, {}, quick());
  CHECK_THROWS_WITH_AS(trainer.run({}, {}),
                       "the loss is no longer finite in epoch 1, step 1 of 1; a smaller learning "
                       "rate or gradient clipping may help",
                       DivergedError);
}

TEST_CASE("the number of threads is put back") {
  const int before = at::get_num_threads();
  at::set_num_threads(2);
  Model model(testing::dense_autoencoder(3), 0);
  int inside = 0;
  Trainer(model, {images(), {}, {}}, {}, quick())
      .run(
          [&](const Trainer&) {
            inside = at::get_num_threads();
            return true;
          },
          {});
  CHECK(inside == 1);
  CHECK(at::get_num_threads() == 2);
  at::set_num_threads(before);
}

TEST_CASE("settings that make no sense are refused") {
  Model model(testing::dense_autoencoder(3), 0);
  const ImageData data{images(), {}, {}};
  const auto refused = [&](auto change) {
    TrainerConfig config = quick();
    change(config);
    CHECK_THROWS_AS(Trainer(model, data, {}, config), UsageError);
  };
  refused([](TrainerConfig& c) { c.epochs = 0; });
  refused([](TrainerConfig& c) { c.batch_size = 0; });
  refused([](TrainerConfig& c) { c.learning_rate = std::nan(""); });
  refused([](TrainerConfig& c) { c.gradient_clip = 0.0; });
  refused([](TrainerConfig& c) { c.patience = 1; });
  refused([](TrainerConfig& c) { c.monitor = "val_loss"; });
  refused([](TrainerConfig& c) { c.objective = "ssim"; });
  refused([](TrainerConfig& c) {
    c.drop_last = true;
    c.batch_size = 11;
  });
}

TEST_CASE("passes over a data set do not depend on the batch size") {
  const Model autoencoder(testing::dense_autoencoder(3), 0);
  const Model classifier(testing::dense_classifier(), 0);
  const at::Tensor all = images(7);
  const ImageData labelled{all, {}, at::arange(7, at::TensorOptions(at::kLong)) % 3};
  const BatchLoader loader(labelled, classifier.spec(), at::kCPU, at::MemoryFormat::Contiguous);
  const auto objective = make_objective("cross_entropy");
  const auto whole = evaluate(classifier, loader, *objective, 7);
  for (const int64_t batch_size : {1, 2, 7, 100}) {
    CHECK(at::equal(reconstruct(autoencoder, all, batch_size), reconstruct(autoencoder, all, 7)));
    CHECK(at::allclose(predict(classifier, all, batch_size), predict(classifier, all, 7)));
    const auto found = evaluate(classifier, loader, *objective, batch_size);
    CHECK(found.at("loss") == doctest::Approx(whole.at("loss")));
    CHECK(found.at("accuracy") == doctest::Approx(whole.at("accuracy")));
  }
  CHECK_THROWS_AS(reconstruct(classifier, all, 7), UsageError);
  CHECK_THROWS_AS(predict(autoencoder, all, 7), UsageError);
  CHECK_THROWS_AS(reconstruct(autoencoder, all, 0), UsageError);
}

TEST_CASE("codes and images at a level") {
  const Model model(testing::rated_autoencoder({1.0, 16.0, 256.0}), 0);
  const at::Tensor all = images(7);
  const at::Tensor middle = encode_images(model, all, 3);
  CHECK(at::equal(middle, encode_images(model, all, 7, 1.0)));
  CHECK(at::equal(decode_codes(model, middle, 2), reconstruct(model, all, 7)));
  // Gains 1, 4 and 16, and between them their geometric means: codes are multiples of a step.
  for (const auto& [level, gain] : {std::pair{0.0, 1.0}, {0.5, 2.0}, {1.0, 4.0}, {2.0, 16.0}}) {
    const at::Tensor steps = encode_images(model, all, 4, level) * gain;
    CHECK(at::allclose(steps, steps.round(), 0.0, 1e-4));
    CHECK(!at::allclose(steps / 2, (steps / 2).round(), 0.0, 1e-4));
  }
  CHECK_THROWS_WITH_AS(encode_images(model, all, 7, 2.5), "the level must be 0 to 2, not 2.5",
                       UsageError);
  CHECK_THROWS_AS(encode_images(model, all, 7, -0.5), UsageError);
  CHECK_THROWS_AS(decode_codes(model, middle, 7, std::nan("")), UsageError);
  const Model one(testing::rated_autoencoder({}), 0);
  CHECK_THROWS_WITH_AS(encode_images(one, all, 7, 0.0),
                       "a network of one rate has no levels to choose", UsageError);
}

TEST_CASE("a pass over a data set can be ended after any batch") {
  const Model model(testing::dense_autoencoder(3), 0);
  int batches = 0;
  CHECK_THROWS_AS(reconstruct(model, images(7), 2,
                              [&] {
                                if (++batches == 2) {
                                  throw UsageError("enough");
                                }
                              }),
                  UsageError);
  CHECK(batches == 2);
}

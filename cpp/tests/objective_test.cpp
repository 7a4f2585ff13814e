#include "imgcomp/objective.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/binary_cross_entropy.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include "imgcomp/error.h"
#include "imgcomp/metrics.h"
#include "networks.h"

using namespace imgcomp;

TEST_CASE("objectives are the losses of their names") {
  const Model model(testing::dense_autoencoder(3), 1);
  const Batch batch{at::rand({5, 1, 4, 4}), at::rand({5, 1, 4, 4}), {}};
  ForwardContext context;
  const at::Tensor output = model.forward(batch.input, context).detach();
  const std::map<std::string, at::Tensor> expected{
      {"mse", at::mse_loss(output, batch.target)},
      {"l1", at::l1_loss(output, batch.target)},
      {"bce", at::binary_cross_entropy(output, batch.target)},
  };
  for (const auto& [name, loss] : expected) {
    const ObjectiveResult result = (*make_objective(name))(model, batch, context);
    CHECK(at::allclose(result.loss, loss));
    CHECK(result.loss.requires_grad());
    CHECK(!result.output.requires_grad());
    REQUIRE(result.metrics.size() == 1);
    CHECK(result.metrics[0].name == "psnr");
    const at::Tensor mse = mse_per_image_8bit(output, batch.target, {0.0, 1.0});
    CHECK(at::allclose(result.metrics[0].mean, psnr_from_mse(mse, 255.0).mean()));
  }
}

TEST_CASE("cross-entropy counts what is right") {
  const Model model(testing::dense_classifier(), 1);
  const at::Tensor input = at::rand({5, 1, 4, 4});
  ForwardContext context;
  const at::Tensor logits = model.forward(input, context).detach();
  at::Tensor labels = logits.argmax(1);
  labels[0] = (labels[0] + 1) % 3;
  const ObjectiveResult result =
      (*make_objective("cross_entropy"))(model, {input, input, labels}, context);
  CHECK(at::allclose(result.loss, at::cross_entropy_loss(logits, labels)));
  CHECK(result.metrics[0].name == "accuracy");
  CHECK(result.metrics[0].mean.item<double>() == doctest::Approx(0.8));
}

TEST_CASE("lambda weighs each image's distortion by its own level") {
  const Model model(testing::rated_autoencoder({10.0, 1000.0}), 1);
  const Batch batch{at::rand({3, 1, 4, 4}), at::rand({3, 1, 4, 4}), {}};
  ForwardContext context;
  context.level_shares = at::tensor({1.0F, 0.0F, 0.5F, 0.5F, 0.0F, 1.0F}).view({3, 2});
  const at::Tensor lambdas = at::tensor({10.0F, 100.0F, 1000.0F});
  const at::Tensor output = model.forward(batch.input, context).detach();
  // In relation to the middle of the ladder, 100: a per cent of rate counts alike everywhere.
  const at::Tensor shares = (lambdas / 100.0).pow(-1.0 / 3.0);
  const at::Tensor bits = context.bits.detach() / 16;
  const at::Tensor error = output - batch.target;
  const at::Tensor squares = error.square().sum({1, 2, 3}) / 16;
  const at::Tensor distances = error.abs().sum({1, 2, 3}) / 16;
  const std::map<std::string, at::Tensor> expected{
      {"rate+lambda*mse", bits + lambdas * squares},
      {"lambda*mse", lambdas * squares},
      {"2*rate+lambda*l1", 2 * bits + lambdas * distances},
      {"rate+lambda*mse+7*l1", bits + lambdas * squares + 7 * distances},
  };
  for (const auto& [name, losses] : expected) {
    const auto objective = make_objective(name);
    CHECK_NOTHROW(objective->check(model, {batch.input, {}, {}}));
    const ObjectiveResult result = (*objective)(model, batch, context);
    CHECK(at::allclose(result.loss, (shares * losses).mean()));
    REQUIRE(result.metrics.size() == 2);
    CHECK(result.metrics[0].name == "bpp");
    CHECK(at::allclose(result.metrics[0].mean.to(at::kFloat), bits.mean()));
  }
  // With a level of its own each image has its own lambda, so that another order is another loss.
  context.level_shares = context.level_shares.flip(0);
  const ObjectiveResult turned = (*make_objective("lambda*mse"))(model, batch, context);
  CHECK(!at::allclose(turned.loss, (shares * lambdas * squares).mean()));
}

TEST_CASE("distortions are what the loss has of each image besides its bits") {
  const Model model(testing::rated_autoencoder({10.0, 1000.0}), 1);
  const at::Tensor target = at::rand({3, 1, 4, 4}), output = at::rand({3, 1, 4, 4});
  const Batch batch{target, target, {}};
  ForwardContext context;
  context.level_shares = at::tensor({1.0F, 0.0F, 0.5F, 0.5F, 0.0F, 1.0F}).view({3, 2});
  const at::Tensor error = output - target;
  const at::Tensor squares = error.square().sum({1, 2, 3}) / 16;
  const at::Tensor distances = error.abs().sum({1, 2, 3}) / 16;
  const at::Tensor lambdas = at::tensor({10.0F, 100.0F, 1000.0F});
  const std::map<std::string, at::Tensor> expected{
      {"rate+lambda*mse", lambdas * squares},
      {"2*rate+3*mse+lambda*l1", 3 * squares + lambdas * distances},
      {"rate", at::zeros({3})},
  };
  for (const auto& [name, losses] : expected) {
    CHECK(at::allclose(make_objective(name)->distortions(model, output, batch, context), losses));
  }
  for (const char* name : {"bce", "cross_entropy"}) {
    CHECK_THROWS_AS(make_objective(name)->distortions(model, output, batch, context), UsageError);
  }
}

TEST_CASE("a judge is a classifier of the same images") {
  const Model model(testing::rated_autoencoder({}), 1);
  const ImageData images{at::rand({2, 1, 4, 4}), {}, {}};
  CHECK_THROWS_WITH_AS(make_objective("judge")->check(model, images),
                       "the objective 'judge' needs a classifier that judges", UsageError);
  const auto no_classifier = std::make_shared<Model>(testing::rated_autoencoder({}), 1);
  CHECK_THROWS_AS(make_objective("judge", {}, no_classifier)->check(model, images), UsageError);
}

TEST_CASE("lambda is for networks of several rates and terms of each image") {
  const ImageData images{at::rand({2, 1, 4, 4}), {}, {}};
  const Model one(testing::rated_autoencoder({}), 1);
  CHECK_NOTHROW(make_objective("rate+3*mse")->check(one, images));
  CHECK_THROWS_WITH_AS(make_objective("rate+lambda*mse")->check(one, images),
                       "the objective 'rate+lambda*mse' needs a network of several rates, whose "
                       "spec has 'lambdas'",
                       UsageError);
  for (const char* name : {"lambda*rate", "lambda*bce", "lambda", "lambda*", "Lambda*mse",
                           "2*lambda*mse", "lambda*cross_entropy"}) {
    CHECK_THROWS_AS(make_objective(name), UsageError);
  }
}

TEST_CASE("objectives say which networks and data they are for") {
  const Model autoencoder(testing::dense_autoencoder(3), 1);
  const Model classifier(testing::dense_classifier(), 1);
  const ImageData images{at::rand({2, 1, 4, 4}), {}, {}};
  for (const std::string& name : objective_names()) {
    const bool for_classifiers = name == "cross_entropy";
    CHECK_THROWS_AS(make_objective(name)->check(for_classifiers ? autoencoder : classifier, images),
                    UsageError);
  }
  CHECK_NOTHROW(make_objective("bce")->check(autoencoder, images));
  CHECK_THROWS_AS(make_objective("bce")->check(autoencoder, {images.images * 3, {}, {}}),
                  UsageError);
  CHECK_THROWS_AS(make_objective("cross_entropy")->check(classifier, images), UsageError);
  CHECK_THROWS_AS(make_objective("ssim"), UsageError);
}

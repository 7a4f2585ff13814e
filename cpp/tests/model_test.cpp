#include "imgcomp/model.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>

#include "imgcomp/error.h"
#include "networks.h"

using namespace imgcomp;
using testing::dense_autoencoder;
using testing::layer;

TEST_CASE("a model counts its parameters and multiply-adds") {
  const Model model(dense_autoencoder(3), 0);
  CHECK(model.num_parameters() == 16 * 3 + 3 + 3 * 16 + 16);
  CHECK(model.multiply_adds() == 2 * 48);
  CHECK(model.part("encoder").output_shape() == Shape{3});
  CHECK(model.part("decoder").output_shape() == Shape{1, 4, 4});
  CHECK_THROWS_AS(model.part("classifier"), UsageError);
  CHECK(!model.has_convolutions());
  CHECK(model.summary().find("encoder.code") != std::string::npos);
}

TEST_CASE("a tied weight is one parameter") {
  NetworkSpec spec = dense_autoencoder(3);
  spec.parts[1].layers[0] = layer("dense", "out", {{"tied_to", std::string("encoder.code")}});
  const Model model(spec, 0);
  CHECK(model.num_parameters() == 16 * 3 + 3 + 16);
  CHECK(model.multiply_adds() == 2 * 48);
}

TEST_CASE("names are filled in and must differ") {
  NetworkSpec spec = dense_autoencoder(3);
  spec.parts[0].layers[0].name = "";
  const Model model(spec, 0);
  CHECK(model.spec().parts[0].layers[0].name == "flatten0");
  spec.parts[0].layers[0].name = "code";
  CHECK_THROWS_WITH_AS(Model(spec, 0), "two layers of part 'encoder' are named 'code'", SpecError);
}

TEST_CASE("a failing layer is named") {
  NetworkSpec spec = dense_autoencoder(3);
  spec.parts[1].layers[0].options["out_features"] = int64_t{15};
  CHECK_THROWS_WITH_AS(Model(spec, 0),
                       "decoder.image (reshape): cannot bring shape (15,) with 15 values to "
                       "(1, 4, 4) with 16",
                       SpecError);
}

TEST_CASE("the seed decides the weights") {
  const Model first(dense_autoencoder(3), 5), second(dense_autoencoder(3), 5),
      third(dense_autoencoder(3), 6);
  const at::Tensor x = at::ones({2, 1, 4, 4});
  ForwardContext context;
  CHECK(at::equal(first.forward(x, context), second.forward(x, context)));
  CHECK(!at::equal(first.forward(x, context), third.forward(x, context)));
  const at::Tensor code = first.run_part("encoder", x, context);
  CHECK(at::equal(first.run_part("decoder", code, context), first.forward(x, context)));
}

TEST_CASE("lambdas are two or more that rise, of an autoencoder of one pass") {
  const Model model(testing::rated_autoencoder({0.5, 2.0, 8.0}), 0);
  CHECK(model.spec().lambdas == std::vector<double>{0.5, 2.0, 8.0});
  CHECK(model.parameters().find("encoder.code.log_gain").sizes() == at::IntArrayRef{3, 2});
  CHECK(model.parameters().find("decoder.block.bias").sizes() == at::IntArrayRef{3, 3});
  const auto refused = [](std::vector<double> lambdas, const char* message) {
    CHECK_THROWS_WITH_AS(Model(testing::rated_autoencoder(std::move(lambdas)), 0), message,
                         SpecError);
  };
  refused({1.0}, "there must be 2 to 64 lambdas, not 1");
  CHECK_NOTHROW(Model(testing::rated_autoencoder({1e-9, 1e9}), 0));
  std::vector<double> many(65);
  for (size_t i = 0; i < many.size(); ++i) {
    many[i] = 1.0 + static_cast<double>(i);
  }
  refused(many, "there must be 2 to 64 lambdas, not 65");
  refused({0.0, 1.0}, "lambdas must be finite numbers above 0 that rise, not 0 at 0");
  refused({1.0, 1.0}, "lambdas must be finite numbers above 0 that rise, not 1 at 1");
  refused({3.0, 4.0, 2.0}, "lambdas must be finite numbers above 0 that rise, not 2 at 2");
  refused({1.0, std::nan("")}, "lambdas must be finite numbers above 0 that rise, not nan at 1");
  refused({1.0, HUGE_VAL}, "lambdas must be finite numbers above 0 that rise, not inf at 1");
  NetworkSpec classifier = testing::dense_classifier();
  classifier.lambdas = {1.0, 2.0};
  CHECK_THROWS_WITH_AS(Model(classifier, 0), "only an autoencoder without iterations has lambdas",
                       SpecError);
  NetworkSpec recurrent = testing::rated_autoencoder({1.0, 2.0});
  recurrent.recurrence = Recurrence{};
  CHECK_THROWS_WITH_AS(Model(recurrent, 0), "only an autoencoder without iterations has lambdas",
                       SpecError);
}

TEST_CASE("without levels a network of several rates is at their middle") {
  const Model model(testing::rated_autoencoder({1.0, 4.0, 16.0}), 0);
  // Gains e^0, e^0.7, e^1.4: the middle has its own row, and nothing else.
  model.parameters().find("encoder.code.log_gain").detach().select(0, 0).fill_(5.0);
  model.parameters().find("encoder.code.log_gain").detach().select(0, 2).fill_(5.0);
  const at::Tensor x = at::rand({3, 1, 4, 4});
  ForwardContext plain, middle;
  middle.level_shares = at::zeros({3, 3});
  middle.level_shares.select(1, 1).fill_(1.0);
  const at::Tensor code = model.encode(x, plain);
  CHECK(at::equal(code, model.encode(x, middle)));
  CHECK(at::equal(plain.bits, middle.bits));
  CHECK(at::allclose((code * 2.0).round(), code * 2.0, 0.0, 1e-5));
  ForwardContext first;
  first.level_shares = at::zeros({3, 3});
  first.level_shares.select(1, 0).fill_(1.0);
  CHECK(!at::equal(model.encode(x, first), code));
}

TEST_CASE("the memory format of convolution weights changes nothing but their layout") {
  Model model(testing::convolutional_autoencoder(), 1);
  CHECK(model.has_convolutions());
  const at::Tensor x = at::rand({2, 2, 4, 4});
  ForwardContext context;
  const at::Tensor before = model.forward(x, context);
  const at::Tensor handle = model.parameters().all().front().tensor;
  model.set_memory_format(at::MemoryFormat::ChannelsLast);
  CHECK(handle.is_contiguous(at::MemoryFormat::ChannelsLast));
  CHECK(at::allclose(model.forward(x, context), before, 1e-5, 1e-6));
  model.to(at::kCPU);
  CHECK(at::allclose(model.forward(x.contiguous(at::MemoryFormat::ChannelsLast), context), before,
                     1e-5, 1e-6));
}

TEST_CASE("check_batch names what it expected") {
  const Shape shape{1, 4, 4};
  CHECK_NOTHROW(check_batch(at::zeros({2, 1, 4, 4}), shape, false, "it"));
  CHECK_NOTHROW(check_batch(at::zeros({2, 1, 5, 9}), shape, true, "it"));
  CHECK_THROWS_WITH_AS(check_batch(at::zeros({2, 1, 5, 4}), shape, false, "it"),
                       "it must be a batch (N, 1, 4, 4) with N >= 1, not of shape (2, 1, 5, 4)",
                       UsageError);
  CHECK_THROWS_AS(check_batch(at::zeros({0, 1, 4, 4}), shape, true, "it"), UsageError);
  CHECK_THROWS_AS(check_batch(at::zeros({2, 1, 4, 4}, at::kByte), shape, true, "it"), UsageError);
}

#include "imgcomp/optimizer.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <doctest/doctest.h>

#include <cmath>

#include "imgcomp/error.h"

using namespace imgcomp;

namespace {

// One parameter with the values 1 and 2.
ParameterStore two_values() {
  ParameterStore store;
  store.add("p", {2}, ParameterRole::weight, 1, 1).detach().copy_(at::tensor({1.0f, 2.0f}));
  return store;
}

void check_values(const ParameterStore& store, double first, double second) {
  const at::Tensor values = store.find("p").detach();
  CHECK(values[0].item<float>() == doctest::Approx(first).epsilon(1e-6));
  CHECK(values[1].item<float>() == doctest::Approx(second).epsilon(1e-6));
}

const at::Tensor kGradient = at::tensor({0.5f, -1.0f});

}  // namespace

TEST_CASE("SGD by hand") {
  ParameterStore store = two_values();
  const auto sgd = make_optimizer({"sgd", 0.0, 0.0}, store);
  sgd->step({Gradient{kGradient, {}}}, 0.1);
  check_values(store, 0.95, 2.1);
  CHECK(sgd->state().empty());
}

TEST_CASE("SGD with momentum and weight decay by hand") {
  ParameterStore store = two_values();
  const auto sgd = make_optimizer({"sgd", 0.5, 0.1}, store);
  // Gradients with decay: 0.6, −0.8; then 0.594, −0.792 added to half of those.
  sgd->step({Gradient{kGradient, {}}}, 0.1);
  check_values(store, 0.94, 2.08);
  sgd->step({Gradient{kGradient, {}}}, 0.1);
  check_values(store, 0.94 - 0.1 * (0.594 + 0.3), 2.08 - 0.1 * (-0.792 - 0.4));
}

TEST_CASE("the first step of Adam goes by the learning rate against the gradient's sign") {
  for (const char* name : {"adam", "adamw"}) {
    ParameterStore store = two_values();
    const auto adam = make_optimizer({name}, store);
    adam->step({Gradient{kGradient, {}}}, 0.1);
    check_values(store, 0.9, 2.1);
    adam->step({Gradient{kGradient, {}}}, 0.1);
    check_values(store, 0.8, 2.2);
  }
}

TEST_CASE("weight decay is part of Adam's gradient, and apart from AdamW's") {
  OptimizerConfig config{"adamw"};
  config.weight_decay = 0.5;
  ParameterStore decoupled = two_values();
  make_optimizer(config, decoupled)->step({Gradient{kGradient, {}}}, 0.1);
  check_values(decoupled, 0.95 - 0.1, 1.9 + 0.1);
  config.name = "adam";
  ParameterStore together = two_values();
  make_optimizer(config, together)->step({Gradient{at::tensor({-0.4f, -0.5f}), {}}}, 0.1);
  check_values(together, 0.9, 1.9);  // the signs of −0.4 + 0.5 and −0.5 + 1
}

TEST_CASE("an undefined gradient leaves its parameter as it is") {
  for (const char* name : {"sgd", "adam"}) {
    ParameterStore store = two_values();
    make_optimizer({name, 0.0, 0.1}, store)->step({Gradient{}}, 0.1);
    check_values(store, 1.0, 2.0);
  }
}

TEST_CASE("a gradient in factors is the same as their product") {
  const at::Tensor left = at::randn({4, 3}), right = at::randn({4, 5});
  for (const double momentum : {0.0, 0.9}) {
    for (const double decay : {0.0, 0.1}) {
      for (const char* name : {"sgd", "adam"}) {
        ParameterStore factored, whole;
        factored.add("p", {3, 5}, ParameterRole::weight, 1, 1).detach().fill_(1.0);
        whole.add("p", {3, 5}, ParameterRole::weight, 1, 1).detach().fill_(1.0);
        const auto first = make_optimizer({name, momentum, decay}, factored);
        const auto second = make_optimizer({name, momentum, decay}, whole);
        for (int i = 0; i < 3; ++i) {
          first->step({Gradient{{}, {{left, right}, {left, right}}}}, 0.01);
          second->step({Gradient{left.t().mm(right) * 2, {}}}, 0.01);
        }
        CHECK(at::allclose(factored.find("p"), whole.find("p"), 1e-4, 1e-5));
      }
    }
  }
}

TEST_CASE("a gradient laid out otherwise than its parameter reaches the right values") {
  const at::Tensor gradient = at::randn({4, 3, 2, 2});
  for (const char* name : {"sgd", "adam"}) {
    ParameterStore first, second;
    first.add("p", {4, 3, 2, 2}, ParameterRole::weight, 1, 1).detach().fill_(1.0);
    second.add("p", {4, 3, 2, 2}, ParameterRole::weight, 1, 1).detach().fill_(1.0);
    const auto a = make_optimizer({name, 0.9}, first);
    const auto b = make_optimizer({name, 0.9}, second);
    for (int i = 0; i < 3; ++i) {
      a->step({Gradient{gradient, {}}}, 0.01);
      b->step({Gradient{gradient.contiguous(at::MemoryFormat::ChannelsLast), {}}}, 0.01);
    }
    CHECK(at::equal(first.find("p"), second.find("p")));
  }
}

TEST_CASE("an optimiser goes on from its state") {
  for (const char* name : {"sgd", "adam", "adamw"}) {
    ParameterStore first = two_values(), second = two_values();
    const OptimizerConfig config{name, 0.9, 0.01};
    const auto whole = make_optimizer(config, first);
    whole->step({Gradient{kGradient, {}}}, 0.1);
    second.find("p").detach().copy_(first.find("p").detach());
    const auto resumed = make_optimizer(config, second);
    resumed->restore(whole->state());
    whole->step({Gradient{kGradient, {}}}, 0.1);
    resumed->step({Gradient{kGradient, {}}}, 0.1);
    CHECK(at::equal(first.find("p"), second.find("p")));
    CHECK_THROWS_AS(resumed->restore({{"momentum.q", at::ones({2})}}), UsageError);
    CHECK_THROWS_AS(resumed->restore({{"momentum.p", at::ones({3})}}), UsageError);
  }
}

TEST_CASE("make_optimizer refuses what makes no sense") {
  ParameterStore store = two_values();
  CHECK_THROWS_AS(make_optimizer({"lion"}, store), UsageError);
  CHECK_THROWS_AS(make_optimizer({"sgd", 1.0}, store), UsageError);
  CHECK_THROWS_AS(make_optimizer({"sgd", 0.0, -1.0}, store), UsageError);
  CHECK_THROWS_AS(make_optimizer({"adam", 0.0, 0.0, 1.0}, store), UsageError);
  CHECK_THROWS_AS(make_optimizer({"adam", 0.0, 0.0, 0.9, 0.999, 0.0}, store), UsageError);
}

TEST_CASE("schedules by hand") {
  // Four steps in each of ten epochs.
  const auto factor = [](const ScheduleConfig& config, int64_t steps_done) {
    return learning_rate_factor(config, steps_done, 4, 10);
  };
  const ScheduleConfig constant;
  CHECK(factor(constant, 0) == 1.0);
  CHECK(factor(constant, 39) == 1.0);

  const ScheduleConfig step{"step", 0.5, 3};
  CHECK(factor(step, 11) == 1.0);
  CHECK(factor(step, 12) == 0.5);
  CHECK(factor(step, 24) == 0.25);

  const ScheduleConfig exponential{"exponential", 0.5};
  CHECK(factor(exponential, 3) == 1.0);
  CHECK(factor(exponential, 4) == 0.5);
  CHECK(factor(exponential, 8) == 0.25);

  const ScheduleConfig cosine{"cosine", 0.1, 30, 0.2};
  CHECK(factor(cosine, 0) == 1.0);
  CHECK(factor(cosine, 20) == doctest::Approx(0.6));
  CHECK(factor(cosine, 40) == doctest::Approx(0.2));

  const ScheduleConfig warm{"constant", 0.1, 30, 0.0, 2.0};
  CHECK(factor(warm, 0) == 0.125);
  CHECK(factor(warm, 3) == 0.5);
  CHECK(factor(warm, 7) == 1.0);
  CHECK(factor(warm, 30) == 1.0);
}

TEST_CASE("check_schedule refuses what makes no sense") {
  CHECK_NOTHROW(check_schedule({}));
  CHECK_THROWS_AS(check_schedule({"linear"}), UsageError);
  CHECK_THROWS_AS(check_schedule({"step", 0.0}), UsageError);
  CHECK_THROWS_AS(check_schedule({"step", 0.1, 0}), UsageError);
  CHECK_THROWS_AS(check_schedule({"cosine", 0.1, 1, 2.0}), UsageError);
  CHECK_THROWS_AS(check_schedule({"cosine", 0.1, 1, 0.0, std::nan("")}), UsageError);
}

#include "imgcomp/levels.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <cmath>

#include "models/image_draws.h"

namespace imgcomp {

at::Tensor level_shares(const at::Tensor& places, int64_t levels) {
  const at::Tensor each = at::arange(levels, places.options());
  return (1.0 - (places.unsqueeze(1) - each).abs()).clamp_min(0.0);
}

at::Tensor drawn_places(ForwardContext::ImageDraws& draws, int64_t levels) {
  const at::Tensor shape =
      at::empty({draws.images.size(0), 1}, draws.images.options().dtype(at::kFloat));
  return (draw_uniform(shape, draws).squeeze(1) + 1.0) * (0.5 * static_cast<double>(levels - 1));
}

at::Tensor spread_places(const at::Tensor& images, int64_t levels) {
  // Multiples of the golden ratio's fraction: the gaps between any of them that follow one another
  // are nearly equal.
  constexpr double kGolden = 0.6180339887498949;
  const at::Tensor turns = images.to(at::kDouble) * kGolden;
  return ((turns - turns.floor()) * static_cast<double>(levels - 1)).to(at::kFloat);
}

at::Tensor shares_of(const ForwardContext& context, int64_t images, int64_t levels) {
  if (context.level_shares.defined()) {
    return context.level_shares;
  }
  const double middle = 0.5 * static_cast<double>(levels - 1);
  return level_shares(at::full({images}, middle, at::TensorOptions(at::kFloat)), levels);
}

at::Tensor at_levels(const at::Tensor& parameter, const ForwardContext& context, int64_t images) {
  if (parameter.dim() == 1) {
    return parameter.unsqueeze(0);
  }
  const at::Tensor shares = shares_of(context, images, parameter.size(0)).to(parameter.device());
  // No matrix product: autocast would round it.
  return (shares.unsqueeze(2) * parameter.unsqueeze(0)).sum(1);
}

at::Tensor lambdas_of(std::span<const double> lambdas, const ForwardContext& context,
                      int64_t images) {
  const auto levels = static_cast<int64_t>(lambdas.size());
  const at::Tensor shares = shares_of(context, images, levels);
  at::Tensor logs = at::empty({levels}, at::TensorOptions(at::kFloat));
  for (int64_t i = 0; i < levels; ++i) {
    logs.mutable_data_ptr<float>()[i] = static_cast<float>(std::log(lambdas[i]));
  }
  return (shares * logs.to(shares.device())).sum(1).exp();
}

}  // namespace imgcomp

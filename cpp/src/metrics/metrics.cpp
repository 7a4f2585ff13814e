#include "imgcomp/metrics.h"

#include <ATen/ops/log10.h>

#include "imgcomp/error.h"
#include "imgcomp/gather.h"
#include "imgcomp/spec.h"

namespace imgcomp {
namespace {

void check_pair(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.dim() < 2) {
    throw UsageError(concat("two batches (N, …) of one shape are compared, not ",
                            to_string(a.sizes().vec()), " with ", to_string(b.sizes().vec())));
  }
}

}  // namespace

at::Tensor mse_per_image(const at::Tensor& a, const at::Tensor& b) {
  check_pair(a, b);
  return (a.to(at::kDouble) - b.to(at::kDouble)).square_().flatten(1).mean(1);
}

at::Tensor mse_per_image_8bit(const at::Tensor& a, const at::Tensor& b,
                              std::array<double, 2> data_range) {
  check_pair(a, b);
  // Squares of at most 255 and sums of up to 258 such squares per row are exact in float32; the
  // sum is taken in double, so the result is exact for any image size.
  const at::Tensor difference =
      to_bytes(a, data_range).to(at::kFloat) - to_bytes(b, data_range).to(at::kFloat);
  return difference.square().flatten(1).mean(1, false, at::kDouble);
}

at::Tensor psnr_from_mse(const at::Tensor& mse, double peak) {
  return at::log10(peak * peak / mse.to(at::kDouble)) * 10.0;
}

bool reconstruction_has_collapsed(const at::Tensor& output, const at::Tensor& target,
                                  double threshold) {
  check_pair(output, target);
  if (output.size(0) < 2) {
    return false;
  }
  // Root mean square over all values of the standard deviation over the batch.
  const auto spread = [](const at::Tensor& batch) {
    return batch.detach().to(at::kDouble).var(0, /*unbiased=*/false).mean().sqrt().item<double>();
  };
  const double target_spread = spread(target);
  return target_spread > 0.0 && spread(output) < threshold * target_spread;
}

bool classifier_has_collapsed(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor predicted = logits.argmax(1);
  return logits.size(0) > 1 && predicted.eq(predicted[0]).all().item<bool>() &&
         !labels.eq(labels[0]).all().item<bool>();
}

}  // namespace imgcomp

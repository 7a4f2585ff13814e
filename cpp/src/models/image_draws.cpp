#include "models/image_draws.h"

#include <ATen/ops/empty.h>

#include "preprocess/philox.h"

namespace imgcomp {

at::Tensor draw_uniform(const at::Tensor& x, ForwardContext::ImageDraws& draws) {
  const at::Tensor images = draws.images.cpu();
  const auto* numbers = images.const_data_ptr<int64_t>();
  at::Tensor result = at::empty(x.sizes(), at::TensorOptions(at::kFloat));
  auto* values = result.mutable_data_ptr<float>();
  const int64_t per_image = x.numel() / x.size(0);
  const uint32_t step = draws.made++;
  for (int64_t i = 0; i < x.size(0); ++i) {
    const DrawKey key{draws.seed, static_cast<uint64_t>(numbers[i])};
    for (int64_t value = 0; value < per_image; value += 4) {
      const Random4 words = draw(key, step, static_cast<uint32_t>(value / 4));
      for (int64_t j = 0; j < 4 && value + j < per_image; ++j) {
        // 24 bits: all that a float has.
        values[i * per_image + value + j] =
            static_cast<float>(words.word[j] >> 8) * (1.0F / (1 << 23)) - 1.0F;
      }
    }
  }
  return result.to(x.device());
}

}  // namespace imgcomp

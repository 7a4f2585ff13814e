#include "imgcomp/pipeline.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <cstdint>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include "imgcomp/error.h"
#include "imgcomp/random.h"
#include "preprocess/pass.h"
#include "preprocess/pass_cpu.h"
#ifdef IMGCOMP_WITH_CUDA
#include "preprocess/pass_cuda.h"
#endif

namespace imgcomp {
namespace {

Shape checked(const Shape& shape) {
  if (shape.size() != 3) {
    throw UsageError(concat("a pipeline takes images (C, H, W), not ", to_string(shape)));
  }
  check_shape(shape, "the images");
  return shape;
}

// Fresh memory comes page by page as it is written to: for a large result, with few large pages
// that takes half the time.
void prefer_large_pages(const at::Tensor& fresh) {
#ifdef __linux__
  constexpr uintptr_t kLargePage = uintptr_t{2} << 20;
  if (fresh.is_cpu() && fresh.nbytes() >= 16 * kLargePage) {
    const auto begin = reinterpret_cast<uintptr_t>(fresh.data_ptr());
    const uintptr_t first = (begin + kLargePage - 1) / kLargePage * kLargePage;
    const uintptr_t last = (begin + fresh.nbytes()) / kLargePage * kLargePage;
    // Only advice: whether it is taken makes no difference to the result.
    static_cast<void>(madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE));
  }
#else
  static_cast<void>(fresh);
#endif
}

bool has_type_and_shape(const at::Tensor& tensor, at::ScalarType type, const Shape& shape,
                        int64_t count) {
  return tensor.scalar_type() == type && tensor.dim() == 4 && tensor.size(0) == count &&
         tensor.sizes().slice(1).vec() == shape;
}

void check_run(const at::Tensor& images, const at::Tensor& index, const PipelineOptions& options,
               const Shape& shape, bool trusted_index) {
  const bool known = images.scalar_type() == at::kByte || images.scalar_type() == at::kFloat;
  if (!known || images.dim() != 4 || images.sizes().slice(1).vec() != shape ||
      !images.is_contiguous()) {
    throw UsageError(concat("images must be contiguous, uint8 or float32, of shape (N, ",
                            to_string(shape).substr(1), ", not ", images.scalar_type(),
                            " of shape ", to_string(images.sizes().vec()),
                            images.is_contiguous() ? "" : ", not contiguous"));
  }
  if (index.scalar_type() != at::kLong || index.dim() != 1 || !index.is_contiguous()) {
    throw UsageError(concat("index must be a contiguous int64 tensor (B,), not ",
                            index.scalar_type(), " of shape ", to_string(index.sizes().vec())));
  }
  if (images.device() != index.device()) {
    throw UsageError(
        concat("images are on ", images.device(), " but the index is on ", index.device()));
  }
  if (!trusted_index && index.numel() > 0) {
    const auto smallest = index.min().item<int64_t>();
    const auto largest = index.max().item<int64_t>();
    if (smallest < 0 || largest >= images.size(0)) {
      throw UsageError(concat("index must lie in 0…", images.size(0) - 1, ", got ",
                              smallest < 0 ? smallest : largest));
    }
  }
  if (options.dtype != at::kFloat && options.dtype != at::kBFloat16) {
    throw UsageError(concat("dtype must be float32 or bfloat16, not ", options.dtype));
  }
  if (options.format != at::MemoryFormat::Contiguous &&
      options.format != at::MemoryFormat::ChannelsLast) {
    throw UsageError(
        concat("memory_format must be contiguous or channels-last, not ", options.format));
  }
}

}  // namespace

Pipeline::Pipeline(const std::vector<PreprocessStep>& steps, const Shape& input_shape)
    : input_shape_(checked(input_shape)), passes_(compile(steps, input_shape)) {
  output_shape_ = passes_.back()->output;
}

bool Pipeline::has_noise() const {
  return std::any_of(passes_.begin(), passes_.end(),
                     [](const auto& pass) { return !pass->noise.empty(); });
}

bool Pipeline::has_geometry() const {
  return std::any_of(passes_.begin(), passes_.end(),
                     [](const auto& pass) { return !pass->geometry.empty(); });
}

at::Tensor Pipeline::run(const at::Tensor& images, const at::Tensor& index,
                         const PipelineOptions& options, bool trusted_index) const {
  check_run(images, index, options, input_shape_, trusted_index);
  at::Tensor output =
      at::empty({index.size(0), output_shape_[0], output_shape_[1], output_shape_[2]},
                images.options().dtype(options.dtype), options.format);
  prefer_large_pages(output);
  run_into(images, index, options, output, /*trusted_index=*/true);
  return output;
}

void Pipeline::run_into(const at::Tensor& images, const at::Tensor& index,
                        const PipelineOptions& options, at::Tensor& output,
                        bool trusted_index) const {
  check_run(images, index, options, input_shape_, trusted_index);
  if (!has_type_and_shape(output, options.dtype, output_shape_, index.size(0)) ||
      !output.is_contiguous(options.format) || output.device() != images.device()) {
    throw UsageError(concat("the output must be ", options.dtype, " of shape (", index.size(0),
                            ", ", to_string(output_shape_).substr(1), ", ", options.format, ", on ",
                            images.device(), ", not ", output.scalar_type(), " of shape ",
                            to_string(output.sizes().vec()), " on ", output.device()));
  }
  if (output.numel() == 0) {
    return;
  }
  const uint64_t key = derive_seed(options.seed, Stream::preprocess, options.epoch);
#ifdef IMGCOMP_WITH_CUDA
  if (images.is_cuda()) {
    cuda::run_passes(passes_, images, index, key, options, output);
    return;
  }
#endif
  const auto run_on_cpu = [&](const at::Tensor& from, const int64_t* chosen,
                              const at::Tensor& numbers, at::Tensor& to) {
    run_passes_cpu(passes_, {from.const_data_ptr(), from.scalar_type() == at::kByte, chosen,
                             numbers.const_data_ptr<int64_t>(), numbers.size(0), key, options.noise,
                             to.mutable_data_ptr(), options.dtype == at::kBFloat16,
                             options.format == at::MemoryFormat::ChannelsLast});
  };
  if (images.is_cpu()) {
    run_on_cpu(images, index.const_data_ptr<int64_t>(), index, output);
    return;
  }
  // Built without kernels for this device: the batch makes a detour.
  at::Tensor batch = at::empty(output.sizes(), output.options().device(at::kCPU), options.format);
  run_on_cpu(at::index_select(images, 0, index).cpu(), nullptr, index.cpu(), batch);
  output.copy_(batch);
}

}  // namespace imgcomp

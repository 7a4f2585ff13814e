#include "preprocess/pass_cuda.h"

// c10 alone: see gather_cuda.cpp.
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "preprocess/pass_kernel.h"

namespace imgcomp::cuda {
namespace {

// A band matrix as the kernels take it.
struct DeviceBand {
  at::Tensor begin, weights;  // int32 (rows,), float32 (rows, width)

  BandView view() const {
    return {begin.const_data_ptr<int32_t>(), weights.const_data_ptr<float>(),
            static_cast<int32_t>(weights.size(1))};
  }
};

DeviceBand upload(const BandMatrix& matrix, at::Device device) {
  size_t width = 1;
  for (const Band& row : matrix.rows) {
    width = std::max(width, row.weights.size());
  }
  DeviceBand band{at::zeros({matrix.size()}, at::kInt),
                  at::zeros({matrix.size(), static_cast<int64_t>(width)}, at::kFloat)};
  auto* begin = band.begin.mutable_data_ptr<int32_t>();
  auto* weights = band.weights.mutable_data_ptr<float>();
  for (int64_t r = 0; r < matrix.size(); ++r) {
    const Band& row = matrix.rows[r];
    // A band near the end begins earlier, so that all of its columns exist.
    const int64_t first = std::min(row.begin, matrix.columns - static_cast<int64_t>(width));
    begin[r] = static_cast<int32_t>(first);
    for (int64_t k = row.begin; k < row.end(); ++k) {
      weights[r * static_cast<int64_t>(width) + k - first] =
          static_cast<float>(row.weights[k - row.begin]);
    }
  }
  return {band.begin.to(device), band.weights.to(device)};
}

struct DevicePass {
  std::shared_ptr<const PreprocessPass> pass;  // kept, so that its address stays its own
  at::Tensor fill;
  Affine before, after;
  DeviceBand rows, columns;
};

Affine upload(const Affine& affine, at::Device device) {
  return affine.defined() ? Affine{affine.center.to(device), affine.gain.to(device)} : affine;
}

// The pass's tables on that device: uploaded once and kept.
std::shared_ptr<const DevicePass> on_device(const std::shared_ptr<const PreprocessPass>& pass,
                                            at::Device device) {
  static std::mutex mutex;
  static std::map<std::pair<const PreprocessPass*, int>, std::shared_ptr<const DevicePass>> kept;
  const std::lock_guard<std::mutex> lock(mutex);
  // Tables of passes that nothing else uses any more go.
  std::erase_if(kept, [](const auto& entry) { return entry.second->pass.use_count() == 1; });
  auto& entry = kept[{pass.get(), device.index()}];
  if (!entry) {
    auto made = std::make_shared<DevicePass>();
    made->pass = pass;
    made->fill = at::empty({static_cast<int64_t>(pass->fill.size())}, at::kFloat);
    std::copy(pass->fill.begin(), pass->fill.end(), made->fill.mutable_data_ptr<float>());
    made->fill = made->fill.to(device);
    made->before = upload(pass->before, device);
    made->after = upload(pass->after, device);
    if (pass->rows) {
      made->rows = upload(*pass->rows, device);
      made->columns = upload(*pass->columns, device);
    }
    entry = std::move(made);
  }
  return entry;
}

AffineView view(const Affine& affine) {
  if (!affine.defined()) {
    return {nullptr, nullptr, false};
  }
  return {affine.center.const_data_ptr<float>(), affine.gain.const_data_ptr<float>(),
          affine.per_element()};
}

PassArguments arguments_of(const DevicePass& tables, bool noise) {
  const PreprocessPass& pass = *tables.pass;
  PassArguments a{};
  a.channels = static_cast<int32_t>(pass.input[0]);
  a.in_height = static_cast<int32_t>(pass.input[1]);
  a.in_width = static_cast<int32_t>(pass.input[2]);
  a.height = static_cast<int32_t>(pass.output[1]);
  a.width = static_cast<int32_t>(pass.output[2]);
  std::copy(pass.geometry.begin(), pass.geometry.end(), a.geometry);
  a.geometry_steps = static_cast<int32_t>(pass.geometry.size());
  a.fill = tables.fill.const_data_ptr<float>();
  a.before = view(tables.before);
  a.has_operator = pass.rows != nullptr;
  if (a.has_operator) {
    a.rows = tables.rows.view();
    a.columns = tables.columns.view();
  }
  a.after = view(tables.after);
  if (noise) {
    std::copy(pass.noise.begin(), pass.noise.end(), a.noise);
    a.noise_steps = static_cast<int32_t>(pass.noise.size());
  }
  return a;
}

}  // namespace

void run_passes(const std::vector<std::shared_ptr<const PreprocessPass>>& passes,
                const at::Tensor& images, const at::Tensor& index, uint64_t key,
                const PipelineOptions& options, at::Tensor& output) {
  const c10::cuda::CUDAGuard guard(images.device());
  const at::TensorOptions floats = images.options().dtype(at::kFloat);
  at::Tensor source = images;
  for (size_t p = 0; p < passes.size(); ++p) {
    const auto tables = on_device(passes[p], images.device());
    PassArguments a = arguments_of(*tables, options.noise);
    a.images = source.const_data_ptr();
    a.bytes = source.scalar_type() == at::kByte;
    a.index = p == 0 ? index.const_data_ptr<int64_t>() : nullptr;
    a.numbers = index.const_data_ptr<int64_t>();
    a.count = index.size(0);
    a.key = key;
    at::Tensor result = output;
    if (p + 1 < passes.size()) {
      result = at::empty({a.count, a.channels, a.height, a.width}, floats);
    } else {
      a.bfloat16 = options.dtype == at::kBFloat16;
      a.channels_last = options.format == at::MemoryFormat::ChannelsLast;
    }
    a.output = result.mutable_data_ptr();
    at::Tensor strip;
    if (a.has_operator && !use_shared(a)) {
      strip = at::empty({a.count, a.channels, a.height, a.in_width}, floats);
      a.strip = strip.mutable_data_ptr<float>();
    }
    launch_pass(a, c10::cuda::getCurrentCUDAStream().stream());
    source = result;
  }
}

}  // namespace imgcomp::cuda

#include "preprocess/pass_cpu.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "preprocess/blocked_operator.h"
#include "preprocess/plane.h"

namespace imgcomp {
namespace {

using Passes = std::vector<std::shared_ptr<const PreprocessPass>>;

// Values that one thread should have at least, for the start of a thread to be worth it.
constexpr int64_t kValuesPerThread = 16384;
// A result of so many bytes will not be found in the caches anyway.
constexpr int64_t kStreamedBytes = int64_t{32} << 20;

int64_t area(const Shape& shape) {
  return shape[1] * shape[2];
}

// One thread's memory to work in, enough for the largest pass.
struct Scratch {
  explicit Scratch(const Passes& passes) {
    size_t plane_size = 0, strip_size = 0;
    for (const auto& pass : passes) {
      plane_size = std::max<size_t>({plane_size, static_cast<size_t>(area(pass->input)),
                                     static_cast<size_t>(area(pass->output))});
      if (pass->blocked) {
        strip_size = std::max(strip_size, static_cast<size_t>(pass->blocked->strip_size()));
      }
    }
    mapped.resize(plane_size + kLanes);
    between[0].resize(plane_size);
    between[1].resize(plane_size);
    strip.resize(strip_size);
  }

  std::vector<float> mapped;      // what the operator takes
  std::vector<float> between[2];  // from one pass to the next
  std::vector<float> strip;
};

struct ChannelAffine {
  explicit ChannelAffine(const Affine& affine, const Shape& shape, int64_t channel) {
    if (affine.defined()) {
      const int64_t offset = channel * (affine.per_element() ? area(shape) : 1);
      center = affine.center.const_data_ptr<float>() + offset;
      gain = affine.gain.const_data_ptr<float>() + offset;
    }
  }
  const float* center = nullptr;
  const float* gain = nullptr;
};

// One channel of one image through one pass.
template <class Source>
void run_pass(const PreprocessPass& pass, const Source* source, int64_t channel, DrawKey key,
              bool noise, float* output, Scratch& scratch) {
  const int64_t in_area = area(pass.input);
  float* mapped = pass.blocked ? scratch.mapped.data() : output;
  const ChannelAffine before(pass.before, pass.input, channel);
  const bool per_element = pass.before.defined() && pass.before.per_element();
  if (pass.geometry.empty()) {
    plane::map(source, in_area, before.center, before.gain, per_element, mapped);
  } else {
    const auto height = static_cast<int32_t>(pass.input[1]);
    const auto width = static_cast<int32_t>(pass.input[2]);
    const Placement placement =
        place(pass.geometry.data(), static_cast<int>(pass.geometry.size()), key, height, width);
    plane::move(source, height, width, placement, pass.fill[channel], mapped);
    if (before.center != nullptr) {
      plane::map(static_cast<const float*>(mapped), in_area, before.center, before.gain,
                 per_element, mapped);
    }
  }
  if (pass.blocked) {
    pass.blocked->apply(mapped, output, scratch.strip.data());
  }
  const int64_t out_area = area(pass.output);
  if (pass.after.defined()) {
    const ChannelAffine after(pass.after, pass.output, channel);
    plane::map(static_cast<const float*>(output), out_area, after.center, after.gain,
               pass.after.per_element(), output);
  }
  if (noise) {
    for (const NoiseStep& step : pass.noise) {
      plane::add_noise(output, out_area, channel * out_area, key, step);
    }
  }
}

// One channel of one image through all passes.
void run_plane(const Passes& passes, const CpuRun& run, int64_t i, int64_t channel, float* output,
               Scratch& scratch) {
  const int64_t image = run.index != nullptr ? run.index[i] : i;
  const DrawKey key{run.key, static_cast<uint64_t>(run.numbers[i])};
  const Shape& input = passes.front()->input;
  const int64_t offset = (image * input[0] + channel) * area(input);
  const float* source = nullptr;
  for (size_t p = 0; p < passes.size(); ++p) {
    float* target = p + 1 == passes.size() ? output : scratch.between[p % 2].data();
    if (p == 0 && run.bytes) {
      run_pass(*passes[p], static_cast<const uint8_t*>(run.images) + offset, channel, key,
               run.noise, target, scratch);
    } else {
      run_pass(*passes[p], p == 0 ? static_cast<const float*>(run.images) + offset : source,
               channel, key, run.noise, target, scratch);
    }
    source = target;
  }
}

}  // namespace

void run_passes_cpu(const Passes& passes, const CpuRun& run) {
  const Shape& shape = passes.back()->output;
  const int64_t channels = shape[0];
  const int64_t out_area = area(shape);
  const int64_t values = channels * out_area;
  const int64_t bytes =
      values * static_cast<int64_t>(run.bfloat16 ? sizeof(uint16_t) : sizeof(float));
  const int64_t per_image = channels * std::max(out_area, area(passes.front()->input));
  const int64_t grain = std::max<int64_t>(1, kValuesPerThread / per_image);
  const bool interleave = run.channels_last && channels > 1;
  const bool stream = run.count * bytes >= kStreamedBytes;
  at::parallel_for(0, run.count, grain, [&](int64_t begin, int64_t end) {
    Scratch scratch(passes);
    // Whole images on their way: as planes, rounded, in the memory format.
    std::vector<float> planes(stream || interleave || run.bfloat16 ? values : 0);
    std::vector<uint16_t> rounded(run.bfloat16 && (stream || interleave) ? values : 0);
    std::vector<char> pixels(stream && interleave ? bytes : 0);
    for (int64_t i = begin; i < end; ++i) {
      char* target = static_cast<char*>(run.output) + i * bytes;
      auto* computed = planes.empty() ? reinterpret_cast<float*>(target) : planes.data();
      for (int64_t channel = 0; channel < channels; ++channel) {
        run_plane(passes, run, i, channel, computed + channel * out_area, scratch);
      }
      const void* last = computed;
      if (run.bfloat16) {
        auto* to = rounded.empty() ? reinterpret_cast<uint16_t*>(target) : rounded.data();
        plane::to_bfloat16(computed, values, to);
        last = to;
      }
      if (interleave) {
        void* to = pixels.empty() ? target : pixels.data();
        if (run.bfloat16) {
          plane::interleave(static_cast<const uint16_t*>(last), channels, out_area,
                            static_cast<uint16_t*>(to));
        } else {
          plane::interleave(static_cast<const float*>(last), channels, out_area,
                            static_cast<float*>(to));
        }
        last = to;
      }
      if (stream) {
        plane::stream(last, bytes, target);
      }
    }
    if (stream) {
      plane::end_stream();
    }
  });
}

}  // namespace imgcomp

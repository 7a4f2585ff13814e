// Bindings of imgcomp/codec/: tables, streams of symbols, streams of bits.
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <type_traits>

#include "imgcomp/codec/binary_coder.h"
#include "imgcomp/codec/context_network.h"
#include "imgcomp/codec/crc32c.h"
#include "imgcomp/codec/open_streams.h"
#include "imgcomp/codec/symbol_coder.h"
#include "imgcomp/error.h"
#include "pybind.h"

namespace imgcomp::bindings {
namespace {

using namespace codec;

// The numbers of a tensor, in place. Python brings every input into this form.
template <class T>
std::span<const T> numbers(const at::Tensor& tensor, const char* name) {
  constexpr auto kType =
      c10::CppTypeToScalarType<std::conditional_t<std::is_same_v<T, uint32_t>, int32_t, T>>::value;
  if (tensor.scalar_type() != kType || !tensor.is_contiguous() || !tensor.is_cpu()) {
    throw UsageError(concat(name, " must be a contiguous ", kType, " tensor on the CPU, not ",
                            tensor.scalar_type(), " on ", tensor.device()));
  }
  return {static_cast<const T*>(tensor.const_data_ptr()), static_cast<size_t>(tensor.numel())};
}

template <class T>
std::span<T> writable(at::Tensor& tensor, const char* name) {
  const std::span<const T> read = numbers<T>(tensor, name);
  return {static_cast<T*>(tensor.mutable_data_ptr()), read.size()};
}

// The bytes of a Python object, which must outlive the result.
std::span<const uint8_t> view(const py::bytes& bytes) {
  const std::string_view text = bytes;
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

py::bytes to_python(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Pattern {
  Pattern(const at::Tensor& indexes, int64_t tables)
      : pattern(numbers<int32_t>(indexes, "indexes"), tables) {}
  TablePattern pattern;
};

std::shared_ptr<FrequencyTables> tables_from(const at::Tensor& frequencies,
                                             const std::vector<int64_t>& sizes,
                                             const std::vector<int32_t>& smallest,
                                             const std::vector<uint32_t>& escapes, int precision) {
  std::span<const int64_t> left = numbers<int64_t>(frequencies, "frequencies");
  std::vector<FrequencyTable> tables;
  for (size_t i = 0; i < sizes.size(); ++i) {
    FrequencyTable table{smallest.at(i), {}, escapes.at(i)};
    const auto size = static_cast<size_t>(sizes[i]);
    if (size > left.size()) {
      throw UsageError(concat("there are fewer frequencies than the sizes say: ", left.size(),
                              " left for ", size));
    }
    for (const int64_t frequency : left.first(size)) {
      // What does not fit is refused with its own value by the tables.
      table.frequencies.push_back(static_cast<uint32_t>(
          std::clamp<int64_t>(frequency, 0, std::numeric_limits<uint32_t>::max())));
    }
    left = left.subspan(size);
    tables.push_back(std::move(table));
  }
  return std::make_shared<FrequencyTables>(std::move(tables), precision);
}

py::bytes encode_symbols(const FrequencyTables& tables, const Pattern& pattern,
                         const at::Tensor& symbols) {
  const std::span<const int32_t> given = numbers<int32_t>(symbols, "symbols");
  std::vector<uint8_t> stream;
  {
    py::gil_scoped_release release;  // pure C++ on memory that the arguments keep alive
    stream = encode(tables, pattern.pattern, given);
  }
  return to_python(stream);
}

at::Tensor decode_symbols(const FrequencyTables& tables, const Pattern& pattern,
                          const py::bytes& stream, const std::vector<int64_t>& shape) {
  const std::span<const uint8_t> bytes = view(stream);
  py::gil_scoped_release release;  // as above: Python's bytes never change
  at::Tensor symbols = at::empty(shape, at::kInt);
  decode(tables, pattern.pattern, bytes, writable<int32_t>(symbols, "symbols"));
  return symbols;
}

py::typing::List<py::bytes> encode_symbol_batch(const FrequencyTables& tables,
                                                const Pattern& pattern, const at::Tensor& symbols) {
  const std::span<const int32_t> given = numbers<int32_t>(symbols, "symbols");
  std::vector<std::vector<uint8_t>> streams;
  {
    py::gil_scoped_release release;
    streams = encode_batch(tables, pattern.pattern, given, static_cast<size_t>(symbols.size(0)));
  }
  py::typing::List<py::bytes> result;
  for (const std::vector<uint8_t>& stream : streams) {
    result.append(to_python(stream));
  }
  return result;
}

std::vector<std::span<const uint8_t>> views_of(const std::vector<py::bytes>& streams) {
  std::vector<std::span<const uint8_t>> views;
  for (const py::bytes& stream : streams) {
    views.push_back(view(stream));
  }
  return views;
}

at::Tensor decode_symbol_batch(const FrequencyTables& tables, const Pattern& pattern,
                               const std::vector<py::bytes>& streams,
                               const std::vector<int64_t>& shape) {
  const std::vector<std::span<const uint8_t>> views = views_of(streams);
  py::gil_scoped_release release;
  at::Tensor symbols = at::empty(shape, at::kInt);
  decode_batch(tables, pattern.pattern, views, writable<int32_t>(symbols, "symbols"));
  return symbols;
}

// Streams that keep their bytes alive.
struct OwningOpenStreams {
  OwningOpenStreams(std::shared_ptr<FrequencyTables> tables, std::vector<py::bytes> streams)
      : bytes(std::move(streams)), open(std::move(tables), views_of(bytes)) {}

  at::Tensor decode(const Pattern& pattern, const std::vector<int64_t>& shape) {
    py::gil_scoped_release release;
    at::Tensor symbols = at::empty(shape, at::kInt);
    open.decode(pattern.pattern, writable<int32_t>(symbols, "symbols"));
    return symbols;
  }

  std::vector<py::bytes> bytes;
  OpenStreams open;
};

// A decoder that keeps its bytes alive.
struct OwningBinaryDecoder {
  OwningBinaryDecoder(py::bytes stream, int64_t contexts)
      : bytes(std::move(stream)), decoder(view(bytes), contexts) {}
  py::bytes bytes;
  BinaryDecoder decoder;
};

void register_tables(py::module_& m) {
  py::class_<Pattern>(m, "TablePattern", "Which table each symbol goes by; see imgcomp.codec.")
      .def(py::init<const at::Tensor&, int64_t>(), py::arg("indexes"), py::arg("tables"));

  py::class_<FrequencyTables, std::shared_ptr<FrequencyTables>>(
      m, "FrequencyTables", "Integer probabilities; see imgcomp.codec.")
      .def(py::init(&tables_from), py::arg("frequencies"), py::arg("sizes"), py::arg("smallest"),
           py::arg("escapes"), py::arg("precision"))
      .def_property_readonly("precision", &FrequencyTables::precision)
      .def("__len__", &FrequencyTables::size)
      .def(
          "table",
          [](const FrequencyTables& tables, size_t i) {
            const FrequencyTable& table = tables.tables().at(i);
            return std::tuple(table.smallest, table.frequencies, table.escape);
          },
          py::arg("index"))
      .def("encode", &encode_symbols, py::arg("pattern"), py::arg("symbols"))
      .def("decode", &decode_symbols, py::arg("pattern"), py::arg("stream"), py::arg("shape"))
      .def("encode_batch", &encode_symbol_batch, py::arg("pattern"), py::arg("symbols"))
      .def("decode_batch", &decode_symbol_batch, py::arg("pattern"), py::arg("streams"),
           py::arg("shape"))
      .def(
          "information",
          [](const FrequencyTables& tables, const Pattern& pattern, const at::Tensor& symbols) {
            return information(tables, pattern.pattern, numbers<int32_t>(symbols, "symbols"));
          },
          py::arg("pattern"), py::arg("symbols"), py::call_guard<py::gil_scoped_release>());

  py::class_<OwningOpenStreams>(m, "OpenStreams", "Streams decoded in goes; see imgcomp.codec.")
      .def(py::init<std::shared_ptr<FrequencyTables>, std::vector<py::bytes>>(), py::arg("tables"),
           py::arg("streams"))
      .def("__len__", [](const OwningOpenStreams& streams) { return streams.open.size(); })
      .def("decode", &OwningOpenStreams::decode, py::arg("pattern"), py::arg("shape"))
      .def("check_end", [](const OwningOpenStreams& streams) { streams.open.check_end(); });

  m.def(
      "fit_frequencies",
      [](const at::Tensor& counts, int precision) {
        return fit_frequencies(numbers<int64_t>(counts, "counts"), precision);
      },
      py::arg("counts"), py::arg("precision"), py::call_guard<py::gil_scoped_release>());
}

std::vector<int16_t> weights_of(const at::Tensor& weights) {
  const std::span<const int16_t> given = numbers<int16_t>(weights, "weights");
  return {given.begin(), given.end()};
}

std::vector<int32_t> biases_of(const at::Tensor& biases) {
  const std::span<const int32_t> given = numbers<int32_t>(biases, "biases");
  return {given.begin(), given.end()};
}

// The tables and offsets of a pass over latents (N, C, H, W): each (N, channels, places).
std::pair<at::Tensor, at::Tensor> predict(const ContextNetwork& network, const at::Tensor& symbols,
                                          int64_t pass, const at::Tensor& bias) {
  const std::span<const int32_t> given = numbers<int32_t>(symbols, "symbols");
  const std::span<const int32_t> biases = numbers<int32_t>(bias, "bias");
  if (symbols.dim() != 4 || symbols.size(1) != network.channels() || pass < 0 ||
      pass >= network.passes()) {
    throw UsageError(concat("pass ", pass, " of ", network.passes(), " over latents of ",
                            network.channels(), " channels, not ", symbols.sizes()));
  }
  network.check_bias(biases);
  const LatentSize size{symbols.size(2), symbols.size(3)};
  const int64_t images = symbols.size(0);
  const int64_t channels = network.end_channel(pass) - network.first_channel(pass);
  const int64_t places = ContextNetwork::places(pass, size);
  at::Tensor tables = at::empty({images, channels, places}, at::kInt);
  at::Tensor offsets = at::empty({images, channels, places}, at::kInt);
  const std::span<int32_t> to_tables = writable<int32_t>(tables, "tables");
  const std::span<int32_t> to_offsets = writable<int32_t>(offsets, "offsets");
  at::parallel_for(0, images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto part = [&](const auto& all) {
        const size_t each = all.size() / static_cast<size_t>(images);
        return all.subspan(static_cast<size_t>(i) * each, each);
      };
      network.predict(part(given), size, pass, biases, part(to_tables), part(to_offsets));
    }
  });
  return {tables, offsets};
}

void register_context_network(py::module_& m) {
  py::class_<ContextNetwork>(m, "ContextNetwork", "Means and scales in whole numbers.")
      .def(py::init([](int64_t hidden, int64_t kernel, int64_t mean_bins, int64_t scale_bins,
                       int64_t least_scale, int64_t scale_step,
                       const std::vector<std::array<at::Tensor, 6>>& weights,
                       const std::vector<std::array<int, 3>>& bits,
                       const std::vector<int64_t>& sizes) {
             if (weights.size() != sizes.size() || bits.size() != sizes.size()) {
               throw UsageError(concat("there are ", sizes.size(), " groups, but weights of ",
                                       weights.size(), " and binary places of ", bits.size()));
             }
             std::vector<ContextGroup> groups;
             for (size_t i = 0; i < sizes.size(); ++i) {
               const auto& all = weights[i];
               const auto layer = [&](size_t which, size_t of_bits) {
                 return ContextLayer{weights_of(all[which]), bits[i][of_bits]};
               };
               groups.push_back({.size = sizes[i],
                                 .earlier = layer(0, 0),
                                 .anchors = layer(1, 0),
                                 .between = layer(2, 1),
                                 .last = layer(3, 2),
                                 .between_bias = biases_of(all[4]),
                                 .last_bias = biases_of(all[5])});
             }
             return ContextNetwork({hidden, kernel, mean_bins, scale_bins, least_scale, scale_step},
                                   std::move(groups));
           }),
           py::arg("hidden"), py::arg("kernel"), py::arg("mean_bins"), py::arg("scale_bins"),
           py::arg("least_scale"), py::arg("scale_step"), py::arg("weights"), py::arg("bits"),
           py::arg("sizes"))
      .def_property_readonly("passes", &ContextNetwork::passes)
      .def_property_readonly("tables", &ContextNetwork::tables)
      .def(
          "check_bias",
          [](const ContextNetwork& network, const at::Tensor& bias) {
            network.check_bias(numbers<int32_t>(bias, "bias"));
          },
          py::arg("bias"))
      .def("predict", &predict, py::arg("symbols"), py::arg("of_pass"), py::arg("bias"),
           py::call_guard<py::gil_scoped_release>());
}

}  // namespace

void register_codec(py::module_& m) {
  register_tables(m);
  register_context_network(m);

  m.def(
      "crc32c",
      [](const py::bytes& data, uint32_t before) {
        const std::span<const uint8_t> bytes = view(data);
        py::gil_scoped_release release;  // Python's bytes never change
        return crc32c(bytes, before);
      },
      py::arg("data"), py::arg("before") = 0);

  // The state of a binary coder changes with every call: the lock stays, so that two threads that
  // share one cannot tear it.
  py::class_<BinaryEncoder>(m, "BinaryEncoder", "Streams of bits; see imgcomp.codec.")
      .def(py::init<int64_t>(), py::arg("contexts"))
      .def_property_readonly("contexts", &BinaryEncoder::contexts)
      .def(
          "encode",
          [](BinaryEncoder& encoder, const at::Tensor& bits, const at::Tensor& contexts) {
            encoder.encode(numbers<uint8_t>(bits, "bits"), numbers<int32_t>(contexts, "contexts"));
          },
          py::arg("bits"), py::arg("contexts"))
      .def(
          "encode_raw",
          [](BinaryEncoder& encoder, const at::Tensor& values, int bits) {
            encoder.encode_raw(numbers<uint32_t>(values, "values"), bits);
          },
          py::arg("values"), py::arg("bits"))
      .def("end_part", &BinaryEncoder::end_part)
      .def("finish", [](BinaryEncoder& encoder) {
        BinaryEncoder::Stream stream = encoder.finish();
        return std::pair(to_python(stream.bytes), std::move(stream.parts));
      });

  py::class_<OwningBinaryDecoder>(m, "BinaryDecoder", "Streams of bits; see imgcomp.codec.")
      .def(py::init<py::bytes, int64_t>(), py::arg("stream"), py::arg("contexts"))
      .def_property_readonly("contexts",
                             [](const OwningBinaryDecoder& d) { return d.decoder.contexts(); })
      .def_property_readonly("at_end",
                             [](const OwningBinaryDecoder& d) { return d.decoder.at_end(); })
      .def_property_readonly("is_certain",
                             [](const OwningBinaryDecoder& d) { return d.decoder.is_certain(); })
      .def(
          "decode",
          [](OwningBinaryDecoder& d, const at::Tensor& contexts) {
            at::Tensor bits = at::empty(contexts.sizes(), at::kByte);
            d.decoder.decode(numbers<int32_t>(contexts, "contexts"),
                             writable<uint8_t>(bits, "bits"));
            return bits;
          },
          py::arg("contexts"))
      .def(
          "decode_raw",
          [](OwningBinaryDecoder& d, int bits, const std::vector<int64_t>& shape) {
            at::Tensor values = at::empty(shape, at::kInt);
            d.decoder.decode_raw(bits, writable<uint32_t>(values, "values"));
            return values;
          },
          py::arg("bits"), py::arg("shape"));
}

}  // namespace imgcomp::bindings

// Reads a layer's options: typed, with defaults, and strict about what it does not know.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "imgcomp/spec.h"

namespace imgcomp {

class OptionReader {
 public:
  // `path` ("encoder.conv1") begins every error message.
  OptionReader(const LayerSpec& layer, std::string path) : layer_(layer), path_(std::move(path)) {}

  // Whole numbers of at least `minimum`. Without a fallback the option is required.
  int64_t integer(const std::string& key, int64_t minimum, std::optional<int64_t> fallback = {});

  // A whole number for both axes, or a list [height, width].
  std::array<int64_t, 2> pair(const std::string& key, int64_t minimum,
                              std::optional<std::array<int64_t, 2>> fallback = {});

  std::vector<int64_t> integers(const std::string& key);
  double number(const std::string& key, double minimum, double maximum, double fallback);
  bool flag(const std::string& key, bool fallback);
  std::optional<std::string> text(const std::string& key);
  std::string choice(const std::string& key, const std::vector<std::string>& allowed,
                     const std::string& fallback);

  // SpecError if the layer has options that were not asked for.
  void finish() const;

  // Throws SpecError: "<path> (<kind>): <message>".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  const SpecValue* find(const std::string& key);
  void check_largest(const std::string& key, int64_t value) const;

  const LayerSpec& layer_;
  std::string path_;
  std::set<std::string> known_;
};

}  // namespace imgcomp

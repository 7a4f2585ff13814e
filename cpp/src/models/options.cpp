#include "options.h"

#include <algorithm>

#include "imgcomp/error.h"

namespace imgcomp {
namespace {

// Of every whole number in a spec, so that sizes can be computed without overflow.
constexpr int64_t kLargest = int64_t{1} << 22;

std::string describe(const SpecValue& value) {
  struct Visitor {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(int64_t v) const { return concat(v); }
    std::string operator()(double v) const { return concat(v); }
    std::string operator()(const std::string& v) const { return concat("'", v, "'"); }
    std::string operator()(const std::vector<int64_t>& v) const { return to_string(Shape(v)); }
  };
  return std::visit(Visitor{}, value);
}

}  // namespace

void OptionReader::fail(const std::string& message) const {
  throw SpecError(concat(path_, " (", layer_.kind, "): ", message));
}

void OptionReader::check_largest(const std::string& key, int64_t value) const {
  if (value > kLargest) {
    fail(concat("'", key, "' must be at most ", kLargest, ", not ", value));
  }
}

const SpecValue* OptionReader::find(const std::string& key) {
  known_.insert(key);
  const auto found = layer_.options.find(key);
  return found == layer_.options.end() ? nullptr : &found->second;
}

int64_t OptionReader::integer(const std::string& key, int64_t minimum,
                              std::optional<int64_t> fallback) {
  const SpecValue* value = find(key);
  if (value == nullptr) {
    if (!fallback) {
      fail(concat("option '", key, "' is missing"));
    }
    return *fallback;
  }
  const auto* number = std::get_if<int64_t>(value);
  if (number != nullptr) {
    check_largest(key, *number);
  }
  if (number == nullptr || *number < minimum) {
    fail(concat("'", key, "' must be a whole number of at least ", minimum, ", not ",
                describe(*value)));
  }
  return *number;
}

std::array<int64_t, 2> OptionReader::pair(const std::string& key, int64_t minimum,
                                          std::optional<std::array<int64_t, 2>> fallback) {
  const SpecValue* value = find(key);
  if (value == nullptr) {
    if (!fallback) {
      fail(concat("option '", key, "' is missing"));
    }
    return *fallback;
  }
  if (const auto* both = std::get_if<int64_t>(value); both != nullptr && *both >= minimum) {
    check_largest(key, *both);
    return {*both, *both};
  }
  if (const auto* list = std::get_if<std::vector<int64_t>>(value);
      list != nullptr && list->size() == 2 && std::ranges::min(*list) >= minimum) {
    check_largest(key, std::ranges::max(*list));
    return {(*list)[0], (*list)[1]};
  }
  fail(concat("'", key, "' must be a whole number of at least ", minimum,
              " or [height, width], not ", describe(*value)));
}

std::vector<int64_t> OptionReader::integers(const std::string& key) {
  const SpecValue* value = find(key);
  if (value == nullptr) {
    fail(concat("option '", key, "' is missing"));
  }
  const auto* list = std::get_if<std::vector<int64_t>>(value);
  if (list == nullptr || list->empty()) {
    fail(concat("'", key, "' must be a list of whole numbers, not ", describe(*value)));
  }
  return *list;
}

double OptionReader::number(const std::string& key, double minimum, double maximum,
                            double fallback) {
  const SpecValue* value = find(key);
  if (value == nullptr) {
    return fallback;
  }
  double number = 0.0;
  if (const auto* real = std::get_if<double>(value)) {
    number = *real;
  } else if (const auto* whole = std::get_if<int64_t>(value)) {
    number = static_cast<double>(*whole);
  } else {
    fail(concat("'", key, "' must be a number, not ", describe(*value)));
  }
  if (!(number >= minimum && number <= maximum)) {
    fail(concat("'", key, "' must be between ", minimum, " and ", maximum, ", not ", number));
  }
  return number;
}

bool OptionReader::flag(const std::string& key, bool fallback) {
  const SpecValue* value = find(key);
  if (value == nullptr) {
    return fallback;
  }
  const auto* flag = std::get_if<bool>(value);
  if (flag == nullptr) {
    fail(concat("'", key, "' must be true or false, not ", describe(*value)));
  }
  return *flag;
}

std::optional<std::string> OptionReader::text(const std::string& key) {
  const SpecValue* value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  const auto* text = std::get_if<std::string>(value);
  if (text == nullptr) {
    fail(concat("'", key, "' must be a string, not ", describe(*value)));
  }
  return *text;
}

std::string OptionReader::choice(const std::string& key, const std::vector<std::string>& allowed,
                                 const std::string& fallback) {
  const std::string value = text(key).value_or(fallback);
  if (std::ranges::find(allowed, value) == allowed.end()) {
    std::string list;
    for (const auto& one : allowed) {
      list += (list.empty() ? "'" : ", '") + one + "'";
    }
    fail(concat("'", key, "' must be one of ", list, ", not '", value, "'"));
  }
  return value;
}

void OptionReader::finish() const {
  for (const auto& [key, value] : layer_.options) {
    if (!known_.contains(key)) {
      std::string list;
      for (const auto& one : known_) {
        list += (list.empty() ? "" : ", ") + one;
      }
      fail(concat("unknown option '", key, "'; ",
                  list.empty() ? "this kind has none" : concat("this kind has: ", list)));
    }
  }
}

}  // namespace imgcomp

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace tributary::kube {

// Writes families of whole numbers in Prometheus' text format (version 0.0.4) as they are read, one line each:
//
//   family = "# HELP " name SP help LF "# TYPE " name SP ("counter" | "gauge") LF *sample
//   sample = name ["{" label *("," label) "}"] SP number LF
//   label  = key "=" <"> value with \\, \" and \n <">
//
// For families with a value for each object: kept as prometheus::ClientMetric, 10,000 objects would cost tens of MB.
class Exposition {
 public:
  enum class Type { counter, gauge };
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // The samples that follow are of this family; each family comes once.
  void family(std::string_view name, std::string_view help, Type type);
  void sample(Labels labels, std::uint64_t value);

  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

}  // namespace tributary::kube

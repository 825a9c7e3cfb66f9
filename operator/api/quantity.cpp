#include "operator/api/quantity.h"

#include <charconv>

namespace tributary::v1alpha1 {
namespace {

constexpr std::string_view decimal = "kMGTP";
constexpr std::string_view binary = "KMGTP";

std::optional<std::uint64_t> power(std::uint64_t base, std::size_t at) {
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t factor = base;
  for (std::size_t i = 0; i < at; ++i) factor *= base;
  return factor;
}

std::optional<std::uint64_t> factor_of(std::string_view suffix) {
  if (suffix.empty()) return 1;
  if (suffix.size() == 1) return power(1000, decimal.find(suffix[0]));
  if (suffix.size() == 2 && suffix[1] == 'i') return power(1024, binary.find(suffix[0]));
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  constexpr std::size_t most_digits = 15;
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (problem != std::errc{} || digits == 0 || digits > most_digits) return std::nullopt;
  const std::optional<std::uint64_t> factor = factor_of(text.substr(digits));
  std::uint64_t bytes = 0;
  if (!factor || __builtin_mul_overflow(number, *factor, &bytes)) return std::nullopt;
  return bytes;
}

}  // namespace tributary::v1alpha1

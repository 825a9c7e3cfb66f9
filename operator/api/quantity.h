#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tributary::v1alpha1 {

// Bytes as Kubernetes writes them: "50Gi", "500M", "1073741824"; a whole number of at most 15 digits, and k M G T P or
// Ki Mi Gi Ti Pi. Nothing for any other text, and for what 64 bits do not hold. The CRD's pattern says the same.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace tributary::v1alpha1

#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// The structural schema of crds/ as a test's judge: what a real API server would refuse, prune or let through, apart
// from CEL rules, which only a real one knows (e2e).
namespace tributary::v1alpha1::testing {

// The documents of a YAML file as JSON: plain scalars that are booleans or integers become such, as in kubectl.
std::vector<nlohmann::json> read_yaml(const std::string& path);
std::vector<nlohmann::json> parse_yaml(const std::string& text);

// The file crds/replications.tributary.dev.yaml as JSON, and the schema of its only version.
nlohmann::json crd();
nlohmann::json crd_schema();

// One line for each thing in `value` that the schema does not allow, unknown members included.
std::vector<std::string> violations(const nlohmann::json& schema, const nlohmann::json& value,
                                    const std::string& path = "");

}  // namespace tributary::v1alpha1::testing

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/api/spec.h"
#include "operator/api/status.h"

// The Secrets of a Replication, of which the operator knows names and versions and never a value.
namespace tributary::replication {

struct Observed;

// The names that a spec refers to: source, then target where it is another one.
std::vector<std::string> secret_names(const v1alpha1::Spec& spec);

// The names that the spec refers to and that are known not to exist.
std::vector<std::string> missing_secrets(const Observed& seen);

// The engine reads mounted files and says "secret for source" or "secret for target": the same text with the Secret's
// own name. Nothing when the text speaks of neither.
std::optional<std::string> named_secret(const v1alpha1::Spec& spec, const std::string& text);

// The form in a Job's annotation: "name/uid/resourceVersion" separated by spaces. Odd parts are left out.
std::string to_text(const std::vector<v1alpha1::CredentialVersion>& credentials);
std::vector<v1alpha1::CredentialVersion> credentials_from_text(std::string_view text);

}  // namespace tributary::replication

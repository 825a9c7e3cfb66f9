#include "operator/replication/credentials.h"

#include <algorithm>
#include <sstream>

#include "operator/replication/observed.h"

namespace tributary::replication {

std::vector<std::string> secret_names(const v1alpha1::Spec& spec) {
  if (spec.source.secret == spec.target.secret) return {spec.source.secret};
  return {spec.source.secret, spec.target.secret};
}

std::vector<std::string> missing_secrets(const Observed& seen) {
  const std::vector<std::string>& unwatched = seen.unwatched_secrets;
  std::vector<std::string> missing = secret_names(seen.object.spec);
  std::erase_if(missing, [&](const std::string& name) {
    return std::find(unwatched.begin(), unwatched.end(), name) != unwatched.end() ||
           std::any_of(seen.secrets.begin(), seen.secrets.end(), [&](const auto& found) { return found.name == name; });
  });
  return missing;
}

std::optional<std::string> named_secret(const v1alpha1::Spec& spec, const std::string& text) {
  const std::pair<std::string, std::string> ends[] = {{"secret for source", spec.source.secret},
                                                      {"secret for target", spec.target.secret}};
  for (const auto& [phrase, name] : ends) {
    const std::size_t at = text.find(phrase);
    if (at != text.npos) return text.substr(0, at) + "secret " + name + text.substr(at + phrase.size());
  }
  return std::nullopt;
}

std::string to_text(const std::vector<v1alpha1::CredentialVersion>& credentials) {
  std::string text;
  for (const v1alpha1::CredentialVersion& secret : credentials) {
    if (!text.empty()) text += ' ';
    text += secret.name + '/' + secret.uid + '/' + secret.resource_version;
  }
  return text;
}

std::vector<v1alpha1::CredentialVersion> credentials_from_text(std::string_view text) {
  std::vector<v1alpha1::CredentialVersion> credentials;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const std::size_t first = word.find('/');
    const std::size_t second = word.find('/', first + 1);
    if (first == word.npos || second == word.npos) continue;
    credentials.push_back({word.substr(0, first), word.substr(first + 1, second - first - 1), word.substr(second + 1)});
  }
  return credentials;
}

}  // namespace tributary::replication

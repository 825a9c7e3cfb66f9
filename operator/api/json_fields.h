#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/words.h"

// Reads members of a JSON object and remembers the first one that does not fit; absent ones leave the value as it
// is. Unknown members are left alone: the API server has pruned or refused them. Private to operator/api.
namespace tributary::v1alpha1 {

class JsonFields {
 public:
  // `path` names the object in flaws, "spec.source". `flaw` outlives the reader and keeps its first value.
  JsonFields(const nlohmann::json& object, std::string path, std::optional<Error>& flaw);

  JsonFields inner(const char* key) const;
  const nlohmann::json& raw(const char* key) const;

  void read(const char* key, std::string& value) const;
  void read(const char* key, bool& value) const;
  void read(const char* key, int& value) const;
  void read(const char* key, std::int64_t& value) const;
  void read(const char* key, std::uint16_t& value) const;
  void read(const char* key, std::uint64_t& value) const;
  void read(const char* key, std::vector<std::string>& value) const;
  void read(const char* key, std::map<std::string, std::string>& value) const;

  template <class E>
  void read_word(const char* key, E& value, const Words<E>& words) const {
    const nlohmann::json& found = raw(key);
    if (found.is_null()) return;
    const auto meaning = found.is_string() ? meaning_of(words, found.get_ref<const std::string&>()) : std::nullopt;
    if (!meaning) return complain(key, "is not one of the words that this version knows");
    value = *meaning;
  }

  void complain(const char* key, const std::string& why) const;

 private:
  std::int64_t whole(const char* key, std::int64_t most) const;

  const nlohmann::json* object_;
  std::string path_;
  std::optional<Error>* flaw_;
};

}  // namespace tributary::v1alpha1

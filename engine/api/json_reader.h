#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/words.h"

// Reads a JSON object field by field and remembers the first thing that does not fit. Private to engine/api.
namespace tributary::api {

// Whether a key that nobody asked for is an error (a configuration) or a newer peer saying more (a status).
enum class UnknownKeys { refuse, ignore };

class JsonReader {
 public:
  // Text that is no JSON object makes a reader that has failed already. `what` names the document in errors.
  JsonReader(std::string_view text, std::string what, UnknownKeys unknown);

  template <class T>
  JsonReader& read(const char* key, T& value) {
    if (const nlohmann::json* found = take(key)) assign(key, *found, value);
    return *this;
  }

  // Reads a word of a closed set.
  template <class E>
  JsonReader& read_word(const char* key, E& value, const Words<E>& words) {
    const nlohmann::json* found = take(key);
    if (found == nullptr) return *this;
    const auto meaning = found->is_string() ? meaning_of(words, found->get_ref<const std::string&>()) : std::nullopt;
    if (meaning) {
      value = *meaning;
      return *this;
    }
    std::string known;
    for (const auto& [word, unused] : words) known += (known.empty() ? "" : ", ") + std::string(word);
    return fail(key, "is not one of " + known);
  }

  template <class F>
  JsonReader& read_object(const char* key, F&& body) {
    const nlohmann::json* found = take(key);
    if (found == nullptr) return *this;
    JsonReader inner(*found, path(key), unknown_);
    body(inner);
    return absorb(inner.finish());
  }

  template <class T, class F>
  JsonReader& read_list(const char* key, std::vector<T>& values, F&& body) {
    const nlohmann::json* found = take(key);
    if (found == nullptr) return *this;
    if (!found->is_array()) return fail(key, "is not a list");
    for (const nlohmann::json& item : *found) {
      JsonReader inner(item, path(key), unknown_);
      T value;
      body(inner, value);
      absorb(inner.finish());
      values.push_back(std::move(value));
    }
    return *this;
  }

  // The first failure of any read, or an unknown key where those are refused.
  Result<void> finish();

 private:
  JsonReader(const nlohmann::json& value, std::string what, UnknownKeys unknown);

  std::string path(const char* key) const { return what_ + "." + key; }
  const nlohmann::json* take(const char* key);
  JsonReader& fail(const std::string& key, const std::string& why);
  JsonReader& absorb(Result<void> inner);

  std::string read_text(const char* key, const nlohmann::json& found);
  void assign(const char* key, const nlohmann::json& found, std::string& value);
  void assign(const char* key, const nlohmann::json& found, bool& value);
  void assign(const char* key, const nlohmann::json& found, int& value);
  void assign(const char* key, const nlohmann::json& found, std::uint16_t& value);
  void assign(const char* key, const nlohmann::json& found, std::uint64_t& value);
  void assign(const char* key, const nlohmann::json& found, std::optional<std::uint64_t>& value);
  void assign(const char* key, const nlohmann::json& found, std::vector<std::string>& value);

  nlohmann::json json_;
  std::string what_;
  UnknownKeys unknown_;
  std::vector<std::string> known_;
  Result<void> state_;
};

}  // namespace tributary::api

#include "engine/api/json_reader.h"

#include <algorithm>
#include <limits>

namespace tributary::api {

JsonReader::JsonReader(std::string_view text, std::string what, UnknownKeys unknown)
    : json_(nlohmann::json::parse(text, nullptr, false)), what_(std::move(what)), unknown_(unknown) {
  if (!json_.is_object()) state_ = Error{Fault::invalid, what_ + " is not a JSON object"};
}

JsonReader::JsonReader(const nlohmann::json& value, std::string what, UnknownKeys unknown)
    : json_(value), what_(std::move(what)), unknown_(unknown) {
  if (!json_.is_object()) state_ = Error{Fault::invalid, what_ + " is not an object"};
}

const nlohmann::json* JsonReader::take(const char* key) {
  known_.emplace_back(key);
  if (!state_ || !json_.is_object()) return nullptr;
  const auto found = json_.find(key);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

JsonReader& JsonReader::fail(const std::string& key, const std::string& why) {
  return absorb(Error{Fault::invalid, what_ + "." + key + " " + why});
}

JsonReader& JsonReader::absorb(Result<void> inner) {
  if (state_ && !inner) state_ = inner;
  return *this;
}

Result<void> JsonReader::finish() {
  if (!state_ || unknown_ == UnknownKeys::ignore) return state_;
  for (const auto& [key, value] : json_.items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      return Error{Fault::invalid, what_ + "." + key + " is unknown", "remove it or correct its spelling"};
    }
  }
  return {};
}

void JsonReader::assign(const char* key, const nlohmann::json& found, std::string& value) {
  if (!found.is_string()) return void(fail(key, "is not a text"));
  value = found.get<std::string>();
}

void JsonReader::assign(const char* key, const nlohmann::json& found, bool& value) {
  if (!found.is_boolean()) return void(fail(key, "is neither true nor false"));
  value = found.get<bool>();
}

void JsonReader::assign(const char* key, const nlohmann::json& found, std::uint64_t& value) {
  if (!found.is_number_unsigned()) return void(fail(key, "is not a whole number from 0"));
  value = found.get<std::uint64_t>();
}

void JsonReader::assign(const char* key, const nlohmann::json& found, int& value) {
  std::uint64_t wide = 0;
  assign(key, found, wide);
  if (wide > std::numeric_limits<int>::max()) return void(fail(key, "is too large"));
  value = static_cast<int>(wide);
}

void JsonReader::assign(const char* key, const nlohmann::json& found, std::uint16_t& value) {
  std::uint64_t wide = 0;
  assign(key, found, wide);
  if (wide > std::numeric_limits<std::uint16_t>::max()) return void(fail(key, "is larger than 65535"));
  value = static_cast<std::uint16_t>(wide);
}

void JsonReader::assign(const char* key, const nlohmann::json& found, std::vector<std::string>& value) {
  if (!found.is_array()) return void(fail(key, "is not a list"));
  for (const nlohmann::json& item : found) {
    if (!item.is_string()) return void(fail(key, "holds something that is not a text"));
    value.push_back(item.get<std::string>());
  }
}

}  // namespace tributary::api

#include "engine/api/json_reader.h"

#include <algorithm>
#include <limits>
#include <set>

namespace tributary::api {

namespace {

// Watches a document being parsed for an object that has a key twice: of such, only the last would be read.
class KeyWatch {
 public:
  explicit KeyWatch(std::string what) : path_{std::move(what)} {}

  void see(nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) {
      seen_.emplace_back();
      path_.emplace_back();
    }
    if (event == Event::object_end) {
      seen_.pop_back();
      path_.pop_back();
    }
    if (event != Event::key) return;
    path_.back() = parsed.get<std::string>();
    if (!seen_.back().insert(path_.back()).second && twice_.empty()) twice_ = path();
  }
  const std::string& twice() const { return twice_; }

 private:
  std::string path() const {
    std::string text;
    for (const std::string& each : path_) text += (text.empty() ? "" : ".") + each;
    return text;
  }

  std::vector<std::string> path_;
  std::vector<std::set<std::string>> seen_;  // per object that is open
  std::string twice_;
};

constexpr char nul = '\0';

}  // namespace

JsonReader::JsonReader(std::string_view text, std::string what, UnknownKeys unknown)
    : what_(std::move(what)), unknown_(unknown) {
  KeyWatch watch(what_);
  const auto see = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    watch.see(event, parsed);
    return true;
  };
  // nlohmann's parser takes a NUL byte for the end of the text.
  if (text.find(nul) == text.npos) json_ = nlohmann::json::parse(text, see, false);
  if (!json_.is_object()) state_ = Error{Fault::invalid, what_ + " is not a JSON object"};
  if (text.find(nul) != text.npos) state_ = Error{Fault::invalid, what_ + " holds a NUL byte"};
  if (state_ && unknown == UnknownKeys::refuse && !watch.twice().empty())
    state_ = Error{Fault::invalid, watch.twice() + " is given twice", "keep one of the two"};
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

// Nothing that a configuration names has a NUL in it, and most of what it is handed to would stop reading there.
std::string JsonReader::read_text(const char* key, const nlohmann::json& found) {
  std::string text = found.get<std::string>();
  if (unknown_ == UnknownKeys::refuse && text.find(nul) != text.npos) fail(key, "holds a NUL byte");
  return text;
}

void JsonReader::assign(const char* key, const nlohmann::json& found, std::string& value) {
  if (!found.is_string()) return void(fail(key, "is not a text"));
  value = read_text(key, found);
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

void JsonReader::assign(const char* key, const nlohmann::json& found, std::optional<std::uint64_t>& value) {
  assign(key, found, value.emplace());
}

void JsonReader::assign(const char* key, const nlohmann::json& found, std::vector<std::string>& value) {
  if (!found.is_array()) return void(fail(key, "is not a list"));
  for (const nlohmann::json& item : found) {
    if (!item.is_string()) return void(fail(key, "holds something that is not a text"));
    value.push_back(read_text(key, item));
  }
}

}  // namespace tributary::api

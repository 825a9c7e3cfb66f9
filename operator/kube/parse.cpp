#include "operator/kube/parse.h"

#include <string>
#include <utility>
#include <vector>

namespace tributary::kube {
namespace {

// A deep value is destroyed and compared by recursion.
constexpr std::size_t max_depth = 200;

// Told of a text by nlohmann's parser, piece by piece; false ends it.
class Builder {
 public:
  explicit Builder(const TakeItem* take) : take_(take) {}

  Json take() && { return std::move(root_); }

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(Json::number_integer_t value) { return put(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
  bool number_float(Json::number_float_t value, const std::string&) { return put(value); }
  bool string(std::string& value) { return put(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // no part of JSON
  bool start_object(std::size_t) { return begin(Json::object()); }
  bool start_array(std::size_t) { return begin(Json::array()); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(std::string& name) {
    if (skipped_ > 0) return true;
    name_ = std::move(name);
    skips_ = in_metadata() && name_ == "managedFields";
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) { return false; }

 private:
  struct Level {
    Json* value;
    std::string name;  // of the member that it is
  };

  bool in_metadata() const { return !open_.empty() && open_.back().name == "metadata"; }

  bool takes_items() const { return take_ != nullptr && open_.size() == 2 && open_.back().name == "items"; }

  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    Json& parent = *open_.back().value;
    if (!parent.is_array()) return parent[name_] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }

  void hand_over() {
    Json& items = *open_.back().value;
    if (!items.is_array()) return;
    Json item = std::move(items.back());
    items.erase(items.size() - 1);
    (*take_)(std::move(item));
  }

  bool put(Json value) {
    if (skipped_ > 0 || std::exchange(skips_, false)) return true;
    place(std::move(value));
    if (takes_items()) hand_over();
    return true;
  }

  bool begin(Json value) {
    if (open_.size() + skipped_ >= max_depth) return false;
    if (skipped_ > 0 || std::exchange(skips_, false)) {
      ++skipped_;
      return true;
    }
    const bool of_array = !open_.empty() && open_.back().value->is_array();
    Json& placed = place(std::move(value));
    open_.push_back({&placed, of_array || open_.empty() ? std::string() : name_});
    return true;
  }

  bool end() {
    if (skipped_ > 0) {
      --skipped_;
      return true;
    }
    open_.pop_back();
    if (takes_items()) hand_over();
    return true;
  }

  const TakeItem* take_;
  Json root_;
  std::vector<Level> open_;
  std::string name_;         // of the member that comes next
  bool skips_ = false;       // that member
  std::size_t skipped_ = 0;  // levels of it
};

Parsed parse(std::string_view text, const TakeItem* take) {
  Builder builder(take);
  if (!Json::sax_parse(text, &builder)) return {};
  return {std::move(builder).take(), true};
}

}  // namespace

Parsed parse_json(std::string_view text) {
  return parse(text, nullptr);
}

Parsed parse_list(std::string_view text, const TakeItem& take) {
  return parse(text, &take);
}

}  // namespace tributary::kube

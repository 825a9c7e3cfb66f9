#include "operator/kube/testing/read_exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>

namespace tributary::kube::testing {
namespace {

Error wrong(std::string_view line, const std::string& why) {
  return {Fault::invalid, why + " in line: " + std::string(line)};
}

bool is_name(std::string_view text, bool colons) {
  const auto fits = [&](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
           (colons && letter == ':') || (letter >= '0' && letter <= '9');
  };
  return !text.empty() && (text[0] < '0' || text[0] > '9') && std::all_of(text.begin(), text.end(), fits);
}

Result<double> number_in(std::string_view line, std::string_view text) {
  if (text == "+Inf") return HUGE_VAL;
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return wrong(line, "no number");
  return value;
}

// What stands between two quotes; `rest` begins behind the first and is left behind the second.
std::optional<std::string> quoted(std::string_view& rest) {
  std::string value;
  while (!rest.empty()) {
    const char letter = rest[0];
    rest.remove_prefix(1);
    if (letter == '"') return value;
    if (letter != '\\') {
      value += letter;
      continue;
    }
    if (rest.empty() || (rest[0] != 'n' && rest[0] != '\\' && rest[0] != '"')) return std::nullopt;
    value += rest[0] == 'n' ? '\n' : rest[0];
    rest.remove_prefix(1);
  }
  return std::nullopt;
}

// "{a="b",c="d"}" or nothing; `rest` is left behind it.
Result<std::map<std::string, std::string>> labels_in(std::string_view line, std::string_view& rest) {
  std::map<std::string, std::string> labels;
  if (!rest.starts_with('{')) return labels;
  rest.remove_prefix(1);
  while (!rest.starts_with('}')) {
    const std::string key(rest.substr(0, rest.find('=')));
    rest.remove_prefix(std::min(rest.size(), key.size()));
    if (!is_name(key, false) || !rest.starts_with("=\"")) return wrong(line, "no label");
    rest.remove_prefix(2);
    const std::optional<std::string> value = quoted(rest);
    if (!value || !labels.emplace(key, *value).second) return wrong(line, "no value of a label, or a second one");
    if (rest.starts_with(',')) rest.remove_prefix(1);
    if (rest.empty()) return wrong(line, "labels without an end");
  }
  rest.remove_prefix(1);
  return labels;
}

class Reader {
 public:
  Result<void> take(std::string_view line) {
    if (line.starts_with("# HELP ")) return take_help(line);
    if (line.starts_with("# TYPE ")) return take_type(line);
    return take_sample(line);
  }

  Result<void> end_family() const {
    if (name_.empty()) return {};
    const MetricFamily& family = exposed_.at(name_);
    if (family.type.empty()) return wrong(name_, "no TYPE");
    if (family.type == "counter" && !name_.ends_with("_total")) return wrong(name_, "a counter's name ends in _total");
    return family.type == "histogram" ? check_histogram(family) : Result<void>();
  }

  Exposed take() && { return std::move(exposed_); }

 private:
  Result<void> take_help(std::string_view line) {
    TRY(end_family());
    const std::string_view rest = line.substr(7);
    name_ = rest.substr(0, rest.find(' '));
    const bool fresh = is_name(name_, true) && !exposed_.contains(name_);
    if (!fresh || rest.size() <= name_.size() + 1) return wrong(line, "a family twice, or without help");
    exposed_[name_].help = rest.substr(name_.size() + 1);
    return {};
  }

  Result<void> take_type(std::string_view line) {
    const std::string type(line.substr(line.rfind(' ') + 1));
    const bool known = type == "counter" || type == "gauge" || type == "histogram";
    if (name_.empty() || line != "# TYPE " + name_ + " " + type || !known || !exposed_[name_].type.empty()) {
      return wrong(line, "no TYPE of the family above");
    }
    exposed_[name_].type = type;
    return {};
  }

  Result<void> take_sample(std::string_view line) {
    if (name_.empty() || exposed_[name_].type.empty()) return wrong(line, "a sample before its TYPE");
    MetricFamily& family = exposed_[name_];
    std::string_view rest = line;
    const std::string full(rest.substr(0, rest.find_first_of("{ ")));
    rest.remove_prefix(full.size());
    if (!full.starts_with(name_)) return wrong(line, "a sample of another family");
    Sample sample{.suffix = full.substr(name_.size()), .labels = TRY(labels_in(line, rest))};
    const std::set<std::string> suffixes =
        family.type == "histogram" ? std::set<std::string>{"_bucket", "_sum", "_count"} : std::set<std::string>{""};
    if (!suffixes.contains(sample.suffix)) return wrong(line, "a sample of another family");
    if (!rest.starts_with(' ')) return wrong(line, "no value");
    sample.value = TRY(number_in(line, rest.substr(1)));
    if (family.type == "counter" && sample.value < 0) return wrong(line, "a negative counter");
    if (!seen_.insert({full, sample.labels}).second) return wrong(line, "a sample twice");
    family.samples.push_back(std::move(sample));
    std::set<std::vector<std::string>> names;
    for (const Sample* each : {&family.samples.front(), &family.samples.back()}) names.insert(names_of(*each));
    if (names.size() > 1) return wrong(line, "labels that its neighbour has not");
    return {};
  }

  static std::vector<std::string> names_of(const Sample& sample) {
    std::vector<std::string> names;
    for (const auto& [key, value] : sample.labels) {
      if (key != "le") names.push_back(key);
    }
    return names;
  }

  // For each set of labels: buckets that grow and end with +Inf, which is the count, and a sum.
  static Result<void> check_histogram(const MetricFamily& family) {
    struct Seen {
      double bound = -HUGE_VAL, count = 0, total = -1;
      bool sum = false;
    };
    std::map<std::map<std::string, std::string>, Seen> sets;
    for (const Sample& sample : family.samples) {
      std::map<std::string, std::string> labels = sample.labels;
      labels.erase("le");
      Seen& seen = sets[labels];
      if (sample.suffix == "_sum") seen.sum = true;
      if (sample.suffix == "_count") seen.total = sample.value;
      if (sample.suffix != "_bucket") continue;
      const auto le = sample.labels.find("le");
      const double bound = TRY(number_in(family.help, le == sample.labels.end() ? "" : le->second));
      if (bound <= seen.bound || sample.value < seen.count) return wrong(family.help, "buckets that do not grow");
      seen.bound = bound;
      seen.count = sample.value;
    }
    for (const auto& [labels, seen] : sets) {
      if (!seen.sum || seen.bound != HUGE_VAL || seen.total != seen.count) return wrong(family.help, "no histogram");
    }
    return {};
  }

  Exposed exposed_;
  std::string name_;  // of the family under way
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
};

}  // namespace

std::vector<std::string> MetricFamily::label_names() const {
  std::vector<std::string> names;
  if (samples.empty()) return names;
  for (const auto& [key, value] : samples.front().labels) {
    if (key != "le") names.push_back(key);
  }
  return names;
}

const Sample* MetricFamily::find(const std::map<std::string, std::string>& labels, std::string_view suffix) const {
  const Sample* found = nullptr;
  for (const Sample& sample : samples) {
    const bool fits = std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
      const auto at = sample.labels.find(label.first);
      return at != sample.labels.end() && at->second == label.second;
    });
    if (!fits || sample.suffix != suffix) continue;
    if (found != nullptr) return nullptr;
    found = &sample;
  }
  return found;
}

Result<Exposed> read_exposition(std::string_view text) {
  Reader reader;
  if (!text.ends_with('\n')) return Error{Fault::invalid, "no line break at the end"};
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    TRY(reader.take(line));
  }
  TRY(reader.end_family());
  return std::move(reader).take();
}

}  // namespace tributary::kube::testing

#include "charts/testing/query.h"

#include <regex>
#include <sstream>

#include "charts/testing/chart.h"

namespace tributary::charts {
namespace {

using Words = std::set<std::string>;

const std::regex quoted(R"("[^"]*")");
const std::regex braces(R"(\{([^}]*)\})");
const std::regex range(R"(\[[^\]]*\])");
const std::regex grouping(R"(\b(by|without|on|ignoring)\s*\(([^)]*)\))");
const std::regex word(R"([A-Za-z_:][A-Za-z0-9_:]*)");

Words matches(const std::string& text, const std::regex& expression, std::size_t group = 0) {
  Words found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) {
    found.insert((*at)[group]);
  }
  return found;
}

Words labels_of_target() {
  return {"job", "namespace", "pod", "instance", "container", "endpoint", "service", "le"};
}

// A line of a table: | `name` | type | `label`, `label` | meaning |
void read_line(const std::string& line, std::map<std::string, Words>& known) {
  std::vector<std::string> cells;
  std::stringstream text(line);
  for (std::string cell; std::getline(text, cell, '|');) cells.push_back(cell);
  if (cells.size() < 5) return;
  static const std::regex in_ticks("`([a-z_:]+)`");
  const Words labels = matches(cells[3], in_ticks, 1);
  for (const std::string& name : matches(cells[1], in_ticks, 1)) {
    known[name].insert(labels.begin(), labels.end());
    // The PodMonitor of engines adds the Replication's.
    if (name.starts_with("tributary_")) known[name].insert("name");
  }
}

}  // namespace

Words labels_in(const std::string& query) {
  const std::string text = std::regex_replace(query, quoted, "");
  Words labels;
  for (const std::string& part : matches(text, braces, 1)) labels.merge(matches(part, word));
  for (const std::string& part : matches(text, grouping, 2)) labels.merge(matches(part, word));
  return labels;
}

Words metrics_in(const std::string& query) {
  std::string text = query;
  for (const std::regex* part : {&quoted, &braces, &range}) text = std::regex_replace(text, *part, "");
  text = std::regex_replace(text, grouping, "");
  static const std::regex function(R"([a-z_]+\s*\()");
  static const std::regex keyword(R"(\b(and|or|unless|offset|bool|sum|max|min|count|group_left|group_right)\b)");
  static const std::regex number(R"(\b[0-9][0-9a-z.]*)");
  for (const std::regex* part : {&function, &keyword, &number}) text = std::regex_replace(text, *part, " ");
  static const std::regex series("_(bucket|sum|count)$");
  Words metrics;
  for (const std::string& name : matches(text, word)) metrics.insert(std::regex_replace(name, series, ""));
  return metrics;
}

std::map<std::string, Words> documented_metrics() {
  std::map<std::string, Words> known{{"up", {}}};
  std::stringstream text(text_of("docs/metrics.md"));
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("|")) read_line(line, known);
  }
  for (auto& [name, labels] : known) labels.merge(labels_of_target());
  return known;
}

}  // namespace tributary::charts

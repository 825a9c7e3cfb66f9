#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "charts/testing/chart.h"
#include "charts/testing/query.h"
#include "operator/api/testing/crd_schema.h"

// Alerts and dashboard, by Prometheus' own tool and against what the programs say of themselves.
namespace tributary::charts {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSubsetOf;

json rule_values(json rule = json::object()) {
  rule["enabled"] = true;
  return {{"metrics",
           {{"prometheusRule", std::move(rule)},
            {"serviceMonitor", {{"enabled", true}}},
            {"dashboard", {{"enabled", true}}}}}};
}

json groups_of(const json& values) {
  const Result<std::vector<json>> objects = render(values);
  EXPECT_TRUE(objects.ok()) << (objects.ok() ? "" : objects.error().what);
  return objects.ok() ? one(objects.value(), "PrometheusRule")["spec"] : json();
}

std::map<std::string, json> alerts_of(const json& values) {
  const json spec = groups_of(values);
  std::map<std::string, json> alerts;
  for (const json& group : spec["groups"]) {
    for (const json& rule : group["rules"]) alerts[rule["alert"]] = rule;
  }
  return alerts;
}

std::string promtool(const std::string& verb, const std::string& path) {
  const Result<std::string> said = said_by("\"$PROMTOOL\" " + verb + " '" + path + "'");
  return said.ok() ? "" : said.error().what;
}

const json tests = v1alpha1::testing::read_yaml(TRIBUTARY_ROOT "/charts/alerts_test.yaml").at(0);

json dashboard() {
  const Result<std::vector<json>> objects = render(rule_values());
  return json::parse(
      one(objects.value(), "ConfigMap", "tributary-operator-dashboard")["data"]["tributary.json"].get<std::string>());
}

// With the words of Grafana's variables.
std::vector<std::string> queries_of(const json& board) {
  std::vector<std::string> queries;
  for (const json& panel : board["panels"]) {
    const json targets = panel.value("targets", json::array());
    for (const json& target : targets) {
      std::string query = target["expr"];
      for (const auto& [variable, word] :
           {std::pair("\\$__rate_interval", "5m"), {"\\$namespace", ".*"}, {"\\$name", ".*"}, {"\\$job", "x"}}) {
        query = std::regex_replace(query, std::regex(variable), word);
      }
      queries.push_back(query);
    }
  }
  return queries;
}

std::vector<std::string> all_queries() {
  std::vector<std::string> queries = queries_of(dashboard());
  for (const auto& [name, rule] : alerts_of(rule_values())) queries.push_back(rule["expr"]);
  return queries;
}

TEST(Alerts, fire_and_do_not_as_alerts_test_yaml_says) {
  const ScratchFile rules("alerts.yaml", groups_of(rule_values()).dump());
  EXPECT_EQ(promtool("check rules", rules.path()), "");
  const std::string copy = std::filesystem::path(rules.path()).parent_path() / "alerts_test.yaml";
  std::filesystem::copy_file(TRIBUTARY_ROOT "/charts/alerts_test.yaml", copy);
  EXPECT_EQ(promtool("test rules", copy), "");
}

TEST(Alerts, are_each_seen_to_fire_and_not_to) {
  std::map<std::string, std::set<bool>> seen;
  for (const json& test : tests["tests"]) {
    for (const json& moment : test["alert_rule_test"]) {
      seen[moment["alertname"]].insert(moment.contains("exp_alerts"));
    }
  }
  const std::map<std::string, json> alerts = alerts_of(rule_values());
  EXPECT_GE(alerts.size(), 13U);
  for (const auto& [name, rule] : alerts) EXPECT_EQ(seen[name], (std::set<bool>{false, true})) << name;
}

// Where nobody reads the operator's metrics it would fire for ever.
TEST(Alerts, say_that_the_operator_is_down_only_where_a_monitor_asks_for_it) {
  const auto down = [](const json& monitors) {
    json values = {{"metrics", monitors}};
    values["metrics"]["prometheusRule"]["enabled"] = true;
    return alerts_of(values).contains("TributaryOperatorDown");
  };
  EXPECT_FALSE(down(json::object()));
  EXPECT_FALSE(down({{"enginePodMonitor", {{"enabled", true}}}}));
  EXPECT_TRUE(down({{"serviceMonitor", {{"enabled", true}}}}));
  EXPECT_TRUE(down({{"podMonitor", {{"enabled", true}}}}));
}

TEST(Alerts, are_explained_each_in_a_section_of_its_own) {
  const std::string text = text_of("docs/alerts.md");
  const std::regex heading("\n## ([A-Za-z]+)\n");
  std::set<std::string> sections;
  for (std::sregex_iterator at(text.begin(), text.end(), heading), end; at != end; ++at) sections.insert((*at)[1]);
  std::set<std::string> names;
  for (const auto& [name, rule] : alerts_of(rule_values({{"runbookURL", "https://example.com/alerts.md"}}))) {
    names.insert(name);
    std::string anchor = name;
    std::transform(anchor.begin(), anchor.end(), anchor.begin(), [](unsigned char c) { return std::tolower(c); });
    EXPECT_EQ(rule["annotations"]["runbook_url"], "https://example.com/alerts.md#" + anchor);
  }
  EXPECT_EQ(sections, names);
}

TEST(Alerts, can_be_left_out_and_have_limits_of_ones_own) {
  const std::map<std::string, json> alerts = alerts_of(
      rule_values({{"disabled", {"ReplicationNotReady"}}, {"lagSeconds", 7}, {"retainedBytes", 10'000'000'000}}));
  EXPECT_FALSE(alerts.contains("ReplicationNotReady"));
  EXPECT_THAT(alerts.at("ReplicationLagHigh").at("expr").get<std::string>(), ::testing::EndsWith("> 7"));
  EXPECT_THAT(alerts.at("ReplicationSourceRetainedBytesHigh").at("expr").get<std::string>(),
              ::testing::EndsWith("> 10000000000"));
  EXPECT_FALSE(alerts_of({{"metrics", {{"prometheusRule", {{"enabled", true}}}}},
                          {"replicas", 1},
                          {"leaderElection", {{"enabled", false}}}})
                   .contains("TributaryOperatorNoLeader"));
}

// Where operator pods come and go, each metric of a Replication is there more than once.
TEST(Alerts, count_a_replication_once) {
  for (const auto& [name, rule] : alerts_of(rule_values())) {
    EXPECT_THAT(rule["expr"].get<std::string>(), ::testing::ContainsRegex("max|sum|absent")) << name;
  }
}

TEST(Dashboard, has_panels_that_stand_apart_and_ask_the_source_that_is_chosen) {
  const json board = dashboard();
  std::set<int> ids;
  std::set<std::pair<int, int>> taken;
  for (const json& panel : board["panels"]) {
    SCOPED_TRACE(panel["title"]);
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second);
    const json& place = panel["gridPos"];
    for (int x = place["x"]; x < place["x"].get<int>() + place["w"].get<int>(); ++x) {
      for (int y = place["y"]; y < place["y"].get<int>() + place["h"].get<int>(); ++y) {
        EXPECT_TRUE(taken.insert({x, y}).second && x < 24);
      }
    }
    if (panel["type"] != "row") {
      EXPECT_EQ(panel["datasource"], (json{{"type", "prometheus"}, {"uid", "${datasource}"}}));
    }
  }
  EXPECT_GE(ids.size(), 20U);
}

TEST(Queries, are_such_as_prometheus_reads) {
  json rules = json::array();
  for (const std::string& query : all_queries()) {
    rules.push_back({{"record", "query:" + std::to_string(rules.size())}, {"expr", query}});
  }
  EXPECT_GE(rules.size(), 45U);
  const ScratchFile file("queries.yaml", json{{"groups", {{{"name", "queries"}, {"rules", rules}}}}}.dump());
  EXPECT_EQ(promtool("check rules", file.path()), "");
}

// A name or a label that nobody serves is found by nobody: the query is empty, and so is the panel.
TEST(Queries, name_metrics_and_labels_that_are_documented) {
  const std::map<std::string, std::set<std::string>> known = documented_metrics();
  EXPECT_GE(known.size(), 40U);
  std::set<std::string> asked;
  for (const std::string& query : all_queries()) {
    SCOPED_TRACE(query);
    std::set<std::string> labels;
    for (const std::string& metric : metrics_in(query)) {
      asked.insert(metric);
      ASSERT_TRUE(known.contains(metric)) << metric;
      labels.insert(known.at(metric).begin(), known.at(metric).end());
    }
    EXPECT_THAT(labels_in(query), IsSubsetOf(labels));
  }
  for (const char* metric : {"replication_info", "replication_lag_seconds", "tributary_snapshot_percent"}) {
    EXPECT_THAT(asked, Contains(metric));
  }
}

TEST(Queries, are_read_by_this_test) {
  const std::string query = R"(sum by (pod, le) (rate(a_bucket{b="c", d=~"e"}[5m] offset 1h)) unless on (f) g > 3)";
  EXPECT_EQ(metrics_in(query), (std::set<std::string>{"a", "g"}));
  EXPECT_EQ(labels_in(query), (std::set<std::string>{"b", "d", "f", "le", "pod"}));
}

}  // namespace
}  // namespace tributary::charts

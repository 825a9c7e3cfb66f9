#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "config/argocd/lua.h"
#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/api/testing/crd_schema.h"

namespace tributary::argocd {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace condition = v1alpha1::condition;
namespace crd = v1alpha1::testing;

const std::string root = TRIBUTARY_ROOT;
const std::string folder = root + "/config/argocd/resource_customizations/" + v1alpha1::group + "/" + v1alpha1::kind;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

json yaml(const std::string& path) {
  return crd::read_yaml(path).at(0);
}

json returned(const std::string& script, const json& object) {
  const Result<json> result = run(script, object);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().what);
  return result.ok() ? result.value() : json();
}

json health_of(const json& object) {
  return returned(text_of(folder + "/health.lua"), object);
}

// A list as an array of objects, each with its name; sorted by it, as Argo CD does.
json actions_of(const json& object) {
  json list = json::array();
  const json found = returned(text_of(folder + "/actions/discovery.lua"), object);
  for (const auto& [name, action] : found.items()) {
    list.push_back(action);
    list.back()["name"] = name;
  }
  return list;
}

std::vector<std::string> testdata() {
  std::vector<std::string> paths;
  for (const char* place : {"/testdata", "/actions/testdata"}) {
    for (const auto& file : std::filesystem::directory_iterator(folder + place)) paths.push_back(file.path());
  }
  return paths;
}

TEST(Sandbox, has_no_more_than_argo_cd_allows) {
  EXPECT_THAT(run("return string.upper('a')", {}).error().what, HasSubstr("string"));
  EXPECT_THAT(run("return os.execute('true')", {}).error().what, HasSubstr("execute"));
  EXPECT_EQ(returned("return {a = obj.a, b = {obj.b[2], 1.5}}", {{"a", 7}, {"b", {"x", "y"}}}),
            (json{{"a", 7}, {"b", {"y", 1.5}}}));
}

TEST(Health, is_what_health_test_yaml_says) {
  std::set<std::string> told;
  std::set<std::string> read;
  const json tests = yaml(folder + "/health_test.yaml");
  for (const json& test : tests["tests"]) {
    const std::string path = test["inputPath"];
    SCOPED_TRACE(path);
    EXPECT_EQ(health_of(yaml(folder + "/" + path)), test["healthStatus"]);
    told.insert(test["healthStatus"]["status"]);
    read.insert(folder + "/" + path);
  }
  EXPECT_EQ(told, (std::set<std::string>{"Degraded", "Healthy", "Progressing", "Suspended"}));
  EXPECT_GE(read.size(), 9U);
  for (const auto& file : std::filesystem::directory_iterator(folder + "/testdata")) {
    EXPECT_THAT(read, Contains(file.path())) << "no test reads it";
  }
}

// Whatever the API server lets an object lack, the scripts get on without.
TEST(Scripts, get_on_without_any_field_that_may_be_missing) {
  const std::string health = text_of(folder + "/health.lua");
  const std::string discovery = text_of(folder + "/actions/discovery.lua");
  for (const std::string& path : testdata()) {
    const json whole = yaml(path);
    const json leaves = whole.flatten();
    for (const auto& [pointer, value] : leaves.items()) {
      json part = whole;
      json::json_pointer at(pointer);
      const std::string member = at.back();
      at.pop_back();
      if (!part[at].is_object()) continue;
      part[at].erase(member);
      const bool told = run(health, part).ok() && run(discovery, part).ok();
      EXPECT_TRUE(told || !crd::violations(crd::crd_schema(), part).empty()) << path << " without " << pointer;
    }
  }
}

TEST(Health, of_a_generation_that_nobody_has_looked_at_is_never_told_from_the_one_before) {
  for (const std::string& path : testdata()) {
    json object = yaml(path);
    object["metadata"]["generation"] = object["metadata"]["generation"].get<int>() + 1;
    EXPECT_EQ(health_of(object)["status"], "Progressing") << path;
  }
}

TEST(Actions, are_offered_as_action_test_yaml_says) {
  const json tests = yaml(folder + "/actions/action_test.yaml");
  for (const json& test : tests["discoveryTests"]) {
    const std::string path = test["inputPath"];
    EXPECT_EQ(actions_of(yaml(folder + "/actions/" + path)), test["result"]) << path;
  }
}

TEST(Actions, change_the_spec_as_action_test_yaml_says_and_nothing_else) {
  std::set<std::string> tried;
  const json tests = yaml(folder + "/actions/action_test.yaml");
  for (const json& test : tests["actionTests"]) {
    const std::string action = test["action"];
    SCOPED_TRACE(action);
    const json before = yaml(folder + "/actions/" + test["inputPath"].get<std::string>());
    json after = returned(text_of(folder + "/actions/" + action + "/action.lua"), before);
    EXPECT_EQ(after, yaml(folder + "/actions/" + test["expectedOutputPath"].get<std::string>()));
    EXPECT_NE(after["spec"], before["spec"]);
    after["spec"] = before["spec"];
    EXPECT_EQ(after, before);
    tried.insert(action);
  }
  EXPECT_EQ(tried, (std::set<std::string>{"pause", "resume", "verify"}));
}

// What is tested is what the operator writes.
TEST(Testdata, fits_the_schema_and_holds_documented_conditions) {
  const std::set<std::string> types = {condition::ready,    condition::reconciling,       condition::stalled,
                                       condition::verified, condition::validated,         condition::snapshot_complete,
                                       condition::synced,   condition::credentials_synced};
  const std::string reasons = text_of(root + "/README.md") + text_of(root + "/docs/findings.md");
  for (const std::string& path : testdata()) {
    SCOPED_TRACE(path);
    const json object = yaml(path);
    EXPECT_THAT(crd::violations(crd::crd_schema(), object), IsEmpty());
    const json conditions = object.value("/status/conditions"_json_pointer, json::array());
    for (const json& found : conditions) {
      EXPECT_THAT(types, Contains(found["type"]));
      EXPECT_THAT(reasons, HasSubstr("`" + found["reason"].get<std::string>() + "`"));
    }
  }
}

TEST(ArgocdConfigMap, holds_the_same_scripts) {
  const json config = yaml(root + "/config/argocd/argocd-cm.yaml")["data"];
  const std::string suffix = std::string(v1alpha1::group) + "_" + v1alpha1::kind;
  EXPECT_EQ(config["resource.customizations.health." + suffix], text_of(folder + "/health.lua"));
  const json actions = crd::parse_yaml(config["resource.customizations.actions." + suffix]).at(0);
  EXPECT_EQ(actions["discovery.lua"], text_of(folder + "/actions/discovery.lua"));
  std::set<std::string> names;
  for (const json& definition : actions["definitions"]) {
    const std::string name = definition["name"];
    EXPECT_EQ(definition["action.lua"], text_of(folder + "/actions/" + name + "/action.lua"));
    names.insert(name);
  }
  EXPECT_EQ(names, (std::set<std::string>{"pause", "resume", "verify"}));
  const json ignored = crd::parse_yaml(config["resource.customizations.ignoreResourceUpdates." + suffix]).at(0);
  EXPECT_EQ(ignored, (json{{"jsonPointers", {"/status"}}}));
}

}  // namespace
}  // namespace tributary::argocd

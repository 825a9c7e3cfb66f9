#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "charts/testing/chart.h"
#include "operator/api/testing/crd_schema.h"
#include "operator/flags.h"

// What the operator is started with and may do.
namespace tributary::charts {
namespace {

using nlohmann::json;
using ::testing::IsEmpty;

std::vector<json> rendered(const json& values) {
  Result<std::vector<json>> objects = render(values);
  EXPECT_TRUE(objects.ok()) << (objects.ok() ? "" : objects.error().what);
  return objects.ok() ? std::move(objects).value() : std::vector<json>{};
}

bool holds(const json& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

const json namespaced = {{"watchNamespaces", {"shop", "stock"}}};
const json confined = {{"watchNamespaces", {"shop"}}, {"secretNames", {"source", "target"}}};

std::vector<json> of_kinds(const std::vector<json>& objects, const std::set<std::string>& kinds) {
  std::vector<json> found;
  for (const json& object : objects) {
    if (kinds.contains(object["kind"].get<std::string>())) found.push_back(object);
  }
  return found;
}

// Of Roles and ClusterRoles of the operator itself, each with the namespace of its Role or "".
std::vector<std::pair<std::string, json>> rules_of(const std::vector<json>& objects) {
  std::vector<std::pair<std::string, json>> rules;
  for (const json& role : of_kinds(objects, {"Role", "ClusterRole"})) {
    const json labels = role["metadata"].value("labels", json::object());
    if (labels.contains("rbac.authorization.k8s.io/aggregate-to-admin")) continue;
    for (const json& rule : role["rules"]) rules.emplace_back(role["metadata"].value("namespace", ""), rule);
  }
  return rules;
}

json args_of(const std::vector<json>& objects) {
  return one(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
}

Flags parsed(const json& args) {
  Flags flags;
  CLI::App app;
  declare(app, flags);
  auto words = args.get<std::vector<std::string>>();
  std::reverse(words.begin(), words.end());
  EXPECT_NO_THROW(app.parse(words)) << args.dump();
  return flags;
}

TEST(Arguments, are_what_the_operator_understands) {
  const json values = {{"watchNamespaces", {"shop", "stock"}}, {"secretNames", {"source"}}, {"workers", 3}};
  const Flags flags = parsed(args_of(rendered(values)));
  EXPECT_EQ(flags.namespaces, (std::vector<std::string>{"shop", "stock"}));
  EXPECT_EQ(flags.secret_names, std::vector<std::string>{"source"});
  EXPECT_EQ(flags.workers, 3);
  EXPECT_EQ(flags.release_key, "tributary-operator-release");
  EXPECT_EQ(flags.log_format, "json");
  EXPECT_EQ(parsed(args_of(rendered({{"secretAccess", "None"}}))).secret_access, "None");
}

TEST(Rights, have_no_star_and_enter_no_pod) {
  for (const json& values : {json::object(), namespaced, confined}) {
    for (const auto& [space, rule] : rules_of(rendered(values))) {
      for (const char* list : {"apiGroups", "resources", "verbs"}) EXPECT_FALSE(holds(rule[list], "*")) << rule;
      for (const char* never : {"pods/exec", "pods/log", "pods/attach", "pods/portforward", "serviceaccounts/token"}) {
        EXPECT_FALSE(holds(rule["resources"], never)) << rule;
      }
    }
  }
}

TEST(Rights, to_secrets_are_to_watch_them_and_to_write_one_alone) {
  for (const json& values : {json::object(), namespaced, confined, json{{"secretAccess", "None"}}}) {
    int keys = 0;
    for (const auto& [space, rule] : rules_of(rendered(values))) {
      if (!holds(rule["resources"], "secrets")) continue;
      EXPECT_EQ(rule["resources"].size(), 1U);
      if (holds(rule["verbs"], "patch")) {
        EXPECT_EQ(space, release_namespace);
        EXPECT_EQ(rule["resourceNames"], json{"tributary-operator-release"});
        EXPECT_EQ(rule["verbs"], (json{"get", "patch"}));
        ++keys;
      } else {
        EXPECT_NE(values.value("secretAccess", ""), "None");
        EXPECT_EQ(rule["verbs"], (json{"list", "watch"}));
        EXPECT_EQ(rule.value("resourceNames", json()), values.value("secretNames", json()));
      }
    }
    EXPECT_EQ(keys, 1);
  }
}

TEST(Rights, to_leases_are_of_the_operators_own_namespace_and_one_lease) {
  std::set<std::string> verbs;
  for (const auto& [space, rule] : rules_of(rendered({}))) {
    if (!holds(rule["resources"], "leases")) continue;
    EXPECT_EQ(space, release_namespace);
    if (!holds(rule["verbs"], "create")) {
      EXPECT_EQ(rule["resourceNames"], json{"tributary-operator"});
    }
    for (const json& verb : rule["verbs"]) verbs.insert(verb);
  }
  EXPECT_EQ(verbs, (std::set<std::string>{"create", "get", "update"}));
}

TEST(Rights, in_a_namespace_are_those_of_the_cluster_and_no_more) {
  std::set<std::string> cluster;
  for (const auto& [space, rule] : rules_of(rendered({}))) {
    if (space.empty()) cluster.insert(rule.dump());
  }
  std::map<std::string, std::set<std::string>> spaces;
  for (const auto& [space, rule] : rules_of(rendered(namespaced))) spaces[space].insert(rule.dump());
  std::set<std::string> names;
  for (const auto& [space, rules] : spaces) names.insert(space);
  EXPECT_EQ(names, (std::set<std::string>{"", "default", release_namespace, "shop", "stock"}));
  EXPECT_EQ(spaces["shop"], cluster);
  EXPECT_EQ(spaces["stock"], cluster);
}

std::vector<std::string> names_in_the_cluster(const json& values) {
  std::vector<std::string> names;
  for (const json& object : of_kinds(rendered(values), {"ClusterRole", "ClusterRoleBinding"})) {
    names.push_back(object["metadata"]["name"]);
  }
  return names;
}

// A namespace that is deleted loses the Role in it before the finalizers of its Replications are gone.
TEST(Rights, in_namespaces_need_of_the_cluster_what_outlives_one_of_them_alone) {
  json values = namespaced;
  values["userRoles"]["enabled"] = false;
  EXPECT_THAT(names_in_the_cluster(values),
              ::testing::ElementsAre("tributary-operator-finalizer", "tributary-operator-finalizer"));
  std::map<std::string, json> verbs;
  for (const auto& [space, rule] : rules_of(rendered(values))) {
    if (!space.empty()) continue;
    for (const json& resource : rule["resources"]) verbs[resource] = rule["verbs"];
  }
  EXPECT_EQ(verbs, (std::map<std::string, json>{{"replications", {"get", "patch"}},
                                                {"replications/status", json{"patch"}},
                                                {"namespaces", json{"get"}}}));
}

TEST(Rights, in_the_cluster_are_none_where_that_is_asked_for) {
  json values = namespaced;
  values["finalizerAccess"] = "Namespace";
  EXPECT_THAT(names_in_the_cluster(values), ::testing::UnorderedElementsAre("tributary-edit", "tributary-view"));
  values["userRoles"]["enabled"] = false;
  EXPECT_THAT(names_in_the_cluster(values), IsEmpty());
}

// Where Events about what is not in a namespace stand, and about what one that ends has left.
TEST(Rights, in_default_are_to_create_events) {
  for (json values : {namespaced, json{{"watchNamespaces", {"default", "shop"}}}}) {
    std::vector<json> rules;
    for (const json& role : of_kinds(rendered(values), {"Role"})) {
      if (role["metadata"]["namespace"] == "default" && role["metadata"]["name"] == "tributary-operator-events")
        rules = role["rules"];
    }
    EXPECT_THAT(rules,
                ::testing::ElementsAre(
                    json{{"apiGroups", {"events.k8s.io"}}, {"resources", {"events"}}, {"verbs", {"create", "patch"}}}));
  }
  EXPECT_TRUE(one(rendered({}), "Role", "tributary-operator-events").is_null()) << "they are of the ClusterRole";
}

TEST(Rights, are_bound_to_the_account_of_the_pod) {
  for (const json& account : {json(), json{{"name", "robot"}}, json{{"create", false}, {"name", "there"}}}) {
    json values = namespaced;
    if (!account.is_null()) values["serviceAccount"] = account;
    const std::vector<json> objects = rendered(values);
    const json name = one(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"];
    for (const json& binding : of_kinds(objects, {"RoleBinding", "ClusterRoleBinding"})) {
      EXPECT_EQ(binding["subjects"],
                (json{{{"kind", "ServiceAccount"}, {"name", name}, {"namespace", release_namespace}}}));
    }
    EXPECT_EQ(one(objects, "ServiceAccount").is_null(), name == "there");
  }
}

// --- config/install is for those who have no Helm.

// Objects by what they are; their own labels are not compared.
std::set<std::string> gists(const std::vector<json>& objects) {
  std::set<std::string> found;
  for (json object : objects) {
    if (object["kind"] == "Namespace" || object["kind"] == "Replication") continue;
    const json name = object["metadata"]["name"];
    object["metadata"] = {{"name", name}};
    found.insert(object.dump());
  }
  return found;
}

void forget(json& value, const std::string& key) {
  if (value.is_object()) value.erase(key);
  for (json& member : value) {
    if (member.is_structured()) forget(member, key);
  }
}

// Helm's labels are of a release.
std::vector<json> without_release(std::vector<json> objects) {
  for (json& object : objects) {
    for (const char* label :
         {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}) {
      forget(object, label);
    }
  }
  return objects;
}

TEST(ConfigInstall, installs_what_the_chart_does) {
  const std::vector<json> manifests = v1alpha1::testing::read_yaml(TRIBUTARY_ROOT "/config/install/operator.yaml");
  const std::vector<json> objects = rendered({{"image", {{"tag", "dev"}}}, {"crds", {{"enabled", false}}}});
  EXPECT_EQ(gists(without_release(manifests)), gists(without_release(objects)));
}

}  // namespace
}  // namespace tributary::charts

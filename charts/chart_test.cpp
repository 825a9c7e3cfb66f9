#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "charts/testing/chart.h"
#include "operator/api/names.h"
#include "operator/api/replication.h"
#include "operator/api/testing/crd_schema.h"
#include "operator/api/validate.h"

namespace tributary::charts {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace crd = v1alpha1::testing;

const json everything = R"({
  "global": {"imageRegistry": "registry.example:5000", "imagePullSecrets": ["mirror"], "ofAnotherChart": 1},
  "image": {"repository": "team/tributary", "digest":
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "pullSecrets": ["mirror", "team"]},
  "watchNamespaces": ["shop", "stock"], "secretNames": ["source", "target"], "logLevel": "debug", "replicas": 3,
  "podDisruptionBudget": {"maxUnavailable": "34%"},
  "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"mine": "yes"}}}],
  "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}, "nodeSelector": {"disk": "fast"},
  "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
  "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
  "priorityClassName": "important", "podLabels": {"team": "data"}, "podAnnotations": {"note": "two words"},
  "serviceAccount": {"name": "robot", "annotations": {"role": "x"}}, "crds": {"keep": false},
  "networkPolicy": {
    "operator": {"enabled": true, "apiServerCIDRs": ["10.0.0.1/32"], "metricsFrom": [{"namespaceSelector": {}}]},
    "engines": {"enabled": true, "metricsFrom": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
      "egress": [{"ports": [{"port": 5432, "protocol": "TCP"}]}]}},
  "metrics": {"serviceMonitor": {"enabled": true, "labels": {"release": "prometheus"}},
    "enginePodMonitor": {"enabled": true}, "prometheusRule": {"enabled": true, "labels": {"release": "prometheus"},
    "runbookURL": "https://example.com/alerts.md"}, "dashboard": {"enabled": true, "namespace": "monitoring"}},
  "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{ .Release.Name }}-more",
    "namespace": "{{ .Release.Namespace }}", "labels": {}}},
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: text, namespace: \"{{ .Release.Namespace }}\", labels: {}}\n"]
})"_json;

const std::string long_name = "release-with-a-name-that-is-as-long-as-helm-allows-53";

struct Combination {
  std::string name;
  json values;
  std::string release = "tributary";
};

std::vector<Combination> combinations() {
  json namespaced = everything;
  namespaced["userRoles"]["enabled"] = false;
  json cluster_wide = everything;
  cluster_wide["watchNamespaces"] = json::array();
  cluster_wide["networkPolicy"]["engines"]["namespaces"] = {"shop"};
  json pods = everything;
  pods["metrics"]["serviceMonitor"]["enabled"] = false;
  pods["metrics"]["podMonitor"]["enabled"] = true;
  return {{"defaults", {}},
          {"another release", {}, "blue"},
          {"a long name", everything, long_name},
          {"names of one's own", {{"fullnameOverride", "copier"}}, "blue"},
          {"another part of the name", {{"nameOverride", "copier"}}, "blue"},
          {"everything", everything},
          {"everything without rights in the cluster", namespaced},
          {"everything cluster-wide", cluster_wide},
          {"everything with a PodMonitor", pods},
          {"one replica", {{"replicas", 1}}},
          {"no leader", {{"replicas", 1}, {"leaderElection", {{"enabled", false}}}}},
          {"no replica", {{"replicas", 0}}},
          {"no budget", {{"podDisruptionBudget", {{"enabled", false}}}}},
          {"no Secrets", {{"secretAccess", "None"}}},
          {"no CRD", {{"crds", {{"enabled", false}}}}},
          {"a ServiceAccount that is there", {{"serviceAccount", {{"create", false}, {"name", "there"}}}}},
          {"no spread", {{"topologySpreadConstraints", json::array()}}}};
}

std::vector<json> rendered(const json& values, const std::string& release = "tributary") {
  Result<std::vector<json>> objects = render(values, release);
  EXPECT_TRUE(objects.ok()) << (objects.ok() ? "" : objects.error().what);
  return objects.ok() ? std::move(objects).value() : std::vector<json>{};
}

std::string refusal(const json& values) {
  const Result<std::vector<json>> objects = render(values);
  return objects.ok() ? "" : objects.error().what;
}

json pod_of(const std::vector<json>& objects) {
  return one(objects, "Deployment")["spec"]["template"];
}

std::string id_of(const json& object) {
  return object["kind"].get<std::string>() + " " + object["metadata"].value("namespace", "") + "/" +
         object["metadata"]["name"].get<std::string>();
}

TEST(Chart, renders_what_kubernetes_knows_in_every_combination_of_values) {
  const json kinds = crd::read_yaml(TRIBUTARY_ROOT "/charts/testing/kinds.yaml").at(0);
  for (const Combination& combination : combinations()) {
    std::set<std::string> ids;
    for (const json& object : rendered(combination.values, combination.release)) {
      SCOPED_TRACE(combination.name + ": " + id_of(object));
      EXPECT_TRUE(ids.insert(id_of(object)).second) << "is there twice";
      EXPECT_THAT(object.dump(), Not(HasSubstr("<no value>")));
      if (object["kind"] == "CustomResourceDefinition") continue;
      const std::string kind = object["apiVersion"].get<std::string>() + "/" + object["kind"].get<std::string>();
      const bool ours = object["apiVersion"] == v1alpha1::api_version;
      ASSERT_TRUE(ours || kinds.contains(kind));
      EXPECT_THAT(crd::violations(ours ? crd::crd_schema() : kinds[kind], object, ours ? "" : kind), IsEmpty());
    }
  }
}

// A copy and no link: who takes the chart out of a repository's archive, as Flux does, finds no links there.
TEST(Chart, holds_a_copy_of_the_crd) {
  const std::string copy = "charts/tributary/files/replications.tributary.dev.yaml";
  EXPECT_FALSE(std::filesystem::is_symlink(std::string(TRIBUTARY_ROOT) + "/" + copy));
  EXPECT_TRUE(text_of(copy) == text_of("crds/replications.tributary.dev.yaml"))
      << "cp crds/replications.tributary.dev.yaml " << copy;
}

TEST(Chart, renders_the_crd_of_crds) {
  json crd = one(rendered({}), "CustomResourceDefinition");
  EXPECT_EQ(crd["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
  EXPECT_EQ(crd["spec"], crd::crd()["spec"]);
  crd = one(rendered({{"crds", {{"keep", false}}}}), "CustomResourceDefinition");
  EXPECT_FALSE(crd["metadata"].contains("annotations"));
}

TEST(Values, that_do_not_exist_are_refused) {
  EXPECT_THAT(refusal({{"no", 1}}), HasSubstr("additional properties 'no' not allowed"));
  EXPECT_THAT(refusal({{"image", {{"no", 1}}}}), HasSubstr("additional properties 'no' not allowed"));
  EXPECT_THAT(refusal({{"tolerations", {{{"no", 1}}}}}), HasSubstr("additional properties 'no' not allowed"));
  EXPECT_THAT(refusal({{"watchNamespaces", "shop"}}), HasSubstr("want array"));
  EXPECT_THAT(refusal({{"secretAccess", "Some"}}), HasSubstr("value must be one of 'Watch', 'None'"));
  EXPECT_THAT(refusal({{"image", {{"digest", "sha256:12"}}}}), HasSubstr("does not match pattern"));
}

TEST(Values, that_do_not_fit_each_other_are_refused_with_a_reason) {
  EXPECT_THAT(refusal({{"leaderElection", {{"enabled", false}}}}),
              HasSubstr("replicas: more than one need leaderElection.enabled"));
  EXPECT_THAT(refusal({{"networkPolicy", {{"engines", {{"enabled", true}}}}}}),
              HasSubstr("networkPolicy.engines.namespaces names the namespaces"));
  EXPECT_THAT(refusal({{"serviceAccount", {{"create", false}}}}),
              HasSubstr("serviceAccount.name names the ServiceAccount that is there"));
  EXPECT_THAT(refusal({{"metrics", {{"serviceMonitor", {{"enabled", true}}}, {"podMonitor", {{"enabled", true}}}}}}),
              HasSubstr("enable one of both"));
}

// Values that were kept from an older chart: `helm upgrade --reuse-values`.
TEST(Values, that_are_missing_are_named) {
  EXPECT_THAT(refusal({{"leaderElection", nullptr}}), HasSubstr("missing property 'leaderElection'"));
}

std::string under(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

void expect_closed(const json& schema, const std::string& path, std::set<std::string>& open) {
  const bool object = schema.value("type", json()) == "object";
  if (object && schema.value("additionalProperties", json(true)) == json(true)) {
    open.insert(path);
  }
  for (const char* members : {"properties", "definitions"}) {
    const json named = schema.value(members, json::object());
    for (const auto& [name, inner] : named.items()) expect_closed(inner, under(path, name), open);
  }
  for (const char* inner : {"items", "additionalProperties"}) {
    if (schema.contains(inner) && schema[inner].is_object()) expect_closed(schema[inner], path + "[]", open);
  }
  const json choices = schema.value("anyOf", json::array());
  for (const json& choice : choices) expect_closed(choice, path, open);
}

TEST(ValuesSchema, is_closed_but_where_values_are_passed_on) {
  const json schema = json::parse(text_of("charts/tributary/values.schema.json"));
  std::set<std::string> open;
  expect_closed(schema, "", open);
  EXPECT_EQ(open, (std::set<std::string>{"extraObjects[]", "global", "passedOn"}));
}

void collect_leaves(const json& values, const std::string& path, std::vector<std::string>& leaves) {
  for (const auto& [name, value] : values.items()) {
    const std::string inner = under(path, name);
    if (value.is_object() && !value.empty() && name != "resources" && inner != "metrics.dashboard.labels") {
      collect_leaves(value, inner, leaves);
    } else {
      leaves.push_back(inner);
    }
  }
}

TEST(Values, are_documented) {
  const json values = crd::read_yaml(TRIBUTARY_ROOT "/charts/tributary/values.yaml").at(0);
  const std::string readme = text_of("charts/tributary/README.md");
  std::vector<std::string> leaves;
  collect_leaves(values, "", leaves);
  EXPECT_GE(leaves.size(), 50U);
  for (const std::string& leaf : leaves) EXPECT_THAT(readme, HasSubstr("`" + leaf + "`"));
}

// The restricted level of the Pod Security Standards.
TEST(OperatorPod, is_restricted_in_every_combination_of_values) {
  for (const Combination& combination : combinations()) {
    SCOPED_TRACE(combination.name);
    const json spec = pod_of(rendered(combination.values, combination.release))["spec"];
    EXPECT_EQ(spec.at("securityContext").at("runAsNonRoot"), true);
    EXPECT_EQ(spec.at("securityContext").at("seccompProfile").at("type"), "RuntimeDefault");
    EXPECT_FALSE(spec.contains("hostNetwork") || spec.contains("hostPID"));
    for (const json& volume : spec.at("volumes")) EXPECT_TRUE(volume.contains("configMap"));
    for (const json& container : spec["containers"]) {
      EXPECT_EQ(container.at("securityContext").at("allowPrivilegeEscalation"), false);
      EXPECT_EQ(container.at("securityContext").at("readOnlyRootFilesystem"), true);
      EXPECT_EQ(container.at("securityContext").at("capabilities"), (json{{"drop", {"ALL"}}}));
    }
  }
}

TEST(OperatorPod, is_probed_at_the_ports_that_it_names) {
  const json container = pod_of(rendered({}))["spec"]["containers"][0];
  EXPECT_EQ(container["startupProbe"]["httpGet"], (json{{"path", "/startupz"}, {"port", "health"}}));
  EXPECT_EQ(container["livenessProbe"]["httpGet"], (json{{"path", "/healthz"}, {"port", "health"}}));
  EXPECT_EQ(container["readinessProbe"]["httpGet"], (json{{"path", "/readyz"}, {"port", "health"}}));
  for (const json& port : container["ports"]) {
    const std::string flag =
        "--" + port["name"].get<std::string>() + "-address=:" + std::to_string(port["containerPort"].get<int>());
    EXPECT_THAT(container["args"], ::testing::Contains(flag));
  }
}

// Another level changes nothing of the pods, and so replaces none.
TEST(OperatorPod, reads_its_log_level_from_a_file_that_may_change) {
  const std::vector<json> objects = rendered({{"logLevel", "debug"}});
  EXPECT_EQ(pod_of(objects), pod_of(rendered({})));
  const json settings = one(objects, "ConfigMap");
  EXPECT_EQ(settings["data"], (json{{"log-level", "debug"}}));
  const json spec = pod_of(objects)["spec"];
  const json container = spec["containers"][0];
  EXPECT_EQ(spec["volumes"][0]["configMap"]["name"], settings["metadata"]["name"]);
  const std::string folder = container["volumeMounts"][0]["mountPath"];
  EXPECT_THAT(container["args"], ::testing::Contains("--log-level-file=" + folder + "/log-level"));
}

TEST(OperatorPod, has_the_image_by_its_digest_and_hands_it_to_engines) {
  const json spec = pod_of(rendered(everything))["spec"];
  const std::string image = "registry.example:5000/team/tributary@" + everything["image"]["digest"].get<std::string>();
  EXPECT_EQ(spec["containers"][0]["image"], image);
  EXPECT_THAT(spec["containers"][0]["args"], ::testing::Contains("--image=" + image));
  EXPECT_EQ(spec["imagePullSecrets"], (json{{{"name", "mirror"}}, {{"name", "team"}}}));
}

TEST(Replicas, are_spread_and_disrupted_one_at_a_time) {
  const std::vector<json> objects = rendered({});
  const json deployment = one(objects, "Deployment");
  const json selector = deployment["spec"]["selector"];
  EXPECT_EQ(deployment["spec"]["replicas"], 2);
  EXPECT_EQ(one(objects, "PodDisruptionBudget")["spec"]["maxUnavailable"], 1);
  EXPECT_EQ(one(objects, "PodDisruptionBudget")["spec"]["selector"], selector);
  std::set<std::string> keys;
  for (const json& constraint : deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]) {
    keys.insert(constraint["topologyKey"]);
    EXPECT_EQ(constraint["whenUnsatisfiable"], "ScheduleAnyway");
    EXPECT_EQ(constraint.at("labelSelector"), selector);
  }
  EXPECT_EQ(keys, (std::set<std::string>{"kubernetes.io/hostname", "topology.kubernetes.io/zone"}));
  EXPECT_TRUE(one(rendered({{"replicas", 1}}), "PodDisruptionBudget").is_null());
}

TEST(Replicas, keep_the_selector_that_somebody_spreads_them_by) {
  const json constraint = pod_of(rendered(everything))["spec"]["topologySpreadConstraints"][0];
  EXPECT_EQ(constraint.at("labelSelector")["matchLabels"]["mine"], "yes");
}

TEST(Replicas, never_overlap_without_a_leader) {
  const json values = {{"replicas", 1}, {"leaderElection", {{"enabled", false}}}};
  EXPECT_EQ(one(rendered(values), "Deployment")["spec"]["strategy"], (json{{"type", "Recreate"}}));
  EXPECT_EQ(one(rendered({}), "Deployment")["spec"]["strategy"]["type"], "RollingUpdate");
}

// What cannot be changed in place, and names by which others know what they are: an upgrade keeps them.
TEST(Upgrade, keeps_what_cannot_be_changed) {
  for (const auto& [release, name] :
       {std::pair("tributary", "tributary-operator"), {"blue", "blue-tributary-operator"}}) {
    const std::vector<json> objects = rendered({}, release);
    EXPECT_EQ(one(objects, "Deployment", name)["spec"]["selector"],
              (json{{"matchLabels",
                     {{"app.kubernetes.io/name", "tributary"},
                      {"app.kubernetes.io/component", "operator"},
                      {"app.kubernetes.io/instance", release}}}}));
    EXPECT_EQ(one(objects, "Secret")["metadata"]["name"], std::string(name) + "-release");
    EXPECT_FALSE(one(objects, "Secret").contains("data"));
    EXPECT_EQ(one(objects, "ClusterRoleBinding", name)["roleRef"]["name"], name);
    EXPECT_EQ(one(objects, "RoleBinding", std::string(name) + "-release")["roleRef"]["name"],
              std::string(name) + "-release");
    EXPECT_FALSE(one(objects, "ServiceAccount", name).is_null());
  }
}

TEST(NetworkPolicy, of_the_operator_reaches_engines_the_api_server_and_names_alone) {
  const json policy = one(rendered(everything), "NetworkPolicy", "tributary-operator")["spec"];
  EXPECT_EQ(policy["podSelector"], one(rendered({}), "Deployment")["spec"]["selector"]);
  ASSERT_EQ(policy["egress"].size(), 3U);
  EXPECT_EQ(policy["egress"][0]["ports"][0]["port"], 53);
  EXPECT_EQ(policy["egress"][1]["to"], (json{{{"ipBlock", {{"cidr", "10.0.0.1/32"}}}}}));
  EXPECT_EQ(policy["egress"][2]["to"].size(), 2U);
  EXPECT_THAT(text_of("operator/replication/pod_template.h"),
              HasSubstr("status_port = " + std::to_string(policy["egress"][2]["ports"][0]["port"].get<int>()) + ";"));
}

// Engines are made by the operator: their labels and the name of their port stand in its code.
TEST(NetworkPolicy, of_engines_selects_what_the_operator_makes) {
  const json policy = one(rendered(everything), "NetworkPolicy", "tributary-operator-engines")["spec"];
  const std::string code = text_of("operator/replication/resources.cpp");
  for (const auto& [label, value] : policy["podSelector"]["matchLabels"].items()) {
    EXPECT_THAT(code, HasSubstr("{\"" + label + "\", " + value.dump() + "}"));
  }
  EXPECT_EQ(policy["ingress"][0]["ports"][0]["port"], "status");
  EXPECT_THAT(text_of("operator/replication/pod_template.cpp"), HasSubstr(R"({"name", "status"})"));
  EXPECT_EQ(policy["ingress"][0]["from"].size(), 2U);
  EXPECT_EQ(policy["egress"], everything["networkPolicy"]["engines"]["egress"]);
}

TEST(HelmTest, asks_for_nothing_and_waits_for_the_operator_to_let_it_go) {
  for (const Combination& combination : combinations()) {
    SCOPED_TRACE(combination.name);
    const json test = one(rendered(combination.values, combination.release), v1alpha1::kind);
    EXPECT_EQ(test["metadata"]["annotations"]["helm.sh/hook"], "test");
    EXPECT_EQ(test["metadata"]["annotations"]["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded");
    EXPECT_EQ(test["metadata"]["finalizers"], json{v1alpha1::finalizer});
    const v1alpha1::Replication replication = v1alpha1::replication_from_json(test);
    EXPECT_FALSE(v1alpha1::flaw_of(replication));
    EXPECT_EQ(replication.spec.state, v1alpha1::State::paused);
    const json watched = combination.values.is_null() ? json() : combination.values.value("watchNamespaces", json());
    EXPECT_EQ(test["metadata"]["namespace"], watched.empty() ? json(release_namespace) : watched[0]);
  }
}

// What somebody copies out of the documentation is YAML, and its values are the chart's.
TEST(Gitops, shows_yaml_that_is_what_it_says) {
  const std::string text = text_of("docs/gitops.md");
  const std::string fence = "```yaml\n";
  std::set<std::string> kinds;
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at + 1)) {
    const std::size_t begin = at + fence.size();
    for (const json& object : crd::parse_yaml(text.substr(begin, text.find("```", begin) - begin))) {
      kinds.insert(object.value("kind", "a part"));
      for (const char* values : {"/spec/values", "/spec/source/helm/valuesObject"}) {
        const json::json_pointer place(values);
        if (!object.contains(place)) continue;
        EXPECT_EQ(refusal(object[place]), "");
      }
    }
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"Application", "HelmRelease", "Kustomization", "a part"}));
}

TEST(Notes, say_what_to_run_next) {
  for (const Combination& combination : combinations()) {
    SCOPED_TRACE(combination.name);
    const Result<std::string> said = notes(combination.values, combination.release);
    ASSERT_TRUE(said.ok()) << said.error().what;
    const std::string name = one(rendered(combination.values, combination.release), "Deployment")["metadata"]["name"];
    EXPECT_THAT(said.value(), HasSubstr("rollout status deployment/" + name + "\n"));
    EXPECT_THAT(said.value(), HasSubstr("helm -n tributary-system test " + combination.release + "\n"));
    EXPECT_THAT(said.value(), Not(HasSubstr("<no value>")));
  }
}

TEST(ExtraObjects, may_have_templates_in_them) {
  const std::vector<json> objects = rendered(everything);
  EXPECT_EQ(one(objects, "ConfigMap", "tributary-more")["metadata"]["namespace"], release_namespace);
  EXPECT_EQ(one(objects, "ConfigMap", "text")["metadata"]["namespace"], release_namespace);
}

}  // namespace
}  // namespace tributary::charts

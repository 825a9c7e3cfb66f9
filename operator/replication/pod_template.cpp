#include "operator/replication/pod_template.h"

namespace tributary::replication {
namespace {

using kube::Json;
using v1alpha1::Replication;

constexpr int user = 65532;
constexpr int group_readable = 0440;

Json volumes(const v1alpha1::Spec& spec, const std::string& config_map) {
  const auto secret = [](const char* name, const std::string& from) -> Json {
    return {{"name", name}, {"secret", {{"secretName", from}, {"optional", true}, {"defaultMode", group_readable}}}};
  };
  return Json::array({{{"name", "spec"}, {"configMap", {{"name", config_map}}}},
                      secret("source", spec.source.secret),
                      secret("target", spec.target.secret),
                      {{"name", "tmp"}, {"emptyDir", Json::object()}}});
}

Json mounts() {
  const auto mount = [](const char* name, const char* path) -> Json {
    return {{"name", name}, {"mountPath", path}, {"readOnly", true}};
  };
  return Json::array({mount("spec", spec_folder),
                      mount("source", source_folder),
                      mount("target", target_folder),
                      {{"name", "tmp"}, {"mountPath", "/tmp"}}});
}

// A busy engine answers late, so only a minute without any answer counts as dead.
Json probe(const char* path, int failures) {
  return {{"httpGet", {{"path", path}, {"port", "status"}}},
          {"periodSeconds", 10},
          {"timeoutSeconds", 5},
          {"failureThreshold", failures}};
}

Json arguments(const Errand& errand) {
  Json out = errand.verb;
  for (const std::string& flag :
       {std::string("--spec"), std::string(spec_folder) + "/spec.json", std::string("--output"), std::string("json"),
        std::string("--log-format"), std::string("json"), std::string("--status-address"),
        ":" + std::to_string(status_port), std::string("--termination-log"), std::string("/dev/termination-log")}) {
    out.push_back(flag);
  }
  return out;
}

Json engine(const v1alpha1::Spec& spec, const Errand& errand, const std::string& default_image) {
  Json container = {
      {"name", "engine"},
      {"image", spec.pod.image.empty() ? default_image : spec.pod.image},
      {"command", {"/usr/bin/tributary"}},
      {"args", arguments(errand)},
      {"ports", Json::array({{{"name", "status"}, {"containerPort", status_port}, {"protocol", "TCP"}}})},
      {"livenessProbe", probe("/healthz", 6)},
      {"readinessProbe", probe("/readyz", 3)},
      {"resources", spec.pod.resources.is_object()
                        ? spec.pod.resources
                        : Json{{"requests", {{"cpu", "250m"}, {"memory", "256Mi"}}}, {"limits", {{"memory", "1Gi"}}}}},
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}}},
      {"volumeMounts", mounts()}};
  if (!spec.pod.image_pull_policy.empty()) container["imagePullPolicy"] = spec.pod.image_pull_policy;
  return container;
}

Json pod_spec(const v1alpha1::Spec& spec, const Errand& errand, const std::string& config_map,
              const std::string& default_image) {
  Json out = {{"restartPolicy", errand.for_ever ? "Always" : "Never"},
              {"terminationGracePeriodSeconds", 60},
              {"automountServiceAccountToken", false},
              {"enableServiceLinks", false},
              {"securityContext",
               {{"runAsNonRoot", true},
                {"runAsUser", user},
                {"runAsGroup", user},
                {"fsGroup", user},
                {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
              {"containers", Json::array({engine(spec, errand, default_image)})},
              {"volumes", volumes(spec, config_map)}};
  const v1alpha1::Template& pod = spec.pod;
  if (!pod.service_account_name.empty()) out["serviceAccountName"] = pod.service_account_name;
  if (!pod.priority_class_name.empty()) out["priorityClassName"] = pod.priority_class_name;
  if (!pod.image_pull_secrets.is_null()) out["imagePullSecrets"] = pod.image_pull_secrets;
  if (!pod.node_selector.is_null()) out["nodeSelector"] = pod.node_selector;
  if (!pod.tolerations.is_null()) out["tolerations"] = pod.tolerations;
  if (!pod.affinity.is_null()) out["affinity"] = pod.affinity;
  return out;
}

}  // namespace

Json pod_template(const Replication& replication, const Errand& errand, Json labels, const std::string& config_map,
                  const std::string& default_image) {
  const v1alpha1::Template& pod = replication.spec.pod;
  for (const auto& [key, value] : pod.labels) labels[key] = value;
  Json annotations = Json::object();
  // What a Job has done is lost with its pod; a stream goes on elsewhere where it was.
  if (!errand.for_ever) annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false";
  for (const auto& [key, value] : pod.annotations) annotations[key] = value;
  return {{"metadata", {{"labels", std::move(labels)}, {"annotations", std::move(annotations)}}},
          {"spec", pod_spec(replication.spec, errand, config_map, default_image)}};
}

}  // namespace tributary::replication

#pragma once

#include <string>
#include <vector>

#include "operator/api/replication.h"
#include "operator/kube/object.h"

namespace tributary::replication {

// Where the engine's container finds what is mounted.
inline constexpr const char* spec_folder = "/etc/tributary/spec";
inline constexpr const char* source_folder = "/etc/tributary/source";
inline constexpr const char* target_folder = "/etc/tributary/target";
inline constexpr int status_port = 8080;

// What an engine is started for: its verb with the verb's own flags, and whether it is started again when it ends.
struct Errand {
  std::vector<std::string> verb;
  bool for_ever = false;
};

// The engine's pod: fit for namespaces that enforce restricted Pod Security, without an API token, with both Secrets
// as files (optional, so that the engine can name what is missing) and with spec.template's overrides.
kube::Json pod_template(const v1alpha1::Replication& replication, const Errand& errand, kube::Json labels,
                        const std::string& config_map, const std::string& default_image);

}  // namespace tributary::replication

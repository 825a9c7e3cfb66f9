#include "operator/api/replication.h"

#include <algorithm>

#include "operator/api/json_fields.h"
#include "operator/api/names.h"
#include "operator/api/spec_json.h"
#include "operator/api/status_json.h"

namespace tributary::v1alpha1 {

Replication replication_from_json(const nlohmann::json& object) {
  Replication replication;
  std::optional<Error> ignored;  // metadata is the server's own
  const JsonFields in(object, "object", ignored);
  const JsonFields metadata = in.inner("metadata");
  metadata.read("name", replication.name);
  metadata.read("namespace", replication.space);
  metadata.read("uid", replication.uid);
  metadata.read("resourceVersion", replication.resource_version);
  metadata.read("generation", replication.generation);
  std::string created;
  metadata.read("creationTimestamp", created);
  replication.created = parse_rfc3339(created);
  std::string deleted;
  metadata.read("deletionTimestamp", deleted);
  replication.deleted = parse_rfc3339(deleted);
  std::vector<std::string> finalizers;
  metadata.read("finalizers", finalizers);
  replication.finalized = std::find(finalizers.begin(), finalizers.end(), finalizer) != finalizers.end();
  replication.spec = spec_from_json(in.raw("spec"), replication.flaw);
  replication.status = status_from_json(in.raw("status"));
  return replication;
}

}  // namespace tributary::v1alpha1

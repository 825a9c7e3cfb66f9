#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "operator/api/spec.h"
#include "operator/api/status.h"

// A Replication as the API server hands it out.
namespace tributary::v1alpha1 {

struct Replication {
  std::string name;
  std::string space;  // the namespace
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  std::optional<WallTime> created;  // creationTimestamp
  std::optional<WallTime> deleted;  // deletionTimestamp
  bool finalized = false;           // carries our finalizer
  Spec spec;
  std::optional<Error> flaw;  // why `spec` could not be read; it then holds what could
  Status status;
};

// Total: whatever does not fit becomes `flaw` (spec) or is left out (status, which only we write).
Replication replication_from_json(const nlohmann::json& object);

// The `status` member alone; empty members are left out.
nlohmann::json to_json(const Status& status);

}  // namespace tributary::v1alpha1

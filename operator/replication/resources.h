#pragma once

#include <string>

#include "operator/api/replication.h"
#include "operator/kube/object.h"
#include "operator/replication/observed.h"

// The objects that run an engine, as pure functions of what is wanted. Nothing here meets a server.
namespace tributary::replication {

// Digest of what decides which rows arrive where: a running Job whose inputs differ is replaced. Everything else
// (parallelism, timeouts, image, resources) takes effect with the next Job. Made of what is not left at its default, so
// that a release that can be asked for more makes the same of a spec that does not.
std::string inputs_hash(const v1alpha1::Replication& replication);

// One attempt: the ConfigMap with the engine's spec.json and the Job that mounts it, both of the same name.
struct Attempt {
  int number = 0;
  std::string name = {};
  std::string inputs_hash = {};
  kube::Object config_map = {};
  kube::Object job = {};
};

// What ended the Jobs before an attempt, in a row: outages, or crashes that its Job's limit has to count.
struct Before {
  int outages = 0;
  int crashes = 0;
};

Attempt attempt_for(const Observed& seen, int number, const Before& before);

// The engine's spec.json for an attempt.
kube::Object config_map_of(const v1alpha1::Replication& replication, const std::string& name, int attempt);

// Digest of all that a Job is made from, its number left out: a Job whose engine never came to run (image missing,
// node missing) is replaced when this differs.
std::string rendered_hash(const Observed& seen);

}  // namespace tributary::replication

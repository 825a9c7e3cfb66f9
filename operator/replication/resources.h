#pragma once

#include <string>
#include <vector>

#include "operator/api/replication.h"
#include "operator/kube/object.h"
#include "operator/replication/observed.h"

// The objects that run an engine, as pure functions of what is wanted. Nothing here meets a server.
namespace tributary::replication {

// Digest of what decides which rows arrive where: a running Job whose inputs differ is replaced. Everything else
// (parallelism, timeouts, image, resources) takes effect with the next Job. Made of what is not left at its default, so
// that a release that can be asked for more makes the same of a spec that does not.
std::string inputs_hash(const v1alpha1::Replication& replication);

// Whether the spec asks for something else than it did when it was of that generation and its inputs of that digest.
// Another release of the operator may make the digest otherwise: what nobody changed is not called changed.
bool asks_for_something_else(const v1alpha1::Replication& object, std::int64_t generation, const std::string& hash);

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

// The same for the Job that gives back what a stream holds on the source. `failures`: of such Jobs before it, in a row.
Attempt release_for(const Observed& seen, int number, int failures, Remains remains);

// The same for the Job that compares both ends, beside the engine of attempt `beside`.
Attempt verification_for(const Observed& seen, int number, const Before& before, v1alpha1::VerifyTrigger trigger,
                         int beside);
kube::Object verification_config_map(const Observed& seen, const std::string& name, int beside);
// Digest of all that such a Job is made from, as rendered_hash() below.
std::string verification_hash(const Observed& seen);

// The Deployment that follows the source, or only watches its slots, and the ConfigMap that it mounts under the same
// name. `credentials` are part of the pod: others replace it.
struct Stream {
  std::string name = {};
  // Of all that it is made from, but neither the operator's own image, nor credentials, nor spec.recopy.
  std::string rendered_hash = {};
  std::string image = {};
  std::string recopy = {};  // request; without one the pod may go on with any
  kube::Object config_map = {};
  kube::Object deployment = {};
};
Stream stream_for(const Observed& seen, int attempt, bool hold,
                  const std::vector<v1alpha1::CredentialVersion>& credentials);

// As what the engine reports: the UID, or nothing where it follows what the command line began and named by itself.
std::string identity_of(const v1alpha1::Replication& replication);

// The engine's spec.json for an attempt.
kube::Object config_map_of(const Observed& seen, const std::string& name, int attempt);

// Digest of all that a Job is made from, its number left out: a Job whose engine never came to run (image missing,
// node missing) is replaced when this differs.
std::string rendered_hash(const Observed& seen);

}  // namespace tributary::replication

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "engine/api/report.h"
#include "engine/base/clock.h"
#include "operator/api/replication.h"
#include "operator/kube/object.h"

// Everything that a decision may look at, as values: what the cluster says of one Replication, time included.
namespace tributary::replication {

enum class ContainerState { absent, waiting, running, terminated };

// The container `engine` of a pod. How it fares is never told from the pod's phase, which injected sidecars distort.
struct Container {
  ContainerState state = ContainerState::absent;
  std::string reason = {};   // kubelet's word while waiting or after the end: ImagePullBackOff, OOMKilled
  std::string message = {};  // kubelet's text while waiting; the termination message after the end
  int exit_code = 0;
  std::optional<WallTime> since = {};  // start while running, end after it
  bool operator==(const Container&) const = default;
};

struct Pod {
  std::string name = {};
  std::string uid = {};
  std::string job_uid = {};
  std::string ip = {};
  bool deleting = false;
  bool finished = false;           // no container of it runs any more: its phase says so
  std::string unschedulable = {};  // the scheduler's words
  std::string eviction = {};       // why the kubelet or the API ended it
  std::optional<WallTime> created = {};
  Container engine = {};
  std::optional<Container> last_end = {};  // of the engine's container before this one in the same pod
  bool streams = false;                    // of a Deployment
  bool verifies = false;                   // of a Job that compares both ends
  bool operator==(const Pod&) const = default;
};

enum class JobState { active, complete, failed };

struct Job {
  std::string name = {};
  std::string uid = {};
  bool deleting = false;
  JobState state = JobState::active;
  std::string fail_reason = {};  // BackoffLimitExceeded, PodFailurePolicy, DeadlineExceeded
  std::string fail_message = {};
  int failed_pods = 0;
  std::optional<WallTime> created = {};
  std::optional<WallTime> completed = {};
  // What it was started with, from its annotations.
  int attempt = 0;
  int outages = 0;  // that ended the Jobs before it
  int crashes = 0;  // of engines before it that its limit has to count
  std::string inputs_hash = {};
  std::string request_id = {};
  std::string rendered_hash = {};
  std::int64_t generation = 0;
  bool drops_data = false;  // of a release
  // Of one that compares both ends: what asked for it, and the Job of the copy that it compares.
  v1alpha1::VerifyTrigger trigger = v1alpha1::VerifyTrigger::none;
  std::string copy = {};
  std::vector<v1alpha1::CredentialVersion> credentials = {};
  bool operator==(const Job&) const = default;
};

// The Deployment of a stream.
struct Deployment {
  std::string name = {};
  std::string uid = {};
  bool deleting = false;
  int replicas = 1;          // asked for
  bool rolling = false;      // its pod is not yet the one that was asked for, or is not ready
  std::string refusal = {};  // why it could not create its pod
  std::optional<WallTime> created = {};
  // What it was made of, from its annotations.
  std::string rendered_hash = {};
  std::string image = {};
  std::string recopy = {};  // request that its engine knows of
  std::int64_t generation = 0;
  std::vector<v1alpha1::CredentialVersion> credentials = {};
  bool operator==(const Deployment&) const = default;
};

// Total: members that are absent or odd are left at their defaults.
Job job_from(const kube::Object& object);
Pod pod_from(const kube::Object& object);
Deployment deployment_from(const kube::Object& object);

// What the running engine says of itself, when it was asked.
struct Voice {
  std::optional<api::Progress> progress = {};  // the answer
  std::optional<WallTime> silent_since = {};   // no answer: since when
};

// What a release leaves on the target: all as it is, what was copied without the ledger's word of it, or nothing.
enum class Remains { everything, data, nothing };

// What an engine said to an order to release, as far as it decides anything.
enum class ReleaseAnswer { none, released, refused };

struct Observed {
  v1alpha1::Replication object = {};
  // All that belongs to the object's UID.
  std::vector<Job> jobs = {};           // that look or copy
  std::vector<Job> releases = {};       // that give back what a stream holds on the source
  std::vector<Job> verifications = {};  // that compare both ends
  std::optional<Deployment> deployment = {};
  std::vector<Pod> pods = {};
  std::vector<v1alpha1::CredentialVersion> secrets = {};  // of those that the spec names, the ones that exist
  std::vector<std::string> unwatched_secrets = {};        // of those, the ones that the operator may not look at
  std::optional<Voice> voice = {};
  std::string release_token_hash = {};  // what an engine has to know to take an order to release; "": none takes one
  ReleaseAnswer release_answer = ReleaseAnswer::none;
  std::string refusal = {};  // why an active Job could not create its pod, from its Events
  std::string image = {};    // the operator's default engine image
  // Of the same namespace, by name: writes the same tables of the same target and goes first.
  std::string rival = {};
  bool contested = false;    // there is such a one, whoever goes first
  int rolling = 0;           // Deployments of all Replications that have this image and whose pods are not ready yet
  bool terminating = false;  // the namespace is known to be: nothing can be created in it any more
  bool barred = false;       // its Role has gone with it: beside the object, what is here is what was seen last
  WallTime now = {};
};

}  // namespace tributary::replication

#include "operator/replication/observe.h"

#include <algorithm>

#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/replication/credentials.h"
#include "operator/replication/resources.h"
#include "operator/replication/rival.h"

namespace tributary::replication {
namespace {

constexpr Seconds pod_expected_within{2};  // of a Job's creation

void look_at_secrets(const Scope& scope, Observed& seen) {
  for (const std::string& name : secret_names(seen.object.spec)) {
    const kube::Seen secret = scope.secret({seen.object.space, name});
    if (secret) seen.secrets.push_back({name, secret->uid(), secret->resource_version()});
    if (!scope.watches_secret(name)) seen.unwatched_secrets.push_back(name);
  }
}

const Job* podless_in(const std::vector<Job>& jobs, const Observed& seen) {
  const auto found = std::find_if(jobs.begin(), jobs.end(), [&](const Job& job) {
    return job.state == JobState::active && !job.deleting && job.created &&
           seen.now - *job.created >= pod_expected_within &&
           std::none_of(seen.pods.begin(), seen.pods.end(), [&](const Pod& pod) { return pod.job_uid == job.uid; });
  });
  return found == jobs.end() ? nullptr : &*found;
}

const Job* podless_job(const Observed& seen) {
  for (const std::vector<Job>* jobs : {&seen.jobs, &seen.releases, &seen.verifications}) {
    if (const Job* job = podless_in(*jobs, seen)) return job;
  }
  return nullptr;
}

void take_job(Observed& seen, const kube::Object& job) {
  if (!job.annotation(v1alpha1::release_annotation).empty()) {
    seen.releases.push_back(job_from(job));
  } else if (!job.annotation(v1alpha1::verify_annotation).empty()) {
    seen.verifications.push_back(job_from(job));
  } else {
    seen.jobs.push_back(job_from(job));
  }
}

// Whose engine says how the copy or the stream fares.
std::vector<Pod> pods_to_ask(const Observed& seen) {
  std::vector<Pod> pods;
  std::copy_if(seen.pods.begin(), seen.pods.end(), std::back_inserter(pods),
               [](const Pod& pod) { return !pod.verifies; });
  return pods;
}

// Only what has not begun asks who goes first.
void look_for_rivals(const Scope& scope, const kube::Object& object, Observed& seen) {
  if (!seen.jobs.empty() || seen.deployment || seen.object.status.snapshot || seen.object.status.sync) return;
  std::vector<v1alpha1::Replication> others;
  for (const kube::Seen& other : scope.sharers(object)) {
    others.push_back(v1alpha1::replication_from_json(other->json()));
  }
  seen.rival = rival_of(seen.object, others);
  seen.contested = contested(seen.object, others);
}

// Only what is about to be replaced asks how many others are.
void count_rolling(const Scope& scope, Observed& seen) {
  if (!seen.deployment || !seen.object.spec.pod.image.empty() || seen.deployment->image == seen.image) return;
  seen.rolling = static_cast<int>(scope.rolling(seen.image));
}

// Asked where somebody else ends an engine's pod. Since 1.33 a namespace's pods go before anything else in it is
// deleted, so by then nobody has heard yet that the object goes too (KEP-5080).
bool namespace_goes(const Means& means, const Observed& seen) {
  const bool ends =
      std::any_of(seen.pods.begin(), seen.pods.end(), [](const Pod& pod) { return pod.deleting && !pod.finished; });
  if (!ends || seen.release_token_hash.empty()) return false;
  const Result<kube::Object> space = means.client.get(kube::kinds::namespaces, {"", seen.object.space});
  return space.ok() && space->deleting();
}

void take_cached(const Scope& scope, const std::string& uid, Observed& seen) {
  for (const kube::Seen& job : scope.jobs().indexed(uid)) take_job(seen, *job);
  for (const kube::Seen& each : scope.deployments().indexed(uid)) seen.deployment = deployment_from(*each);
  for (const kube::Seen& pod : scope.pods().indexed(uid)) seen.pods.push_back(pod_from(*pod));
}

// What is the same for both ways of looking, once object, Jobs and pods are known.
void look_around(const Means& means, const Scope& scope, Sight& sight, std::stop_token stop) {
  Observed& seen = sight.seen;
  seen.image = means.image;
  look_at_secrets(scope, seen);
  look_for_rivals(scope, sight.object, seen);
  count_rolling(scope, seen);
  seen.release_token_hash = means.releaser.token_hash(seen.object.uid);
  seen.release_answer = means.releaser.answer(seen.object.uid);
  seen.now = means.clock();
  if (seen.object.deleted) return;
  seen.terminating = namespace_goes(means, seen);
  seen.voice =
      means.listener.listen(seen.object.uid, identity_of(seen.object), pods_to_ask(seen), seen.now, std::move(stop));
  if (const Job* job = podless_job(seen)) {
    seen.refusal = means.refusals.of(seen.object.space, job->uid, seen.now);
  }
}

// Where Jobs may not be listed: a namespace that is deleted may have lost its Role before its Replications.
Result<std::optional<Sight>> observe_barred(const Means& means, const Scope& scope, const kube::Object& cached,
                                            const Error& refusal, std::stop_token stop) {
  const Result<kube::Object> space = means.client.get(kube::kinds::namespaces, {"", cached.space()});
  if (!space.ok() || !space->deleting()) return refusal;
  // A single refusal may be that of a token that was just exchanged.
  const Result<kube::ListResult> again =
      means.client.list(kube::kinds::jobs, {.space = cached.space()}, kube::ListPage{.limit = 1});
  if (again.ok() || again.error().fault != Fault::denied) return refusal;
  std::optional<kube::Object> object = TRY(unless_missing(means.client.get(replications(), cached.key())));
  if (!object || object->uid() != cached.uid()) return std::optional<Sight>();
  Sight sight{std::move(*object), {}};
  sight.seen.object = v1alpha1::replication_from_json(sight.object.json());
  take_cached(scope, cached.uid(), sight.seen);
  look_around(means, scope, sight, std::move(stop));
  sight.seen.terminating = true;
  sight.seen.barred = true;
  return std::optional(std::move(sight));
}

}  // namespace

std::optional<Sight> observe_cached(const Means& means, const Scope& scope, const kube::Key& key,
                                    std::stop_token stop) {
  const kube::Seen object = scope.objects().find(key);
  if (!object) return std::nullopt;
  Sight sight{*object, {.object = v1alpha1::replication_from_json(object->json())}};
  take_cached(scope, object->uid(), sight.seen);
  look_around(means, scope, sight, std::move(stop));
  return sight;
}

Result<std::optional<Sight>> observe_live(const Means& means, const Scope& scope, const kube::Key& key,
                                          std::stop_token stop) {
  const kube::Seen cached = scope.objects().find(key);
  if (!cached) return std::optional<Sight>();
  const kube::Selection ours{.space = key.space, .labels = std::string(v1alpha1::uid_label) + "=" + cached->uid()};
  const kube::ListPage everything{.limit = 0};
  const Result<kube::ListResult> jobs = means.client.list(kube::kinds::jobs, ours, everything);
  if (!jobs.ok() && jobs.error().fault == Fault::denied) {
    return observe_barred(means, scope, *cached, jobs.error(), std::move(stop));
  }
  if (!jobs.ok()) return jobs.error();
  const kube::ListResult deployments = TRY(means.client.list(kube::kinds::deployments, ours, everything));
  const kube::ListResult pods = TRY(means.client.list(kube::kinds::pods, ours, everything));
  std::optional<kube::Object> object = TRY(unless_missing(means.client.get(replications(), key)));
  if (!object || object->uid() != cached->uid()) return std::optional<Sight>();  // its watch will tell
  Sight sight{std::move(*object), {}};
  sight.seen.object = v1alpha1::replication_from_json(sight.object.json());
  for (const kube::Object& job : jobs->items) take_job(sight.seen, job);
  for (const kube::Object& each : deployments.items) sight.seen.deployment = deployment_from(each);
  for (const kube::Object& pod : pods.items) sight.seen.pods.push_back(pod_from(pod));
  look_around(means, scope, sight, std::move(stop));
  return std::optional(std::move(sight));
}

}  // namespace tributary::replication

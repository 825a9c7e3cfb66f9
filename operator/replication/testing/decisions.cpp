#include "operator/replication/testing/decisions.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/api/testing/crd_schema.h"

namespace tributary::replication::testing {

std::vector<std::string> names(const Decision& decision) {
  static constexpr const char* words[] = {"AddFinalizer", "RemoveFinalizer", "ApplyConfigMap",  "RestoreConfigMap",
                                          "CreateJob",    "DeleteJob",       "ApplyDeployment", "DeleteDeployment",
                                          "OrderRelease", "Announce"};
  std::vector<std::string> out;
  for (const Action& action : decision.actions) out.emplace_back(words[action.index()]);
  return out;
}

std::string reason(const Decision& decision, const char* type) {
  const auto* found = v1alpha1::find_condition(decision.status, type);
  return found == nullptr ? "" : found->reason;
}

std::string message(const Decision& decision, const char* type) {
  const auto* found = v1alpha1::find_condition(decision.status, type);
  return found == nullptr ? "" : found->message;
}

v1alpha1::Truth truth(const Decision& decision, const char* type) {
  const auto* found = v1alpha1::find_condition(decision.status, type);
  return found == nullptr ? v1alpha1::Truth::unknown : found->status;
}

bool stalled(const Decision& decision) {
  return v1alpha1::is_true(decision.status, "Stalled");
}

Decision look(const Observed& seen) {
  Decision decision = decide(seen);
  static const nlohmann::json schema = v1alpha1::testing::crd_schema()["properties"]["status"];
  EXPECT_THAT(v1alpha1::testing::violations(schema, to_json(decision.status)), ::testing::IsEmpty());
  return decision;
}

namespace {

kube::Object with_uid(kube::Object object, const std::string& uid, WallTime created) {
  object.json()["metadata"]["uid"] = uid;
  object.json()["metadata"]["creationTimestamp"] = rfc3339(created);
  return object;
}

}  // namespace

Observed after(Observed seen, const Decision& decision) {
  seen.object.status = decision.status;
  seen.object.finalized = true;
  for (const Action& action : decision.actions) {
    if (const auto* deletion = std::get_if<DeleteJob>(&action)) {
      for (std::vector<Job>* jobs : {&seen.jobs, &seen.releases, &seen.verifications}) {
        std::erase_if(*jobs, [&](const Job& job) { return job.uid == deletion->uid; });
      }
      std::erase_if(seen.pods, [&](const Pod& pod) { return pod.job_uid == deletion->uid; });
    }
    if (std::holds_alternative<DeleteDeployment>(action)) {
      seen.deployment.reset();
      std::erase_if(seen.pods, [](const Pod& pod) { return pod.streams; });
    }
  }
  for (const Action& action : decision.actions) {
    if (const auto* deployment = std::get_if<ApplyDeployment>(&action)) {
      seen.deployment = deployment_from(with_uid(deployment->object, "deployment-1", seen.now));
    }
    if (const auto* creation = std::get_if<CreateJob>(&action)) {
      if (!creation->object.annotation(v1alpha1::release_annotation).empty()) {
        const std::string& name = creation->object.name();
        seen.releases.push_back(job_from(with_uid(creation->object, "job-" + name, seen.now)));
        continue;
      }
      if (!creation->object.annotation(v1alpha1::verify_annotation).empty()) {
        const std::string& name = creation->object.name();
        seen.verifications.push_back(job_from(with_uid(creation->object, "job-" + name, seen.now)));
        continue;
      }
      const v1alpha1::Status& status = seen.object.status;
      const v1alpha1::Run run =
          seen.object.spec.mode == v1alpha1::Mode::validate ? status.validation.value() : status.snapshot.value();
      seen.jobs.push_back(job_of(seen, run.attempt, {run.outages, run.crashes}));
    }
  }
  return seen;
}

Observed with_engine(Container engine) {
  Observed seen = scene();
  seen = after(seen, decide(seen));
  seen.pods = {pod_of(seen.jobs.at(0), std::move(engine))};
  return seen;
}

Observed finished(Container engine, JobState state) {
  Observed seen = with_engine(std::move(engine));
  seen.jobs[0].state = state;
  return seen;
}

Observed completed() {
  const Observed seen = finished(ended(0, report(0, "SnapshotComplete", "done"), "Completed"), JobState::complete);
  return after(seen, decide(seen));
}

Observed followed(v1alpha1::Mode mode) {
  Observed seen = scene();
  seen.object.spec.mode = mode;
  if (mode == v1alpha1::Mode::snapshot_and_sync) {
    seen = after(seen, decide(seen));
    seen.pods = {pod_of(seen.jobs.at(0), ended(0, report(0, "SnapshotComplete", "done"), "Completed"))};
    seen.jobs[0].state = JobState::complete;
    seen = after(seen, decide(seen));
  }
  seen = after(seen, decide(seen));
  seen.pods.push_back(stream_pod(running()));
  seen.voice = Voice{.progress = following(0)};
  seen.voice->progress->replication = identity_of(seen.object);
  return after(seen, decide(seen));
}

Observed refused(const std::string& termination_message) {
  Observed seen = finished(ended(2, termination_message), JobState::failed);
  seen.jobs[0].fail_reason = "PodFailurePolicy";
  return after(seen, decide(seen));
}

}  // namespace tributary::replication::testing

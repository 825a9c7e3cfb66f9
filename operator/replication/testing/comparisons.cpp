#include "operator/replication/testing/comparisons.h"

#include "engine/api/report.h"

namespace tributary::replication::testing {
namespace {

using v1alpha1::Mode;

Observed copied(Observed seen) {
  seen = after(seen, decide(seen));
  seen.pods = {pod_of(seen.jobs.at(0), ended(0, report(0, "SnapshotComplete", "done"), "Completed"))};
  seen.jobs[0].state = JobState::complete;
  return after(seen, decide(seen));
}

api::ExitCode exit_code_of(api::Comparison result) {
  switch (result) {
    case api::Comparison::equal:
      return api::ExitCode::done;
    case api::Comparison::different:
      return api::ExitCode::differences;
    case api::Comparison::not_compared:
      return api::ExitCode::failed;
  }
  std::abort();
}

}  // namespace

Observed comparable(Mode mode, const v1alpha1::VerifySpec& spec) {
  Observed seen = scene();
  seen.object.spec.mode = mode;
  seen.object.spec.verify = spec;
  if (v1alpha1::copies(mode)) seen = copied(seen);
  if (!v1alpha1::streams(mode)) return seen;
  seen = after(seen, decide(seen));
  seen.pods.push_back(stream_pod(running()));
  seen.voice = Voice{.progress = following(0)};
  seen.voice->progress->replication = identity_of(seen.object);
  return seen;
}

Observed comparing(Mode mode, Container engine) {
  Observed seen = comparable(mode, {.after_snapshot = false, .request_id = "first"});
  seen = after(seen, decide(seen));
  seen.pods.push_back(pod_of(seen.verifications.at(0), std::move(engine)));
  seen.pods.back().verifies = true;
  return seen;
}

Observed compared(Observed seen, int exit_code, const std::string& termination_message) {
  Job& job = seen.verifications.back();
  std::erase_if(seen.pods, [&](const Pod& pod) { return pod.job_uid == job.uid; });
  seen.pods.push_back(pod_of(job, ended(exit_code, termination_message)));
  seen.pods.back().verifies = true;
  job.state = exit_code == 0 ? JobState::complete : JobState::failed;
  if (exit_code != 0) job.fail_reason = exit_code == 1 ? "BackoffLimitExceeded" : "PodFailurePolicy";
  return after(seen, decide(seen));
}

api::Verification equal() {
  return {.request_id = "first",
          .result = api::Comparison::equal,
          .position = "0/5000",
          .tables_compared = 4,
          .rows = 1'234'567};
}

api::Verification different() {
  api::Verification out = equal();
  out.result = api::Comparison::different;
  out.tables_different = 1;
  out.tables = {{.database = "shop",
                 .name = "public.load",
                 .result = api::Comparison::different,
                 .reason = "",
                 .source_rows = 100,
                 .target_rows = 99,
                 .differing = 1,
                 .missing = 1,
                 .rows = {{.kind = api::RowDifference::Kind::differs, .key = "id=7", .columns = {"n"}},
                          {.kind = api::RowDifference::Kind::missing, .key = "id=8"}}}};
  return out;
}

api::Verification not_compared() {
  api::Verification out = equal();
  out.result = api::Comparison::not_compared;
  out.tables_compared = 3;
  out.tables_not_compared = 1;
  return out;
}

std::string found(const api::Verification& verification, const std::string& of) {
  api::Report out;
  out.verb = "verify";
  out.replication = of;
  out.exit_code = exit_code_of(verification.result);
  out.reason = "Compared";
  out.message = "both ends were compared";
  out.verification = verification;
  return api::termination_message(out);
}

}  // namespace tributary::replication::testing

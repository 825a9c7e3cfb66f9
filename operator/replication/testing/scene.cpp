#include "operator/replication/testing/scene.h"

#include "engine/api/report.h"

namespace tributary::replication::testing {

Observed scene() {
  Observed seen{.image = "tributary:test", .now = noon};
  v1alpha1::Replication& object = seen.object;
  object.name = "shop";
  object.space = "prod";
  object.uid = uid;
  object.resource_version = "100";
  object.generation = 1;
  object.finalized = true;
  object.spec.source.secret = "shop-source";
  object.spec.target.secret = "shop-target";
  object.spec.verify.after_snapshot = false;
  seen.secrets = {{"shop-source", "s-1", "10"}, {"shop-target", "s-2", "11"}};
  return seen;
}

Job job_of(const Observed& seen, int attempt, const Before& before) {
  kube::Object object = attempt_for(seen, attempt, before).job;
  object.json()["metadata"]["uid"] = "job-" + std::to_string(attempt);
  object.json()["metadata"]["creationTimestamp"] = rfc3339(seen.now);
  return job_from(object);
}

Pod pod_of(const Job& job, Container engine) {
  const bool finished = engine.state == ContainerState::terminated;
  return {.name = job.name + "-abcde",
          .uid = "pod-of-" + job.uid,
          .job_uid = job.uid,
          .ip = "10.0.0.7",
          .finished = finished,
          .created = job.created,
          .engine = std::move(engine)};
}

Container waiting(const std::string& reason, const std::string& message) {
  return {.state = ContainerState::waiting, .reason = reason, .message = message};
}

Container running() {
  return {.state = ContainerState::running, .since = noon};
}

Container ended(int exit_code, const std::string& message, const std::string& reason) {
  return {.state = ContainerState::terminated,
          .reason = reason,
          .message = message,
          .exit_code = exit_code,
          .since = noon + Seconds(30)};
}

std::string report(int exit_code, const std::string& reason, const std::string& message, const std::string& hint,
                   const std::string& of) {
  api::Report out;
  out.verb = "init";
  out.replication = of;
  out.exit_code = static_cast<api::ExitCode>(exit_code);
  out.reason = reason;
  out.message = message;
  out.hint = hint;
  const bool refused = out.exit_code == api::ExitCode::bad_configuration || reason.ends_with("Unreachable");
  if (refused) out.checks = api::Checks::not_passed;
  if (exit_code == 0) out.databases = {{"shop", "shop", 4, 1'234'567, 80'000'000, "0/1"}};
  return api::termination_message(out);
}

api::Progress copying(int percent) {
  api::Progress progress;
  progress.replication = uid;
  progress.phase = api::Phase::copying;
  progress.percent = percent;
  progress.databases = {{"shop", 4, 1, 123'456, 7'890'123, 80'000'000, {}, {}}};
  return progress;
}

api::Progress following(std::uint64_t lag_seconds) {
  api::Progress progress;
  progress.replication = uid;
  progress.phase = api::Phase::following;
  api::DatabaseProgress& shop = progress.databases.emplace_back();
  shop.name = "shop";
  shop.stream = {.state = api::StreamState::following,
                 .lag_bytes = lag_seconds * 1234,
                 .lag_seconds = lag_seconds,
                 .received = "0/3000",
                 .applied = "0/2000",
                 .last_transaction = "2023-11-14T22:13:20Z",
                 .transactions = 5,
                 .changes = 6,
                 .error = "",
                 .slot = "tributary_shop_0123456789ab",
                 .retained_bytes = 7'654'321};
  return progress;
}

api::Progress holding() {
  api::Progress progress = following(0);
  progress.databases[0].stream->state = api::StreamState::holding;
  return progress;
}

Pod stream_pod(Container engine) {
  return {.name = "shop-sync-abcde",
          .uid = "pod-of-stream",
          .ip = "10.0.0.8",
          .created = noon,
          .engine = std::move(engine),
          .streams = true};
}

}  // namespace tributary::replication::testing

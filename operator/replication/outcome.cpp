#include "operator/replication/outcome.h"

#include <algorithm>

#include "engine/base/counted.h"
#include "engine/base/hint.h"
#include "operator/replication/resources.h"

namespace tributary::replication {
namespace {

using v1alpha1::RunResult;

bool terminated(const Pod& pod) {
  return pod.engine.state == ContainerState::terminated;
}

std::optional<api::Report> report_of(const Container& end, const std::string& identity) {
  if (end.state != ContainerState::terminated || end.message.empty()) return std::nullopt;
  Result<api::Report> report = api::report_from_json(end.message);
  if (!report.ok() || report->replication != identity || static_cast<int>(report->exit_code) != end.exit_code) {
    return std::nullopt;
  }
  return std::move(report).value();
}

std::optional<api::Report> report_of(const Pod& pod, const std::string& identity) {
  return report_of(pod.engine, identity);
}

std::string word_or(const std::string& word, const char* other) {
  return word.empty() ? other : word;
}

bool is_final(int exit_code) {
  return exit_code >= static_cast<int>(api::ExitCode::bad_configuration) &&
         exit_code <= static_cast<int>(api::ExitCode::fenced);
}

Outcome succeeded(const Pod* pod, const Job& job, const std::string& identity) {
  Outcome outcome{.result = RunResult::succeeded, .ended = job.completed};
  if (pod != nullptr) {
    outcome.report = report_of(*pod, identity);
    outcome.ended = pod->engine.since;
  }
  return outcome;
}

bool may_pass(const Pod& pod, const std::string& identity) {
  const auto report = report_of(pod, identity);
  return report && api::may_pass(report->exit_code, report->reason);
}

// The Job counts every failed pod against its backoffLimit, which is for crashes: with an outage among them the limit
// was not reached.
Outcome failed(const std::vector<Pod>& pods, const Job& job, const Observed& seen) {
  const std::string identity = identity_of(seen.object);
  Outcome outcome{.result = RunResult::failed,
                  .reason = word_or(job.fail_reason, "JobFailed"),
                  .message = job.fail_message,
                  .ended = job.completed};
  if (job.fail_reason == "DeadlineExceeded") {
    outcome.message = "the engine did not end within spec.snapshot.timeout and a minute";
    return outcome;
  }
  const Pod* pod = newest(pods);
  if (pod == nullptr) return outcome;
  const Cause cause = cause_of(*pod, identity);
  outcome.reason = cause.reason;
  outcome.message = cause.message;
  const bool uncounted = job.state == JobState::active && !is_final(pod->engine.exit_code);
  const int attempts = job.crashes + job.failed_pods + (uncounted ? 1 : 0);
  const bool given_up =
      uncounted ? attempts > seen.object.spec.snapshot.backoff_limit : job.fail_reason == "BackoffLimitExceeded";
  outcome.may_pass = may_pass(*pod, identity) ||
                     (given_up && std::any_of(pods.begin(), pods.end(),
                                              [&](const Pod& earlier) { return may_pass(earlier, identity); }));
  if (!outcome.may_pass && given_up) {
    outcome.message += "; given up after " + counted(static_cast<std::uint64_t>(attempts), "attempt");
  }
  if (!outcome.may_pass && !given_up && uncounted) outcome.crashes = attempts;
  outcome.report = report_of(*pod, identity);
  if (pod->engine.since) outcome.ended = pod->engine.since;
  return outcome;
}

}  // namespace

bool said_released(const Container& end, const std::string& identity) {
  const std::optional<api::Report> report = report_of(end, identity);
  return report && report->exit_code == api::ExitCode::done && report->reason == "Released";
}

bool made_nothing(const Container& end, const std::string& identity) {
  const std::optional<api::Report> report = report_of(end, identity);
  if (!report) return false;
  if (report->checks != api::Checks::unknown) return report->checks == api::Checks::not_passed;
  return std::any_of(report->findings.begin(), report->findings.end(),
                     [](const api::Finding& finding) { return finding.severity == api::Severity::error; });
}

const Pod* newest(const std::vector<Pod>& pods) {
  const auto found =
      std::max_element(pods.begin(), pods.end(), [](const Pod& a, const Pod& b) { return a.created < b.created; });
  return found == pods.end() ? nullptr : &*found;
}

Cause cause_of(const Pod& pod, const std::string& identity) {
  const Container& engine = pod.engine;
  if (const auto report = report_of(pod, identity)) {
    return {word_or(report->reason, "EngineFailed"), with_hint(report->message, report->hint), true};
  }
  if (engine.reason == "OOMKilled") {
    return {"OOMKilled", "the engine used more memory than its limit; raise spec.template.resources.limits.memory"};
  }
  if (!pod.eviction.empty()) return {"Evicted", "pod " + pod.name + " was evicted: " + pod.eviction};
  if (!terminated(pod)) return {"EngineLost", "pod " + pod.name + " ended and its engine left no word"};
  if (engine.exit_code > 128) {
    return {"EngineCrashed", "the engine was ended by signal " + std::to_string(engine.exit_code - 128) +
                                 " and left no report; see the log of pod " + pod.name};
  }
  return {"EngineFailed", "the engine ended with exit code " + std::to_string(engine.exit_code) +
                              " and left no report; see the log of pod " + pod.name};
}

std::optional<WallTime> overstays_from(const Pod& pod) {
  constexpr Seconds leave{30};
  if (!terminated(pod) || pod.finished || pod.deleting) return std::nullopt;
  return pod.engine.since.value_or(pod.created.value_or(WallTime{})) + leave;
}

Outcome outcome_of(const Job& job, const std::vector<Pod>& pods, const Observed& seen) {
  for (const Pod& pod : pods) {
    if (terminated(pod) && pod.engine.exit_code == 0) return succeeded(&pod, job, identity_of(seen.object));
  }
  if (job.state == JobState::complete) return succeeded(nullptr, job, identity_of(seen.object));
  if (job.state == JobState::failed) return failed(pods, job, seen);
  const Pod* last = newest(pods);
  if (last == nullptr || !terminated(*last)) return {};
  const std::optional<WallTime> overstays = overstays_from(*last);
  if (is_final(last->engine.exit_code) || (overstays && *overstays <= seen.now)) return failed(pods, job, seen);
  return {};
}

Outcome outcome_of_comparison(const Job& job, const std::vector<Pod>& pods, const Observed& seen) {
  Outcome outcome = outcome_of(job, pods, seen);
  if (outcome.result != RunResult::none) return outcome;
  for (const Pod& pod : pods) {
    std::optional<api::Report> report = report_of(pod, identity_of(seen.object));
    if (!report || !report->verification) continue;
    return {.result = RunResult::failed,
            .reason = report->reason,
            .message = report->message,
            .report = std::move(report),
            .ended = pod.engine.since};
  }
  return outcome;
}

}  // namespace tributary::replication

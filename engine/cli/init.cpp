#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>

#include "engine/base/log.h"
#include "engine/cli/consent.h"
#include "engine/cli/output.h"
#include "engine/cli/plan_view.h"
#include "engine/cli/release_order.h"
#include "engine/cli/run.h"
#include "engine/cli/unasked.h"
#include "engine/cli/verbs.h"
#include "engine/pipeline/patience.h"
#include "engine/pipeline/preview.h"
#include "engine/pipeline/refusal.h"
#include "engine/pipeline/session.h"
#include "engine/pipeline/sync.h"
#include "engine/postgres/snapshot/leftovers.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/sync/copy_drain.h"
#include "engine/postgres/sync/sync_servers.h"

namespace tributary::cli {
namespace {

constexpr Milliseconds last_words{10'000};

int refuse(const Error& error, const char* reason, const Options& options) {
  return publish(report_of(options, error, reason), options);
}

int print_plan(const pipeline::SnapshotPlan& plan, const Options& options) {
  const bool json = options.output == Output::json;
  const std::string text = json ? plan_json(plan) + "\n" : plan_text(plan, style_of(STDOUT_FILENO));
  return print(text);
}

// The plan stands where the report of a run would stand; what has no plan has a report.
int dry_run(const Options& options) {
  std::optional<pipeline::SnapshotPlan> plan;
  const auto make_plan = [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::make_servers(options.spec);
    Result<pipeline::SnapshotPlan> made = pipeline::plan_snapshot(*servers, board, until);
    if (!made) return report_of(options, made.error(), "PlanFailed");
    plan = std::move(made).value();
    return api::Report{};
  };
  return run(options, make_plan, [&](const api::Report& report) {
    return report.exit_code == api::ExitCode::done ? print_plan(*plan, options) : publish(report, options);
  });
}

// Whoever waits for the question can interrupt it.
Until asking_time(const Options& options) {
  const Seconds timeout = options.spec.snapshot.timeout;
  return {timeout > Seconds(0) ? Deadline::after(timeout) : Deadline::never()};
}

// By hand nobody promises to come back, and an earlier run that was killed may have left more than this one knows of.
void leave_nothing(const api::Spec& spec) {
  if (pipeline::is_declared(spec) || spec.mode != api::Mode::snapshot_and_sync) return;
  const Result<void> dropped = postgres::drop_leftovers(spec, {Deadline::after(last_words), {}});
  if (!dropped)
    log::warn("a slot of an earlier run may be left on the source; tributary release drops it",
              {{"error", describe(dropped.error())}});
}

enum class Answer { yes, not_asked };

// What nobody has agreed to lose is not dropped.
api::Report copy(const Options& options, Answer answer, pipeline::ProgressBoard& board, const Until& until) {
  const auto servers = postgres::make_servers(options.spec, postgres::sync::drain_of(options.spec));
  Unasked unasked(*servers);
  pipeline::Servers& chosen = answer == Answer::yes ? *servers : unasked;
  api::Report report = pipeline::run_snapshot(options.spec, chosen, board, until);
  if (report.exit_code != api::ExitCode::done) leave_nothing(options.spec);
  return report;
}

api::Report give_back(const Options& options, pipeline::Keep keep, pipeline::ProgressBoard& board, const Until& until) {
  const auto servers = postgres::sync::make_sync_servers(options.spec);
  return pipeline::run_release(options.spec, *servers, keep, board, until);
}

// The checks that a snapshot begins with say what would go; where nothing would, or that is not known yet, nobody is
// asked.
Result<Answer> get_consent(const Options& options) {
  TRY(check_can_ask());
  const auto servers = postgres::make_servers(options.spec);
  const Result<std::vector<api::Finding>> findings = servers->preflight(asking_time(options));
  if (!findings || pipeline::first_error(*findings) != nullptr) return Answer::not_asked;
  const std::vector<std::string> drops = drops_of(*findings);
  if (drops.empty()) return Answer::not_asked;
  TRY(ask(drops, std::cin, std::cerr));
  return Answer::yes;
}

}  // namespace

int init(const Options& options) {
  if (options.dry_run) return dry_run(options);
  Result<Answer> answer = Answer::yes;
  if (must_ask(options)) answer = get_consent(options);
  if (!answer) return refuse(answer.error(), "NotConfirmed", options);
  ReleaseOrder order(options.spec.release_token_sha256);
  const Work work = [&](pipeline::ProgressBoard& board, const Until& until) {
    return until_released(
        order, until, [&](const Until& either) { return copy(options, *answer, board, either); },
        [&](pipeline::Keep keep, const Until& own) { return give_back(options, keep, board, own); });
  };
  return run(options, work, order.routes());
}

}  // namespace tributary::cli

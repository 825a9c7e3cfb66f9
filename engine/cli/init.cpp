#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "engine/base/log.h"
#include "engine/cli/consent.h"
#include "engine/cli/output.h"
#include "engine/cli/plan_view.h"
#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/pipeline/preview.h"
#include "engine/pipeline/refusal.h"
#include "engine/pipeline/session.h"
#include "engine/postgres/servers.h"

namespace tributary::cli {
namespace {

// Long enough for two catalogs far away, short enough for somebody who waits for a question.
constexpr Seconds planning_time{120};

int refuse(const Error& error, const char* reason, const Options& options) {
  return publish(report_of(options, error, reason), options);
}

int dry_run(const Options& options) {
  log::start(options.log_level.value_or(log::Level::warn), options.log_format);
  const auto servers = postgres::make_servers(options.spec);
  const Until until{Deadline::after(planning_time)};
  const Result<pipeline::SnapshotPlan> plan = pipeline::plan_snapshot(*servers, until);
  if (!plan) return refuse(plan.error(), "PlanFailed", options);
  const bool json = options.output == Output::json;
  const std::string text = json ? plan_json(*plan) + "\n" : plan_text(*plan, style_of(STDOUT_FILENO));
  return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
}

// The checks that a snapshot begins with say what would go; where nothing would, nobody is asked.
Result<void> get_consent(const Options& options) {
  TRY(check_can_ask());
  const auto servers = postgres::make_servers(options.spec);
  const std::vector<api::Finding> findings = TRY(servers->preflight({Deadline::after(planning_time)}));
  if (const api::Finding* error = pipeline::first_error(findings)) return pipeline::refusal(*error);
  const std::vector<std::string> drops = drops_of(findings);
  return drops.empty() ? Result<void>() : ask(drops, std::cin, std::cerr);
}

}  // namespace

int init(const Options& options) {
  if (options.dry_run) return dry_run(options);
  if (must_ask(options)) {
    const Result<void> consent = get_consent(options);
    if (!consent) return refuse(consent.error(), "NotConfirmed", options);
  }
  return run(options, [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::make_servers(options.spec);
    return pipeline::run_snapshot(options.spec, *servers, board, until);
  });
}

}  // namespace tributary::cli

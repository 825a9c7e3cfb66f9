#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "engine/base/log.h"
#include "engine/cli/consent.h"
#include "engine/cli/output.h"
#include "engine/cli/plan_view.h"
#include "engine/cli/run.h"
#include "engine/cli/unasked.h"
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

enum class Answer { yes, not_asked };

// The checks that a snapshot begins with say what would go; where nothing would, or that is not known yet, nobody is
// asked.
Result<Answer> get_consent(const Options& options) {
  TRY(check_can_ask());
  const auto servers = postgres::make_servers(options.spec);
  const Result<std::vector<api::Finding>> findings = servers->preflight({Deadline::after(planning_time)});
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
  return run(options, [&](pipeline::ProgressBoard& board, const Until& until) {
    const auto servers = postgres::make_servers(options.spec);
    Unasked unasked(*servers);
    pipeline::Servers& chosen = *answer == Answer::yes ? *servers : unasked;
    return pipeline::run_snapshot(options.spec, chosen, board, until);
  });
}

}  // namespace tributary::cli

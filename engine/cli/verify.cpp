#include "engine/postgres/verify/verify.h"

#include <memory>
#include <utility>

#include "engine/base/log.h"
#include "engine/cli/output.h"
#include "engine/cli/repair_script.h"
#include "engine/cli/run.h"
#include "engine/cli/verbs.h"
#include "engine/cli/verification_verdict.h"
#include "engine/pipeline/reason.h"
#include "engine/pipeline/refusal.h"
#include "engine/postgres/verify/refusals.h"
#include "engine/postgres/verify/retry.h"

namespace tributary::cli {
namespace {

using Script = std::unique_ptr<RepairScript>;  // nothing where nobody wants one

Result<Script> open_script(const std::string& path) {
  if (path.empty()) return Script{};
  return RepairScript::open(path);
}

// A repair script is there when the comparison came to its end, also where something could not be compared.
Result<api::Report> compare(const Options& options, RepairScript* script, pipeline::ProgressBoard& board,
                            const Until& until) {
  board.enter(api::Phase::comparing);
  postgres::verify::Repair repair;
  if (script != nullptr)
    repair = [script](const RepairScript::Place& place, const RepairScript::Step& step) {
      return script->add(place, step);
    };
  const postgres::verify::Flags flags{options.verify.show_values, options.verify.restart};
  std::vector<api::Finding> findings = TRY(postgres::verify::retried(
      {}, board, until, [&] { return postgres::verify::find_refusals(options.spec, until); }));
  if (const api::Finding* const error = pipeline::first_error(findings)) {
    api::Report refused = report_of(options, pipeline::refusal(*error), error->code);
    refused.findings = std::move(findings);
    return refused;
  }
  api::Verification found = TRY(postgres::verify::verify(options.spec, flags, board, repair, until));
  found.request_id = options.spec.verify.request_id;
  api::Report report = judged(std::move(found));
  if (script == nullptr) return report;
  TRY(script->finish(differences_in(*report.verification)));
  const std::string place = options.verify.repair_sql == "-" ? "standard output" : options.verify.repair_sql;
  const std::string hint = repair_hint(place, script->statements(), script->unmended());
  if (!hint.empty()) report.hint = hint;
  return report;
}

api::Report report_on(const Options& options, RepairScript* script, pipeline::ProgressBoard& board,
                      const Until& until) {
  const std::string started = rfc3339(std::chrono::system_clock::now());
  const Result<api::Report> compared = compare(options, script, board, until);
  api::Report report =
      compared ? *compared
               : report_of(options, compared.error(), pipeline::reason_of(compared.error().fault, "VerifyFailed"));
  report.verb = word_of(options.verb);
  report.replication = options.spec.replication;
  report.started = started;
  report.finished = rfc3339(std::chrono::system_clock::now());
  return report;
}

// The script stands before the report. One that could not be written ends what was found out with 1, as a file does
// that cannot be.
int publish_both(const api::Report& report, const RepairScript* script, const Options& options) {
  const Result<void> printed = script == nullptr ? Result<void>{} : script->print();
  if (!printed) log::error("repair script not written", {{"error", describe(printed.error())}});
  const int code = publish(report, options);
  return printed ? code : static_cast<int>(api::ExitCode::failed);
}

}  // namespace

int verify(const Options& options) {
  Result<Script> script = open_script(options.verify.repair_sql);
  if (!script) return publish(report_of(options, script.error(), "BadConfiguration"), options);
  const Work work = [&](pipeline::ProgressBoard& board, const Until& until) {
    return report_on(options, script->get(), board, until);
  };
  return run(options, work, [&](const api::Report& report) { return publish_both(report, script->get(), options); });
}

}  // namespace tributary::cli

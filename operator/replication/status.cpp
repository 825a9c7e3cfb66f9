#include "operator/replication/status.h"

#include <algorithm>

#include "engine/base/counted.h"
#include "operator/replication/credentials.h"
#include "operator/replication/release_status.h"
#include "operator/replication/stream_status.h"
#include "operator/replication/verify_status.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using v1alpha1::Mode;
using v1alpha1::Phase;
using v1alpha1::Run;
using v1alpha1::RunResult;
using v1alpha1::Standing;
using v1alpha1::Status;
using v1alpha1::Truth;
using v1alpha1::Verdict;

void open_condition(Status& status, const char* type, WallTime now) {
  if (v1alpha1::find_condition(status, type) == nullptr) {
    v1alpha1::set_condition(status, type, Truth::unknown, condition::not_looked_at, "not looked at yet", now);
  }
}

void sum_up(Status& status, Run& run) {
  run.tables_total = run.tables_done = run.rows_copied = run.bytes_copied = 0;
  for (const v1alpha1::DatabaseStatus& database : status.databases) {
    run.tables_total += database.tables_total;
    run.tables_done += database.tables_done;
    run.rows_copied += database.rows_copied;
    run.bytes_copied += database.bytes_copied;
  }
}

// Sums over all databases first, then only the largest are listed.
template <class D, class F>
void set_databases(Status& status, Run& run, std::vector<D> databases, const F& bytes_of) {
  status.databases.clear();
  for (const D& database : databases) status.databases.push_back(bytes_of(database));
  sum_up(status, run);
  if (status.databases.size() > v1alpha1::most_databases) status.databases.resize(v1alpha1::most_databases);
}

void set_totals(Status& status, Run& run, api::Report report) {
  std::stable_sort(report.databases.begin(), report.databases.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  set_databases(status, run, report.databases, [](const api::DatabaseReport& database) {
    return v1alpha1::DatabaseStatus{database.name, database.tables, database.tables, database.rows, database.bytes};
  });
  // A termination message has room for some databases only.
  const api::Totals totals = totals_of(report);
  run.tables_total = run.tables_done = totals.tables;
  run.rows_copied = totals.rows;
  run.bytes_copied = totals.bytes;
  run.consistency = report.consistency == api::Consistency::per_table ? "PerTable" : "Snapshot";
}

// What was polled last is rounded and may be old: no end is told from it.
void forget_totals(Status& status, Run& run) {
  status.databases.clear();
  sum_up(status, run);
}

// Errors first: only some have room.
void set_findings(Status& status, std::vector<api::Finding> findings, const v1alpha1::Spec& spec) {
  std::erase_if(findings, [](const api::Finding& finding) { return finding.severity == api::Severity::ok; });
  std::stable_partition(findings.begin(), findings.end(),
                        [](const api::Finding& finding) { return finding.severity == api::Severity::error; });
  if (findings.size() > v1alpha1::most_findings) findings.resize(v1alpha1::most_findings);
  status.findings.clear();
  for (const api::Finding& finding : findings) {
    status.findings.push_back({word_of(finding.severity), finding.code, finding.subject,
                               named_secret(spec, finding.message).value_or(finding.message), finding.hint});
  }
}

// The first thing that the engine says of a Secret, with the Secret's name.
std::optional<std::string> about_a_secret(const v1alpha1::Spec& spec, const Outcome& outcome) {
  if (auto named = named_secret(spec, outcome.message)) return named;
  if (!outcome.report) return std::nullopt;
  for (const api::Finding& finding : outcome.report->findings) {
    if (finding.severity != api::Severity::error) continue;
    if (auto named = named_secret(spec, finding.message)) return named;
  }
  return std::nullopt;
}

// So that nobody waits for a mended Secret to be noticed.
std::string not_watched(const Observed& seen) {
  std::string names;
  for (const std::string& name : seen.unwatched_secrets) names += (names.empty() ? "" : " and ") + name;
  return "the operator may not watch secret " + names +
         " (hint: after a change there, give spec.snapshot.requestID another word)";
}

void record_failure(Status& status, const Observed& seen, const Outcome& outcome) {
  const v1alpha1::Spec& spec = seen.object.spec;
  const std::optional<WallTime> retry = retry_time(*find_run(status, spec.mode));
  std::string message = named_secret(spec, outcome.message).value_or(outcome.message);
  if (retry) message += "; another attempt is due at " + rfc3339(*retry);
  const std::optional<std::string> secret = about_a_secret(spec, outcome);
  if (secret) {
    v1alpha1::set_condition(status, condition::credentials_synced, Truth::no, outcome.reason, *secret, seen.now);
  }
  const bool refused = outcome.report && outcome.report->exit_code == api::ExitCode::bad_configuration &&
                       outcome.report->checks != api::Checks::passed;
  const bool about_access = secret || outcome.reason.ends_with("AccessDenied");
  if (about_access && !seen.unwatched_secrets.empty()) message += "; " + not_watched(seen);
  if (refused || spec.mode == Mode::validate) {
    v1alpha1::set_condition(status, condition::validated, Truth::no, outcome.reason, message, seen.now);
  }
  if (copies(spec.mode)) {
    v1alpha1::set_condition(status, condition::snapshot_complete, Truth::no, outcome.reason, message, seen.now);
  }
  v1alpha1::conclude(status,
                     {retry ? Standing::progressing : Standing::stalled, retry ? Phase::pending : Phase::failed,
                      outcome.reason, message},
                     seen.now);
}

void record_success(Status& status, const v1alpha1::Spec& spec, WallTime now) {
  Verdict verdict = verdict_of_success(status, spec.mode, false);
  v1alpha1::set_condition(status, condition::validated, Truth::yes, "Validated", "both ends fit this replication", now);
  if (copies(spec.mode)) {
    status.progress = "100%";
    v1alpha1::set_condition(status, condition::snapshot_complete, Truth::yes, verdict.reason, verdict.message, now);
  }
  if (streams(spec.mode)) {
    verdict.standing = Standing::progressing;
    verdict.phase = Phase::syncing;
  }
  v1alpha1::conclude(status, verdict, now);
}

const char* reason_of(api::Phase phase) {
  switch (phase) {
    case api::Phase::starting:
      return "Starting";
    case api::Phase::waiting:
      return "Retrying";
    case api::Phase::validating:
      return "Validating";
    case api::Phase::preparing:
      return "Preparing";
    case api::Phase::copying:
      return "Copying";
    case api::Phase::indexing:
      return "Indexing";
    case api::Phase::finishing:
    case api::Phase::done:
      return "Finishing";
    case api::Phase::following:
      return "Following";
    case api::Phase::comparing:
      return "Comparing";
    case api::Phase::failed:
      return "Failing";
  }
  std::abort();
}

bool past_validation(api::Phase phase) {
  return phase >= api::Phase::preparing && phase <= api::Phase::done;
}

void remember_slots(Run& copy, const api::Progress& progress) {
  copy.may_hold_slot = true;
  copy.may_hold_data = true;
  if (std::vector<std::string> slots = slots_of(progress); !slots.empty()) copy.slots = std::move(slots);
}

// A run has failed, or something keeps the operator from knowing.
bool is_bad(const Status& status) {
  const v1alpha1::Condition* ready = v1alpha1::find_condition(status, condition::ready);
  const bool retried =
      (status.snapshot && retry_time(*status.snapshot)) || (status.validation && retry_time(*status.validation));
  return v1alpha1::is_true(status, condition::stalled) || retried ||
         (ready != nullptr && ready->status == Truth::unknown);
}

// Which tables were copied again, or that they could not be.
std::optional<kube::EventNote> news_of_recopy(const Status& before, const Status& after) {
  if (!after.recopy || after.recopy->result == RunResult::none) return std::nullopt;
  if (before.recopy && before.recopy->request_id == after.recopy->request_id &&
      before.recopy->result != RunResult::none) {
    return std::nullopt;
  }
  const bool failed = after.recopy->result == RunResult::failed;
  return kube::EventNote{failed ? kube::EventKind::warning : kube::EventKind::normal,
                         failed ? "RecopyFailed" : "Recopied", "Reconcile",
                         "request " + after.recopy->request_id + ": " + after.recopy->message};
}

// Others than the one that Ready told of already.
bool more_have_stopped(const Status& before, const Status& after) {
  const v1alpha1::Condition* is = v1alpha1::find_condition(after, condition::ready);
  return is != nullptr && is->reason == "TablesStopped" && before.sync && after.sync &&
         after.sync->tables_stopped > before.sync->tables_stopped;
}

}  // namespace

std::uint64_t rounded(std::uint64_t number) {
  std::uint64_t unit = 1;
  while (number / unit >= 100) unit *= 10;
  return number / unit * unit;
}

Run& run_of(Status& status, Mode mode) {
  std::optional<Run>& run = mode == Mode::validate ? status.validation : status.snapshot;
  if (!run) run.emplace();
  return *run;
}

const Run* find_run(const Status& status, Mode mode) {
  const std::optional<Run>& run = mode == Mode::validate ? status.validation : status.snapshot;
  return run ? &*run : nullptr;
}

bool may_hold_slot(const Run& copy, Mode mode) {
  return copy.may_hold_slot.value_or(streams(mode));
}

bool is_left(const Status& status, Mode mode) {
  const Run* copy = find_run(status, mode);
  const bool given_back = status.release && status.release->result == RunResult::succeeded;
  if (copy == nullptr || given_back) return false;
  return copy->result == RunResult::succeeded ? streams(mode) : may_hold_slot(*copy, mode);
}

bool checks_passed(const api::Progress& progress) {
  if (progress.checks == api::Checks::unknown) return past_validation(progress.phase);
  return progress.checks == api::Checks::passed;
}

// What nobody remembers counts as yes.
bool is_filled(const Status& status, Mode mode) {
  const Run* copy = copies(mode) ? find_run(status, mode) : nullptr;
  return copy != nullptr && (copy->result == RunResult::succeeded || copy->may_hold_data.value_or(true));
}

Status opened(const Observed& seen) {
  Status status = seen.object.status;
  status.observed_generation = seen.object.generation;
  open_condition(status, condition::ready, seen.now);
  open_condition(status, condition::validated, seen.now);
  open_condition(status, condition::credentials_synced, seen.now);
  if (copies(seen.object.spec.mode)) open_condition(status, condition::snapshot_complete, seen.now);
  if (streams(seen.object.spec.mode)) open_condition(status, condition::synced, seen.now);
  for (v1alpha1::Condition& known : status.conditions) known.observed_generation = status.observed_generation;
  return status;
}

void begin_run(Status& status, Mode mode, Run run, std::vector<v1alpha1::CredentialVersion> credentials, WallTime now) {
  const bool same = status.snapshot && status.snapshot->request_id == run.request_id;
  if (copies(mode)) {
    run.may_hold_slot = is_left(status, mode);
    run.may_hold_data = is_filled(status, mode);
    if (*run.may_hold_slot && status.snapshot) {
      run.slots = status.snapshot->slots;
      run.slot_unheld_since = status.snapshot->slot_unheld_since;
    }
  }
  // What was said of a slot stands as long as that is there, but decides nothing about another request.
  if (!same || run.may_hold_slot != true) v1alpha1::remove_condition(status, condition::wal_limit_exceeded);
  run_of(status, mode) = std::move(run);
  status.credentials = std::move(credentials);
  status.databases.clear();
  status.findings.clear();
  status.progress.clear();
  status.sync.reset();
  status.release.reset();
  status.not_streamed.clear();
  forget_comparison(status);
  v1alpha1::remove_condition(status, condition::source_released);
  if (!v1alpha1::is_true(status, condition::validated)) {
    v1alpha1::set_condition(status, condition::validated, Truth::unknown, "Starting", "an engine is about to look",
                            now);
  }
  if (copies(mode)) {
    v1alpha1::set_condition(status, condition::snapshot_complete, Truth::no, "Starting", "an engine is about to copy",
                            now);
  }
  if (streams(mode)) {
    v1alpha1::set_condition(status, condition::synced, Truth::no, "Starting", "a snapshot comes first", now);
  }
}

void set_progress(Status& status, Mode mode, const api::Progress& progress, WallTime now) {
  if (checks_passed(progress)) {
    if (copies(mode)) remember_slots(run_of(status, mode), progress);
    v1alpha1::set_condition(status, condition::validated, Truth::yes, "Validated", "both ends fit this replication",
                            now);
  }
  if (!copies(mode)) return;
  std::vector<api::DatabaseProgress> databases = progress.databases;
  std::stable_sort(databases.begin(), databases.end(),
                   [](const auto& a, const auto& b) { return a.bytes_total > b.bytes_total; });
  set_databases(status, run_of(status, mode), databases, [](const api::DatabaseProgress& database) {
    return v1alpha1::DatabaseStatus{database.name, database.tables_total, rounded(database.tables_done),
                                    rounded(database.rows_copied), rounded(database.bytes_copied)};
  });
  status.progress = std::to_string(std::clamp(progress.percent, 0, 99)) + "%";
}

Verdict verdict_of(const api::Progress& progress, const Status& status, Mode mode) {
  Verdict verdict{.standing = Standing::progressing, .reason = reason_of(progress.phase)};
  const bool copying = copies(mode) && past_validation(progress.phase);
  verdict.phase = copying ? Phase::snapshotting : Phase::validating;
  if (progress.phase == api::Phase::waiting) {
    verdict.phase = status.phase;
    verdict.message = progress.message;
  } else if (const Run* run = find_run(status, mode); copying && run != nullptr && run->tables_total > 0) {
    verdict.message = counted(run->tables_done, "table") + " of " + std::to_string(run->tables_total) + " done, " +
                      bytes_text(run->bytes_copied) + " copied (" + status.progress + ")";
  } else if (!progress.message.empty()) {
    verdict.message = progress.message;
  } else {
    verdict.message = copying ? "the engine prepares the copy" : "the engine looks at both ends";
  }
  return verdict;
}

std::optional<WallTime> retry_time(const Run& run) {
  constexpr std::chrono::minutes first{1};
  constexpr std::chrono::minutes longest{30};
  const int ends = std::max(run.outages, run.crashes);
  if (run.result != RunResult::failed || ends <= 0) return std::nullopt;
  const auto wait = std::min(longest, first * (1 << std::min(ends - 1, 5)));
  return parse_rfc3339(run.completion_time).value_or(WallTime{}) + wait;
}

void record(Status& status, const Observed& seen, const Outcome& outcome) {
  const v1alpha1::Spec& spec = seen.object.spec;
  Run& run = run_of(status, spec.mode);
  run.result = outcome.result;
  run.completion_time = rfc3339(std::min(outcome.ended.value_or(seen.now), seen.now));
  run.outages = outcome.may_pass ? run.outages + 1 : 0;
  run.crashes = outcome.crashes;
  const bool succeeded = outcome.result == RunResult::succeeded;
  if (outcome.report) set_findings(status, outcome.report->findings, spec);
  if (succeeded && copies(spec.mode)) {
    run.may_hold_slot = false;
    run.may_hold_data = true;
    run.slots.clear();
    run.slot_unheld_since.clear();
    if (!streams(spec.mode)) v1alpha1::remove_condition(status, condition::wal_limit_exceeded);
  }
  if (succeeded && copies(spec.mode)) {
    outcome.report ? set_totals(status, run, *outcome.report) : forget_totals(status, run);
    expect_comparison(status, spec.verify);
  }
  if (succeeded) {
    record_success(status, spec, seen.now);
  } else {
    record_failure(status, seen, outcome);
  }
}

Verdict verdict_of_success(const Status& status, Mode mode, bool outdated) {
  if (mode == Mode::validate) {
    const std::size_t warnings = status.findings.size();
    return {Standing::met, Phase::completed, "Validated",
            warnings == 0 ? "both ends fit this replication"
                          : "both ends fit this replication, with " + counted(warnings, "warning")};
  }
  const Run* run = find_run(status, mode);
  const bool reported = !run->consistency.empty();
  std::string message =
      reported ? counted(run->tables_done, "table") + " with " + counted(run->rows_copied, "row") + " copied"
               : "everything is copied; the engine's report was lost, and with it how much that is";
  if (!outdated) return {Standing::met, Phase::completed, "SnapshotComplete", std::move(message)};
  message += ", as generation " + std::to_string(run->generation) +
             " of the spec asked; what it asks for now is copied once spec.snapshot.requestID is another word";
  return {Standing::met, Phase::completed, "SpecChanged", std::move(message)};
}

void set_credentials(Status& status, const Observed& seen) {
  const std::vector<std::string> missing = missing_secrets(seen);
  if (missing.empty() && !seen.unwatched_secrets.empty()) {
    v1alpha1::set_condition(status, condition::credentials_synced, Truth::unknown, "NotWatched", not_watched(seen),
                            seen.now);
    return;
  }
  if (missing.empty()) {
    v1alpha1::set_condition(status, condition::credentials_synced, Truth::yes, "SecretsFound",
                            "all secrets that the spec names exist", seen.now);
    return;
  }
  std::string message = missing.size() == 1 ? "secret " + missing[0] + " does" : "";
  if (missing.size() == 2) message = "secrets " + missing[0] + " and " + missing[1] + " do";
  message += " not exist in namespace " + seen.object.space + " (hint: create it; nothing else is needed)";
  v1alpha1::set_condition(status, condition::credentials_synced, Truth::no, "SecretNotFound", message, seen.now);
}

std::vector<kube::EventNote> news(const Status& before, const Status& after) {
  const v1alpha1::Condition* was = v1alpha1::find_condition(before, condition::ready);
  const v1alpha1::Condition* is = v1alpha1::find_condition(after, condition::ready);
  const bool bad = is_bad(after);
  std::vector<kube::EventNote> notes;
  const v1alpha1::Condition* release = v1alpha1::find_condition(after, condition::source_released);
  if (release_fails(after) && !release_fails(before)) {
    notes.push_back({kube::EventKind::warning, "ReleaseFailed", "Reconcile", release->message});
  }
  const std::optional<kube::EventNote> compared = news_of_comparison(before, after);
  const bool told = is != nullptr && ((release_fails(after) && is->reason == release->reason) ||
                                      (compared && is->reason == compared->reason));
  if (is != nullptr && !told &&
      (was == nullptr || was->reason != is->reason || is_bad(before) != bad || more_have_stopped(before, after))) {
    notes.push_back({bad ? kube::EventKind::warning : kube::EventKind::normal, is->reason, "Reconcile", is->message});
  }
  const bool over = v1alpha1::is_true(after, condition::wal_limit_exceeded);
  if (over && !v1alpha1::is_true(before, condition::wal_limit_exceeded)) {
    const v1alpha1::Condition& limit = *v1alpha1::find_condition(after, condition::wal_limit_exceeded);
    notes.push_back({kube::EventKind::warning, limit.reason, "Reconcile", limit.message});
  }
  if (compared) notes.push_back(*compared);
  if (auto recopied = news_of_recopy(before, after)) notes.push_back(*std::move(recopied));
  return notes;
}

}  // namespace tributary::replication

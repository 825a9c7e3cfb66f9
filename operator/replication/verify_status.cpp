#include "operator/replication/verify_status.h"

#include <algorithm>

#include "engine/base/counted.h"
#include "engine/base/hint.h"
#include "engine/base/text.h"
#include "operator/api/conditions.h"
#include "operator/replication/credentials.h"
#include "operator/replication/status.h"
#include "operator/replication/table_status.h"

namespace tributary::replication {
namespace {

namespace condition = v1alpha1::condition;
using v1alpha1::Condition;
using v1alpha1::Mismatch;
using v1alpha1::MismatchKind;
using v1alpha1::Spec;
using v1alpha1::Standing;
using v1alpha1::Status;
using v1alpha1::Truth;
using v1alpha1::VerifyState;
using v1alpha1::VerifyStatus;
using v1alpha1::VerifyTrigger;

constexpr const char* mismatch_reason = "VerifyMismatch";
constexpr std::size_t longest_text = 256;

// --- what the engine found

MismatchKind translate(api::RowDifference::Kind kind) {
  switch (kind) {
    case api::RowDifference::Kind::differs:
      return MismatchKind::differs;
    case api::RowDifference::Kind::missing:
      return MismatchKind::missing;
    case api::RowDifference::Kind::extra:
      return MismatchKind::extra;
  }
  std::abort();
}

Mismatch mismatch_of(const std::string& table, const api::RowDifference& row) {
  Mismatch mismatch{.table = table, .key = first_bytes(one_line(row.key), longest_text), .kind = translate(row.kind)};
  for (const std::string& column : row.columns) {
    if (mismatch.columns.size() == v1alpha1::most_columns) break;
    mismatch.columns.push_back(first_bytes(column, longest_text));
  }
  return mismatch;
}

// Of a table none of whose rows is listed.
MismatchKind kind_of(const api::TableVerification& table) {
  if (table.differing > 0) return MismatchKind::differs;
  return table.missing > 0 ? MismatchKind::missing : MismatchKind::extra;
}

// Each table with one row before any with its second.
std::vector<Mismatch> mismatches_of(const api::Verification& found) {
  std::vector<Mismatch> firsts;
  std::vector<Mismatch> others;
  for (const api::TableVerification& table : found.tables) {
    if (table.result != api::Comparison::different) continue;
    const std::string name = entry_of(table.database, table.name);
    if (table.rows.empty()) firsts.push_back({.table = name, .kind = kind_of(table)});
    for (const api::RowDifference& row : table.rows) {
      (&row == &table.rows.front() ? firsts : others).push_back(mismatch_of(name, row));
    }
  }
  for (const api::ObjectDifference& sequence : found.sequences) {
    if (sequence.kind != "sequence") continue;  // it could not be read
    firsts.push_back({.table = entry_of(sequence.database, sequence.object), .kind = MismatchKind::sequence});
  }
  firsts.insert(firsts.end(), others.begin(), others.end());
  if (firsts.size() > v1alpha1::most_mismatches) firsts.resize(v1alpha1::most_mismatches);
  return firsts;
}

VerifyState state_of(api::Comparison result) {
  switch (result) {
    case api::Comparison::equal:
      return VerifyState::equal;
    case api::Comparison::different:
      return VerifyState::mismatch;
    case api::Comparison::not_compared:
      return VerifyState::incomplete;
  }
  std::abort();
}

// An engine that left no report has found differences where its exit code says so; nothing else is taken to be found.
VerifyState found_by(const Outcome& outcome, const std::vector<Pod>& pods) {
  if (outcome.report && outcome.report->verification) return state_of(outcome.report->verification->result);
  const Pod* pod = newest(pods);
  const bool differs = pod != nullptr && pod->engine.state == ContainerState::terminated && !outcome.report &&
                       pod->engine.exit_code == static_cast<int>(api::ExitCode::differences);
  return differs ? VerifyState::mismatch : VerifyState::incomplete;
}

void set_findings(VerifyStatus& verify, const Outcome& outcome) {
  const api::Verification found =
      outcome.report && outcome.report->verification ? *outcome.report->verification : api::Verification{};
  verify.position = first_bytes(one_line(found.position), 64);
  verify.tables_checked = found.tables_compared;
  verify.tables_mismatched = found.tables_different;
  verify.tables_not_compared = found.tables_not_compared;
  verify.rows = found.rows;
  verify.mismatches = mismatches_of(found);
}

// What to do about a mismatch is said where it is told.
std::string message_of(const Outcome& outcome, VerifyState found, const Spec& spec) {
  std::string told = outcome.message;
  if (outcome.report) {
    told = with_hint(outcome.report->message, found == VerifyState::incomplete ? outcome.report->hint : "");
  }
  if (told.empty()) {
    return "the comparison has ended, and what it found is lost with its pod (hint: another spec.verify.requestID "
           "compares again)";
  }
  return named_secret(spec, told).value_or(told);
}

// --- in words

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string described(const Mismatch& mismatch) {
  const std::string& table = mismatch.table;
  if (mismatch.kind == MismatchKind::sequence) return "sequence " + table + " is behind or missing";
  if (mismatch.key.empty()) return table;
  switch (mismatch.kind) {
    case MismatchKind::missing:
      return table + " lacks the row " + mismatch.key;
    case MismatchKind::extra:
      return table + " has the row " + mismatch.key + ", which the source has not";
    case MismatchKind::differs:
    case MismatchKind::sequence:
      return table + " differs in the row " + mismatch.key +
             (mismatch.columns.empty() ? "" : " (" + listed(mismatch.columns) + ")");
  }
  std::abort();
}

const char* what_mends(const Spec& spec) {
  if (v1alpha1::streams(spec.mode)) {
    return "name the tables in spec.recopy with another requestID, then give spec.verify.requestID another word";
  }
  return "what was written on the source since the snapshot differs too; another spec.snapshot.requestID copies "
         "everything again";
}

std::string text_of_mismatch(const VerifyStatus& verify, const Spec& spec) {
  const std::uint64_t tables = verify.tables_mismatched;
  std::string text = "the target differs from the source";
  if (tables > 0) text += " in " + counted(tables, "table");
  if (!verify.mismatches.empty()) text += ": " + described(verify.mismatches.front());
  if (verify.mismatches.empty() && !verify.message.empty()) text += ": " + verify.message;
  if (verify.state == VerifyState::incomplete) text += "; the comparison after that is incomplete: " + verify.message;
  return text + " (hint: " + (verify.mismatches.size() > 1 ? "status.verify.mismatches has more; " : "") +
         what_mends(spec) + ")";
}

struct Words {
  Truth truth;
  const char* reason;
  std::string message;
};

Words words_of(const VerifyStatus& verify, const Spec& spec, const std::string& doing) {
  switch (verify.state) {
    case VerifyState::none:
      return {Truth::unknown, "NeverVerified", "both ends were not compared yet"};
    case VerifyState::pending:
    case VerifyState::running:
      return {Truth::unknown, "Verifying", doing};
    case VerifyState::equal:
      return {Truth::yes, "Verified", verify.message};
    case VerifyState::incomplete:
      if (verify.result != VerifyState::mismatch) return {Truth::unknown, "VerifyIncomplete", verify.message};
      [[fallthrough]];
    case VerifyState::mismatch:
      return {Truth::no, mismatch_reason, text_of_mismatch(verify, spec)};
  }
  std::abort();
}

// --- Ready

void keep_transition(Status& status, const Status& before, const char* type) {
  const Condition* was = v1alpha1::find_condition(before, type);
  for (Condition& is : status.conditions) {
    if (is.type == type && was != nullptr && was->status == is.status) {
      is.last_transition_time = was->last_transition_time;
    }
  }
}

// A condition that went and came again stands where it stood.
void keep_order(Status& status, const Status& before) {
  const auto place = [&](const Condition& one) {
    return std::find_if(before.conditions.begin(), before.conditions.end(),
                        [&](const Condition& other) { return other.type == one.type; });
  };
  std::stable_sort(status.conditions.begin(), status.conditions.end(),
                   [&](const Condition& a, const Condition& b) { return place(a) < place(b); });
}

}  // namespace

void forget_comparison(Status& status) {
  if (!status.verify) return;
  const VerifyStatus old = *status.verify;
  const bool owed = is_open(old) && old.trigger == VerifyTrigger::request;
  status.verify = VerifyStatus{.request_id = owed ? "" : old.request_id,
                               .schedule = old.schedule,
                               .scheduled_since = old.scheduled_since,
                               .attempt = old.attempt};
}

void expect_comparison(Status& status, const v1alpha1::VerifySpec& spec) {
  if (!spec.after_snapshot) return;
  if (!status.verify) status.verify.emplace();
  status.verify->snapshot = status.snapshot->job_name;
}

bool is_open(const VerifyStatus& verify) {
  return !verify.job_name.empty() && verify.completion_time.empty();
}

std::optional<WallTime> retry_time(const VerifyStatus& verify) {
  if (is_open(verify)) return std::nullopt;
  return retry_time(v1alpha1::Run{.outages = verify.outages,
                                  .crashes = verify.crashes,
                                  .completion_time = verify.completion_time,
                                  .result = v1alpha1::RunResult::failed});
}

void record_comparison(VerifyStatus& verify, const Observed& seen, const Outcome& outcome,
                       const std::vector<Pod>& pods) {
  const VerifyState found = found_by(outcome, pods);
  verify.completion_time = rfc3339(std::min(outcome.ended.value_or(seen.now), seen.now));
  verify.outages = outcome.may_pass ? verify.outages + 1 : 0;
  verify.crashes = outcome.crashes;
  if (!verify.schedule.empty()) verify.scheduled_since = rfc3339(seen.now);
  if (found != VerifyState::incomplete || verify.result != VerifyState::mismatch) {
    verify.result = found;
    verify.time = verify.completion_time;
    set_findings(verify, outcome);
  }
  verify.state = found;
  std::string message = message_of(outcome, found, seen.object.spec);
  if (const auto retry = retry_time(verify)) message += "; another attempt is due at " + rfc3339(*retry);
  verify.message = first_bytes(one_line(message), v1alpha1::longest_message, "...");
}

void tell_comparison(Status& status, const Spec& spec, const std::string& doing, WallTime now) {
  const Words words = words_of(status.verify.value_or(VerifyStatus{}), spec, doing);
  v1alpha1::set_condition(status, condition::verified, words.truth, words.reason, words.message, now);
}

bool is_degraded(const Status& status) {
  const Condition* ready = v1alpha1::find_condition(status, condition::ready);
  return ready != nullptr && ready->reason == mismatch_reason;
}

void lift_mismatch(Status& status, v1alpha1::Mode mode) {
  const Condition* told =
      v1alpha1::find_condition(status, v1alpha1::streams(mode) ? condition::synced : condition::snapshot_complete);
  for (Condition& ready : status.conditions) {
    if (ready.type != condition::ready || told == nullptr) continue;
    ready.status = told->status;
    ready.reason = told->reason;
    ready.message = told->message;
  }
  v1alpha1::remove_condition(status, condition::stalled);
}

void degrade(Status& status, const Spec& spec, const Status& before, WallTime now) {
  const bool differs = status.verify && status.verify->result == VerifyState::mismatch;
  const bool degrades = differs && spec.verify.on_mismatch == v1alpha1::OnMismatch::degrade;
  if (degrades && v1alpha1::is_true(status, condition::ready)) {
    v1alpha1::conclude(status,
                       {Standing::stalled, status.phase, mismatch_reason, text_of_mismatch(*status.verify, spec)}, now);
  }
  if (!is_degraded(before) && !is_degraded(status)) return;
  keep_transition(status, before, condition::ready);
  keep_transition(status, before, condition::stalled);
  keep_order(status, before);
}

std::optional<kube::EventNote> news_of_comparison(const Status& before, const Status& after) {
  if (!after.verify || after.verify->completion_time.empty()) return std::nullopt;
  const VerifyStatus was = before.verify.value_or(VerifyStatus{});
  const VerifyStatus& is = *after.verify;
  if (was.attempt == is.attempt && was.completion_time == is.completion_time) return std::nullopt;
  if (is.state == VerifyState::equal && was.result == VerifyState::equal) return std::nullopt;
  if (is.state == VerifyState::incomplete && std::max(is.outages, is.crashes) > 1) return std::nullopt;
  const Condition* told = v1alpha1::find_condition(after, condition::verified);
  const bool good = is.state == VerifyState::equal;
  if (told == nullptr) return std::nullopt;
  return kube::EventNote{good ? kube::EventKind::normal : kube::EventKind::warning, told->reason, "Reconcile",
                         told->message};
}

}  // namespace tributary::replication

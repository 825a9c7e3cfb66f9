#include "operator/api/status_json.h"

#include "operator/api/json_fields.h"
#include "operator/api/replication.h"

namespace tributary::v1alpha1 {
namespace {

using nlohmann::json;

const Words<Phase> phase_words = {
    {"Pending", Phase::pending}, {"Validating", Phase::validating}, {"Snapshotting", Phase::snapshotting},
    {"Syncing", Phase::syncing}, {"Completed", Phase::completed},   {"Paused", Phase::paused},
    {"Stopped", Phase::stopped}, {"Failed", Phase::failed},         {"Deleting", Phase::deleting}};
const Words<Truth> truth_words = {{"True", Truth::yes}, {"False", Truth::no}, {"Unknown", Truth::unknown}};
const Words<RunResult> result_words = {
    {"", RunResult::none}, {"Succeeded", RunResult::succeeded}, {"Failed", RunResult::failed}};

const Words<TableState> table_state_words = {{"Stopped", TableState::stopped},
                                             {"Recopying", TableState::recopying},
                                             {"NotStreamed", TableState::not_streamed},
                                             {"Dropped", TableState::dropped}};

const Words<VerifyState> verify_state_words = {
    {"", VerifyState::none},       {"Pending", VerifyState::pending},   {"Running", VerifyState::running},
    {"Equal", VerifyState::equal}, {"Mismatch", VerifyState::mismatch}, {"Incomplete", VerifyState::incomplete}};
const Words<VerifyTrigger> trigger_words = {{"", VerifyTrigger::none},
                                            {"AfterSnapshot", VerifyTrigger::after_snapshot},
                                            {"Schedule", VerifyTrigger::schedule},
                                            {"Request", VerifyTrigger::request}};
const Words<MismatchKind> mismatch_words = {{"Differs", MismatchKind::differs},
                                            {"Missing", MismatchKind::missing},
                                            {"Extra", MismatchKind::extra},
                                            {"Sequence", MismatchKind::sequence}};

Condition read(const JsonFields& in, Condition value) {
  in.read("type", value.type);
  in.read_word("status", value.status, truth_words);
  in.read("reason", value.reason);
  in.read("message", value.message);
  in.read("lastTransitionTime", value.last_transition_time);
  in.read("observedGeneration", value.observed_generation);
  return value;
}

json write(const Condition& value) {
  return {{"type", value.type},
          {"status", word_of(value.status)},
          {"reason", value.reason},
          {"message", value.message},
          {"lastTransitionTime", value.last_transition_time},
          {"observedGeneration", value.observed_generation}};
}

DatabaseStatus read(const JsonFields& in, DatabaseStatus value) {
  in.read("name", value.name);
  in.read("tablesTotal", value.tables_total);
  in.read("tablesDone", value.tables_done);
  in.read("rowsCopied", value.rows_copied);
  in.read("bytesCopied", value.bytes_copied);
  return value;
}

json write(const DatabaseStatus& value) {
  return {{"name", value.name},
          {"tablesTotal", value.tables_total},
          {"tablesDone", value.tables_done},
          {"rowsCopied", value.rows_copied},
          {"bytesCopied", value.bytes_copied}};
}

CredentialVersion read(const JsonFields& in, CredentialVersion value) {
  in.read("name", value.name);
  in.read("uid", value.uid);
  in.read("resourceVersion", value.resource_version);
  return value;
}

json write(const CredentialVersion& value) {
  return {{"name", value.name}, {"uid", value.uid}, {"resourceVersion", value.resource_version}};
}

FindingStatus read(const JsonFields& in, FindingStatus value) {
  in.read("severity", value.severity);
  in.read("code", value.code);
  in.read("subject", value.subject);
  in.read("message", value.message);
  in.read("hint", value.hint);
  return value;
}

json write(const FindingStatus& value) {
  return {{"severity", value.severity},
          {"code", value.code},
          {"subject", value.subject},
          {"message", value.message},
          {"hint", value.hint}};
}

TableStatus read(const JsonFields& in, TableStatus value) {
  in.read("table", value.table);
  in.read_word("state", value.state, table_state_words);
  in.read("reason", value.reason);
  return value;
}

json write(const TableStatus& value) {
  return {{"table", value.table}, {"state", word_for(table_state_words, value.state)}, {"reason", value.reason}};
}

Mismatch read(const JsonFields& in, Mismatch value) {
  in.read("table", value.table);
  in.read("key", value.key);
  in.read_word("kind", value.kind, mismatch_words);
  in.read("columns", value.columns);
  return value;
}

json write(const Mismatch& value) {
  json out = {{"table", value.table}, {"kind", word_for(mismatch_words, value.kind)}};
  if (!value.key.empty()) out["key"] = value.key;
  if (!value.columns.empty()) out["columns"] = value.columns;
  return out;
}

RecopyStatus read_recopy(const JsonFields& in) {
  RecopyStatus recopy;
  in.read("requestID", recopy.request_id);
  in.read("tables", recopy.tables);
  in.read("tablesCopied", recopy.tables_copied);
  in.read("startTime", recopy.start_time);
  in.read("completionTime", recopy.completion_time);
  in.read_word("result", recopy.result, result_words);
  in.read("message", recopy.message);
  return recopy;
}

std::optional<std::uint64_t> read_known(const JsonFields& in, const char* key) {
  if (in.raw(key).is_null()) return std::nullopt;
  std::uint64_t value = 0;
  in.read(key, value);
  return value;
}

SyncStatus read_sync(const JsonFields& in) {
  SyncStatus sync;
  in.read("method", sync.method);
  in.read("lag", sync.lag);
  sync.lag_bytes = read_known(in, "lagBytes");
  sync.lag_seconds = read_known(in, "lagSeconds");
  in.read("receivedPosition", sync.received_position);
  in.read("appliedPosition", sync.applied_position);
  in.read("lastTransactionTime", sync.last_transaction_time);
  sync.retained_bytes = read_known(in, "retainedBytes");
  in.read("slots", sync.slots);
  in.read("tablesStopped", sync.tables_stopped);
  in.read("tablesRecopied", sync.tables_recopied);
  in.read("tablesNotStreamed", sync.tables_not_streamed);
  in.read("observedTime", sync.observed_time);
  return sync;
}

std::optional<bool> read_flag(const JsonFields& in, const char* key) {
  if (in.raw(key).is_null()) return std::nullopt;
  bool value = false;
  in.read(key, value);
  return value;
}

Run read_run(const JsonFields& in) {
  Run run;
  in.read("inputsHash", run.inputs_hash);
  in.read("requestID", run.request_id);
  in.read("jobName", run.job_name);
  in.read("attempt", run.attempt);
  in.read("outages", run.outages);
  in.read("crashes", run.crashes);
  in.read("generation", run.generation);
  in.read("startTime", run.start_time);
  in.read("completionTime", run.completion_time);
  in.read_word("result", run.result, result_words);
  in.read("tablesTotal", run.tables_total);
  in.read("tablesDone", run.tables_done);
  in.read("rowsCopied", run.rows_copied);
  in.read("bytesCopied", run.bytes_copied);
  in.read("consistency", run.consistency);
  run.may_hold_slot = read_flag(in, "mayHoldSlot");
  run.may_hold_data = read_flag(in, "mayHoldData");
  in.read("dropsTargetData", run.drops_data);
  in.read("slots", run.slots);
  in.read("slotUnheldSince", run.slot_unheld_since);
  return run;
}

void put(json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}

json write(const Run& run) {
  json out = {{"jobName", run.job_name}, {"attempt", run.attempt}, {"generation", run.generation}};
  if (run.outages > 0) out["outages"] = run.outages;
  if (run.crashes > 0) out["crashes"] = run.crashes;
  if (run.drops_data) out["dropsTargetData"] = true;
  put(out, "inputsHash", run.inputs_hash);
  put(out, "requestID", run.request_id);
  put(out, "startTime", run.start_time);
  put(out, "completionTime", run.completion_time);
  put(out, "result", word_for(result_words, run.result));
  put(out, "consistency", run.consistency);
  return out;
}

json write(const SyncStatus& sync) {
  json out = {{"method", sync.method},
              {"tablesStopped", sync.tables_stopped},
              {"tablesRecopied", sync.tables_recopied},
              {"tablesNotStreamed", sync.tables_not_streamed}};
  put(out, "lag", sync.lag);
  if (sync.lag_bytes) out["lagBytes"] = *sync.lag_bytes;
  if (sync.lag_seconds) out["lagSeconds"] = *sync.lag_seconds;
  if (sync.retained_bytes) out["retainedBytes"] = *sync.retained_bytes;
  put(out, "receivedPosition", sync.received_position);
  put(out, "appliedPosition", sync.applied_position);
  put(out, "lastTransactionTime", sync.last_transaction_time);
  if (!sync.slots.empty()) out["slots"] = sync.slots;
  put(out, "observedTime", sync.observed_time);
  return out;
}

json write(const RecopyStatus& recopy) {
  json out = {{"requestID", recopy.request_id}, {"tables", recopy.tables}, {"tablesCopied", recopy.tables_copied}};
  put(out, "startTime", recopy.start_time);
  put(out, "completionTime", recopy.completion_time);
  put(out, "result", word_for(result_words, recopy.result));
  put(out, "message", recopy.message);
  return out;
}

json write_copied(const Run& run) {
  json out = write(run);
  if (run.may_hold_slot) out["mayHoldSlot"] = *run.may_hold_slot;
  if (run.may_hold_data) out["mayHoldData"] = *run.may_hold_data;
  if (!run.slots.empty()) out["slots"] = run.slots;
  put(out, "slotUnheldSince", run.slot_unheld_since);
  if (run.tables_total == 0) return out;  // not counted, or nothing to count
  out["tablesTotal"] = run.tables_total;
  out["tablesDone"] = run.tables_done;
  out["rowsCopied"] = run.rows_copied;
  out["bytesCopied"] = run.bytes_copied;
  return out;
}

template <class T>
std::vector<T> read_list(const json& list, std::optional<Error>& flaw) {
  std::vector<T> values;
  if (!list.is_array()) return values;
  for (const json& item : list) values.push_back(read(JsonFields(item, "status", flaw), T{}));
  return values;
}

template <class T>
void put_list(json& out, const char* key, const std::vector<T>& values) {
  if (values.empty()) return;
  json& list = out[key] = json::array();
  for (const T& value : values) list.push_back(write(value));
}

VerifyStatus read_verify(const JsonFields& in, std::optional<Error>& flaw) {
  VerifyStatus verify;
  in.read_word("state", verify.state, verify_state_words);
  in.read_word("result", verify.result, verify_state_words);
  in.read("time", verify.time);
  in.read("position", verify.position);
  in.read("tablesChecked", verify.tables_checked);
  in.read("tablesMismatched", verify.tables_mismatched);
  in.read("tablesNotCompared", verify.tables_not_compared);
  in.read("rows", verify.rows);
  verify.mismatches = read_list<Mismatch>(in.raw("mismatches"), flaw);
  in.read("message", verify.message);
  in.read("requestID", verify.request_id);
  in.read("snapshot", verify.snapshot);
  in.read("schedule", verify.schedule);
  in.read("scheduledSince", verify.scheduled_since);
  in.read_word("trigger", verify.trigger, trigger_words);
  in.read("jobName", verify.job_name);
  in.read("attempt", verify.attempt);
  in.read("outages", verify.outages);
  in.read("crashes", verify.crashes);
  in.read("startTime", verify.start_time);
  in.read("completionTime", verify.completion_time);
  return verify;
}

json write(const VerifyStatus& verify) {
  json out = json::object();
  put(out, "state", word_for(verify_state_words, verify.state));
  put(out, "result", word_for(verify_state_words, verify.result));
  put(out, "time", verify.time);
  put(out, "position", verify.position);
  if (verify.result != VerifyState::none) {
    out["tablesChecked"] = verify.tables_checked;
    out["tablesMismatched"] = verify.tables_mismatched;
    out["tablesNotCompared"] = verify.tables_not_compared;
    out["rows"] = verify.rows;
  }
  put_list(out, "mismatches", verify.mismatches);
  put(out, "message", verify.message);
  put(out, "requestID", verify.request_id);
  put(out, "snapshot", verify.snapshot);
  put(out, "schedule", verify.schedule);
  put(out, "scheduledSince", verify.scheduled_since);
  put(out, "trigger", word_for(trigger_words, verify.trigger));
  put(out, "jobName", verify.job_name);
  if (verify.attempt > 0) out["attempt"] = verify.attempt;
  if (verify.outages > 0) out["outages"] = verify.outages;
  if (verify.crashes > 0) out["crashes"] = verify.crashes;
  put(out, "startTime", verify.start_time);
  put(out, "completionTime", verify.completion_time);
  return out;
}

}  // namespace

const char* word_of(Phase phase) {
  return word_for(phase_words, phase);
}
const char* word_of(Truth truth) {
  return word_for(truth_words, truth);
}
const char* word_of(VerifyTrigger trigger) {
  return word_for(trigger_words, trigger);
}
VerifyTrigger trigger_of(std::string_view word) {
  return meaning_of(trigger_words, word).value_or(VerifyTrigger::none);
}
const char* word_of(MismatchKind kind) {
  return word_for(mismatch_words, kind);
}

Status status_from_json(const json& object) {
  std::optional<Error> flaw;
  const JsonFields in(object, "status", flaw);
  Status status;
  in.read("observedGeneration", status.observed_generation);
  // The schema's default, of what nobody has looked at.
  if (status.observed_generation < 0) status.observed_generation = 0;
  in.read_word("phase", status.phase, phase_words);
  in.read("progress", status.progress);
  status.conditions = read_list<Condition>(in.raw("conditions"), flaw);
  status.databases = read_list<DatabaseStatus>(in.raw("databases"), flaw);
  if (in.raw("validation").is_object()) status.validation = read_run(in.inner("validation"));
  if (in.raw("snapshot").is_object()) status.snapshot = read_run(in.inner("snapshot"));
  if (in.raw("sync").is_object()) status.sync = read_sync(in.inner("sync"));
  if (in.raw("release").is_object()) status.release = read_run(in.inner("release"));
  if (in.raw("recopy").is_object()) status.recopy = read_recopy(in.inner("recopy"));
  if (in.raw("verify").is_object()) status.verify = read_verify(in.inner("verify"), flaw);
  status.not_streamed = read_list<TableStatus>(in.raw("notStreamed"), flaw);
  status.findings = read_list<FindingStatus>(in.raw("findings"), flaw);
  status.credentials = read_list<CredentialVersion>(in.raw("credentials"), flaw);
  return status;
}

json to_json(const Status& status) {
  json out = {{"observedGeneration", status.observed_generation}, {"phase", word_of(status.phase)}};
  put(out, "progress", status.progress);
  put_list(out, "conditions", status.conditions);
  put_list(out, "databases", status.databases);
  if (status.validation) out["validation"] = write(*status.validation);
  if (status.snapshot) out["snapshot"] = write_copied(*status.snapshot);
  if (status.sync) out["sync"] = write(*status.sync);
  if (status.release) out["release"] = write(*status.release);
  if (status.recopy) out["recopy"] = write(*status.recopy);
  if (status.verify) out["verify"] = write(*status.verify);
  put_list(out, "notStreamed", status.not_streamed);
  put_list(out, "findings", status.findings);
  put_list(out, "credentials", status.credentials);
  return out;
}

}  // namespace tributary::v1alpha1

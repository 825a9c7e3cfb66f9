#include "engine/postgres/step_runner.h"

#include <algorithm>
#include <array>

namespace tributary::postgres {
namespace {

using Findings = std::vector<api::Finding>;

constexpr int deadlock_attempts = 5;
constexpr std::uint64_t least_memory = 64ULL << 20;
constexpr std::uint64_t most_memory = 256ULL
                                      << 20;  // more was measured to gain nothing and costs a small server dearly

bool already_exists(std::string_view sqlstate) {
  // schema, table or index, object, function, column, a second primary key
  static constexpr std::array<std::string_view, 6> states{"42P06", "42P07", "42710", "42723", "42701", "42P16"};
  return std::find(states.begin(), states.end(), sqlstate) != states.end();
}

std::string settings_for(const pipeline::Schema& schema, const pipeline::TargetWriter::Effort& effort) {
  std::string sql = "BEGIN;";
  for (const std::string& setting : schema.settings) sql += "SET LOCAL " + setting + ";";
  const std::uint64_t memory = std::clamp(effort.table_bytes / 2, least_memory, most_memory);
  sql += "SET LOCAL maintenance_work_mem = '" + std::to_string(memory >> 10) + "kB';";
  sql += "SET LOCAL max_parallel_maintenance_workers = " + std::to_string(effort.parallel_workers);
  return sql;
}

api::Finding skipped(const pipeline::SchemaStep& step, const Error& error) {
  return {api::Severity::warning, "StepSkipped", step.object, "could not be created: " + error.what, error.hint};
}

api::Finding kept(const pipeline::SchemaStep& step) {
  return {api::Severity::warning, "AlreadyThere", step.object, "exists on the target and was left as it is", ""};
}

api::Finding orphaned(const pipeline::SchemaStep& step, std::int64_t count) {
  return {api::Severity::warning, "ForeignKeyOrphans", step.object,
          "the source holds " + std::to_string(count) + " rows without a parent; the constraint was added as NOT VALID",
          "correct these rows, then ALTER TABLE ... VALIDATE CONSTRAINT"};
}

}  // namespace

void StepRunner::undo() {
  if (connection_.usable()) static_cast<void>(connection_.execute("ROLLBACK", {Deadline::after(Seconds{5}), {}}));
}

Result<Findings> StepRunner::run(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                 const pipeline::TargetWriter::Effort& effort, const Until& until) {
  for (int number = 1;; ++number) {
    Result<Findings> findings = attempt(schema, steps, effort, until);
    if (findings) return findings;
    const bool deadlock = connection_.sqlstate() == "40P01";
    undo();
    if (!deadlock || number == deadlock_attempts) return findings;
  }
}

Result<Findings> StepRunner::attempt(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                     const pipeline::TargetWriter::Effort& effort, const Until& until) {
  Findings findings;
  std::vector<DoneStep> done;
  TRY(connection_.execute(settings_for(schema, effort), until));
  for (const std::size_t index : steps) {
    const pipeline::SchemaStep& step = schema.steps[index];
    if (options_->done.count(digest_of(step)) != 0) continue;
    const Result<bool> ours = run_one(step, findings, until);
    if (!ours) return within(step.object, ours.error());
    done.push_back({index, *ours});
  }
  TRY(record_steps(connection_, owner_, schema, done, until));
  TRY(connection_.execute("COMMIT", until));
  return findings;
}

// Whether what the step is about is ours to take back.
Result<bool> StepRunner::run_one(const pipeline::SchemaStep& step, Findings& findings, const Until& until) {
  const bool extension = step.kind == "EXTENSION";  // IF NOT EXISTS: says nothing when it was there
  const std::int64_t before = extension ? TRY(extensions(until)) : 0;
  const bool tolerant = step.optional || step.may_exist || options_->may_all_exist;
  if (tolerant) TRY(connection_.execute("SAVEPOINT step", until));
  const Result<void> carried_out = connection_.execute(step.sql, until);
  if (!carried_out && !tolerant) return carried_out.error();
  if (!carried_out) return tolerate(step, carried_out.error(), findings, until);
  if (tolerant) TRY(connection_.execute("RELEASE SAVEPOINT step", until));
  if (extension) return TRY(extensions(until)) > before;
  return true;
}

Result<bool> StepRunner::tolerate(const pipeline::SchemaStep& step, const Error& error, Findings& findings,
                                  const Until& until) {
  const std::string sqlstate = connection_.sqlstate();
  const bool exists = already_exists(sqlstate) && (step.may_exist || options_->may_all_exist);
  if (sqlstate.empty() || sqlstate == "40P01" || (!exists && !step.optional)) return error;
  TRY(connection_.execute("ROLLBACK TO SAVEPOINT step", until));
  if (!exists) findings.push_back(skipped(step, error));
  if (exists && !step.may_exist) findings.push_back(kept(step));
  return false;
}

Result<std::int64_t> StepRunner::extensions(const Until& until) {
  return TRY(connection_.query_row("SELECT pg_catalog.count(*) FROM pg_catalog.pg_extension", {}, until)).integer(0, 0);
}

Result<Findings> StepRunner::validate(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                      const Until& until) {
  Findings findings;
  TRY(connection_.execute("BEGIN", until));
  for (const std::size_t index : steps) {
    const Result<void> validated = validate_one(schema.steps[index], findings, until);
    if (validated) continue;
    undo();
    return within(schema.steps[index].object, validated.error());
  }
  const Result<void> ours = fence(connection_, owner_, until);
  if (!ours) {
    undo();
    return ours.error();
  }
  TRY(connection_.execute("COMMIT", until));
  return findings;
}

Result<void> StepRunner::validate_one(const pipeline::SchemaStep& step, Findings& findings, const Until& until) {
  TRY(connection_.execute("SAVEPOINT validation", until));
  const Result<void> valid = connection_.execute(step.validate, until);
  if (valid) return connection_.execute("RELEASE SAVEPOINT validation", until);
  if (connection_.sqlstate() != "23503") return valid.error();
  TRY(connection_.execute("ROLLBACK TO SAVEPOINT validation", until));
  const Rows count = TRY(connection_.query_row(step.orphans, {}, until));
  findings.push_back(orphaned(step, count.integer(0, 0)));
  return {};
}

}  // namespace tributary::postgres

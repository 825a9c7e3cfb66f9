#include "engine/postgres/copy/step_runner.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/base/counted.h"

namespace tributary::postgres {
namespace {

using Findings = std::vector<api::Finding>;

constexpr int deadlock_attempts = 5;
constexpr std::uint64_t least_memory = 64ULL << 20;
constexpr std::uint64_t most_memory = 256ULL
                                      << 20;  // more was measured to gain nothing and costs a small server dearly

// IF NOT EXISTS: says nothing when it was there.
bool is_extension(const pipeline::SchemaStep& step) {
  return step.kind == "EXTENSION";
}

// REFRESH: the view's query may do whatever the source's owner wrote.
bool is_refresh(const pipeline::SchemaStep& step) {
  return step.kind == "MATERIALIZED VIEW DATA";
}

bool already_exists(std::string_view sqlstate, std::string_view routine) {
  // schema, table or index, object, function, column
  static constexpr std::array<std::string_view, 5> states{"42P06", "42P07", "42710", "42723", "42701"};
  if (std::find(states.begin(), states.end(), sqlstate) != states.end()) return true;
  // 42P16 is any invalid definition; a second primary key is told by who says it (src/backend/catalog/index.c).
  return sqlstate == "42P16" && routine == "index_check_primary_key";
}

// What the server refuses for what it says will be refused again: features, values, names and types, limits. What
// exists already may be gone the next time.
bool is_refused_for_good(std::string_view sqlstate) {
  static constexpr std::array<std::string_view, 5> groups{"0A", "22", "23", "42", "54"};
  return std::find(groups.begin(), groups.end(), sqlstate.substr(0, 2)) != groups.end() && sqlstate != "23505" &&
         !already_exists(sqlstate, "");
}

// Of rows; another session's object of the same name breaks an index of the catalog.
bool found_duplicates(const pipeline::SchemaStep& step, const std::string& sqlstate, const Diagnosis& diagnosis) {
  return sqlstate == "23505" && step.table && diagnosis.table == step.table->name;
}

Error failure_of(const pipeline::SchemaStep& step, const Connection& connection, const Error& error) {
  const std::string& sqlstate = connection.sqlstate();
  if (found_duplicates(step, sqlstate, connection.diagnosis()))
    return {Fault::invalid,
            step.object + ": rows of table " + model::display(*step.table) + " are equal: " + error.what,
            "look for duplicates on the source, whose own index may be corrupt (REINDEX it there), or the target's "
            "collation takes for equal what the source's does not"};
  Error told = within(step.object, error);
  if (step.table && (sqlstate == "42883" || sqlstate == "42P01"))
    told.hint =
        "a function that it calls names another function or table without its schema, and a copy goes by no "
        "search_path: write the schema there on the source, or ALTER FUNCTION ... SET search_path";
  if (sqlstate == "42501" && told.hint.empty())
    told.hint =
        "give the target's role the right to it, such as GRANT USAGE ON FOREIGN DATA WRAPPER, or have a superuser "
        "create the object there and append to it (--append)";
  if (told.fault != Fault::failed || !is_refused_for_good(sqlstate)) return told;
  told.fault = Fault::invalid;
  if (told.hint.empty()) told.hint = "prepare the target for it, or drop it on the source";
  return told;
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
  if (is_refresh(step))
    return {api::Severity::warning, "ViewNotRefreshed", step.object, "its query fails on the target: " + error.what,
            "it holds no rows: see to the cause, then REFRESH MATERIALIZED VIEW there"};
  return {api::Severity::warning, "StepSkipped", step.object, "could not be created: " + error.what, error.hint};
}

api::Finding kept(const pipeline::SchemaStep& step) {
  return {api::Severity::warning, "AlreadyThere", step.object, "exists on the target and was left as it is", ""};
}

api::Finding orphaned(const pipeline::SchemaStep& step, const std::string& rows) {
  return {api::Severity::warning, "ForeignKeyOrphans", step.object,
          "the source holds " + rows + " without a parent; the constraint was added as NOT VALID",
          "correct these rows, then ALTER TABLE ... VALIDATE CONSTRAINT"};
}

}  // namespace

Result<Findings> StepRunner::run(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                 const pipeline::TargetWriter::Effort& effort, const Until& until) {
  Travel travel = Travel::together;
  for (int number = 1;; ++number) {
    several_failed_ = false;
    Result<Findings> findings = attempt(schema, steps, effort, travel, until);
    if (findings) return findings;
    const bool deadlock = connection_.sqlstate() == "40P01";
    connection_.roll_back();
    if (deadlock && number < deadlock_attempts) continue;
    const bool unclear = several_failed_ && findings.error().fault != Fault::cancelled && connection_.usable();
    if (deadlock || !unclear) return findings;
    travel = Travel::one_by_one;
  }
}

Result<Findings> StepRunner::attempt(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                     const pipeline::TargetWriter::Effort& effort, Travel travel, const Until& until) {
  Findings findings;
  std::vector<DoneStep> done;
  std::vector<const pipeline::SchemaStep*> gathered;
  TRY(connection_.execute(settings_for(schema, effort), until));
  for (const std::size_t index : steps) {
    const pipeline::SchemaStep& step = schema.steps[index];
    if (options_->done.count(digest_of(step)) != 0) continue;
    if (leaves_alone(step)) {
      options_->existing->add(index);
      if (step.kind == "SEQUENCE") findings.push_back(kept(step));
      continue;
    }
    std::string undo = step.undo;
    if (tolerant(step) || !step.undo_query.empty()) TRY(flush(gathered, until));
    if (!step.undo_query.empty()) undo = TRY(connection_.query_row(step.undo_query, {}, until)).str(0, 0);
    if (tolerant(step)) {
      const Result<bool> result = run_one(step, findings, until);
      if (!result) return failure_of(step, connection_, result.error());
      if (!*result) {
        options_->existing->add(index);
        continue;
      }
    } else {
      gathered.push_back(&step);
      if (travel == Travel::one_by_one) TRY(flush(gathered, until));
    }
    done.push_back({index, std::move(undo)});
  }
  TRY(flush(gathered, until));
  TRY(record_steps(connection_, owner_, schema, done, until));
  TRY(connection_.execute("COMMIT", until));
  return findings;
}

bool StepRunner::tolerant(const pipeline::SchemaStep& step) const {
  return step.optional || step.may_exist || options_->may_all_exist || is_extension(step);
}

bool StepRunner::leaves_alone(const pipeline::SchemaStep& step) const {
  return options_->may_all_exist && step.changes && options_->existing->holds(*step.changes);
}

Result<void> StepRunner::flush(std::vector<const pipeline::SchemaStep*>& gathered, const Until& until) {
  if (gathered.empty()) return {};
  const std::vector<const pipeline::SchemaStep*> steps = std::exchange(gathered, {});
  std::string sql;
  for (const pipeline::SchemaStep* step : steps) sql += step->sql + "\n;\n";  // a comment may end the text
  const Result<void> done = connection_.execute(sql, until);
  if (done) return {};
  several_failed_ = steps.size() > 1;
  return failure_of(*steps.front(), connection_, done.error());
}

// Whether what the step is about is ours to take back.
Result<bool> StepRunner::run_one(const pipeline::SchemaStep& step, Findings& findings, const Until& until) {
  const std::int64_t before = is_extension(step) ? TRY(extensions(until)) : 0;
  TRY(connection_.execute("SAVEPOINT step", until));
  const Result<void> carried_out = connection_.execute(step.sql, until);
  if (!carried_out) return tolerate(step, carried_out.error(), findings, until);
  TRY(connection_.execute("RELEASE SAVEPOINT step", until));
  if (is_extension(step)) return TRY(extensions(until)) > before;
  return true;
}

bool StepRunner::exists(const pipeline::SchemaStep& step) const {
  return (step.may_exist || options_->may_all_exist) &&
         already_exists(connection_.sqlstate(), connection_.diagnosis().routine);
}

Result<bool> StepRunner::tolerate(const pipeline::SchemaStep& step, const Error& error, Findings& findings,
                                  const Until& until) {
  const std::string& sqlstate = connection_.sqlstate();
  // Class 08 from a server that answers is about one that the view's query asks.
  const bool is_elsewhere = is_refresh(step) && sqlstate.starts_with("08");
  if (sqlstate.empty() || !(is_refusal(sqlstate) || is_elsewhere)) return error;
  const bool there = exists(step);
  if (!there && !step.optional) return error;
  TRY(connection_.execute("ROLLBACK TO SAVEPOINT step", until));
  if (!there) findings.push_back(skipped(step, error));
  if (there && !step.may_exist) findings.push_back(kept(step));
  return false;
}

Result<std::int64_t> StepRunner::extensions(const Until& until) {
  return TRY(connection_.query_row("SELECT pg_catalog.count(*) FROM pg_catalog.pg_extension", {}, until)).integer(0, 0);
}

Result<Findings> StepRunner::validate(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                      const Until& until) {
  for (int number = 1;; ++number) {
    Result<Findings> findings = validate_all(schema, steps, until);
    if (findings) return findings;
    const bool deadlock = connection_.sqlstate() == "40P01";
    connection_.roll_back();
    if (!deadlock || number == deadlock_attempts) return findings;
  }
}

Result<Findings> StepRunner::validate_all(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                          const Until& until) {
  Findings findings;
  TRY(connection_.execute("BEGIN", until));
  if (!TRY(validate_together(schema, steps, until))) {
    for (const std::size_t index : steps) {
      const Result<void> validated = validate_one(schema.steps[index], findings, until);
      if (!validated) return within(schema.steps[index].object, validated.error());
    }
  }
  TRY(fence(connection_, owner_, until));
  TRY(connection_.execute("COMMIT", until));
  return findings;
}

// Keys of small tables. Of a large table each is looked at once only.
Result<bool> StepRunner::validate_together(const pipeline::Schema& schema, const std::vector<std::size_t>& steps,
                                           const Until& until) {
  const std::optional<model::Name>& table = schema.steps[steps.front()].table;
  if (steps.size() == 1 || (table && table == schema.steps[steps.back()].table)) return false;
  std::string sql = "SAVEPOINT validation;\n";
  for (const std::size_t index : steps) sql += schema.steps[index].validate + "\n;\n";
  const Result<void> valid = connection_.execute(sql, until);
  if (valid) return true;
  if (connection_.sqlstate() != "23503") return valid.error();
  TRY(connection_.execute("ROLLBACK TO SAVEPOINT validation", until));
  return false;
}

Result<void> StepRunner::validate_one(const pipeline::SchemaStep& step, Findings& findings, const Until& until) {
  TRY(connection_.execute("SAVEPOINT validation", until));
  const Result<void> valid = connection_.execute(step.validate, until);
  if (valid) return connection_.execute("RELEASE SAVEPOINT validation", until);
  if (connection_.sqlstate() != "23503") return valid.error();
  TRY(connection_.execute("ROLLBACK TO SAVEPOINT validation", until));
  std::string rows = "rows";  // temporal keys: what covers a range may be several rows
  if (!step.orphans.empty()) {
    const Rows count = TRY(connection_.query_row(step.orphans, {}, until));
    rows = counted(static_cast<std::uint64_t>(count.integer(0, 0)), "row");
  }
  findings.push_back(orphaned(step, rows));
  return {};
}

}  // namespace tributary::postgres

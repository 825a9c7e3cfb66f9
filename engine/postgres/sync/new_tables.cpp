#include "engine/postgres/sync/new_tables.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "engine/base/log.h"
#include "engine/postgres/catalog/partition_routes.h"
#include "engine/postgres/catalog/target_traits.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/copy/step_runner.h"
#include "engine/postgres/ledger/shape_ledger.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/schema/pg_tools.h"
#include "engine/postgres/schema/schema_read.h"
#include "engine/postgres/schema/undo.h"
#include "engine/postgres/sync/index_names.h"
#include "engine/postgres/sync/late_keys.h"
#include "engine/postgres/sync/unrecorded_tables.h"

namespace tributary::postgres::sync {
namespace {

using State = FollowedTable::State;
using Names = std::set<model::Name>;

constexpr pipeline::Stage stages[] = {pipeline::Stage::before_data, pipeline::Stage::with_table,
                                      pipeline::Stage::foreign_key, pipeline::Stage::after_data};

Result<Names> missing_parents(Connection& target, const std::vector<const SourceTable*>& tables, const Until& until) {
  Names names;
  for (const SourceTable* const table : tables)
    for (const model::Name& above : table->catalog.partition_of)
      if (names.count(above) == 0 && !TRY(is_there(target, above, until))) names.insert(above);
  return names;
}

// The new tables, and those above them that the target does not have: without those a partition is created as a table
// of its own.
Result<Names> names_to_create(Connection& target, const std::vector<const SourceTable*>& tables, const Until& until) {
  Names names = TRY(missing_parents(target, tables, until));
  for (const SourceTable* const table : tables) names.insert(table->shape.name);
  return names;
}

// Of tables that are followed already the sequences alone.
Result<pipeline::Schema> read_new_schema(const StreamOptions& options, Connection& target, const Owner& owner,
                                         const Names& names, const Until& until) {
  const Parameters parameters = TRY(options.source());
  Connection source = TRY(open_source_session(parameters, "schema", until));
  TRY(source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", until));
  SchemaRequest request;
  request.source = parameters;
  request.snapshot = TRY(source.query_row("SELECT pg_catalog.pg_export_snapshot()", {}, until)).str(0, 0);
  const std::vector<PgTools> tools = TRY(find_pg_tools(until));
  request.pg_dump = TRY(choose_pg_tools(tools, source.major_version())).pg_dump;
  request.selects = [&](const model::Name& name) { return names.count(name) != 0; };
  request.target = TRY(read_target_traits(target, until));
  Names followed;
  for (const FollowedTable& each : TRY(read_followed_tables(target, owner.key, until))) followed.insert(each.name);
  request.has = [&](const model::Name& name) { return followed.count(name) != 0; };
  std::vector<api::Finding> findings;
  SourceSchema read = TRY(read_schema(source, request, findings, until));
  return std::move(read.schema);
}

// Steps that there are for a table's sake alone. Those of an earlier table, which has another name by now or is gone,
// may have been the same.
std::vector<bool> steps_of_tables(const pipeline::Schema& schema) {
  static const std::set<std::string> kinds = {
      "TABLE", "INDEX",      "INDEX ATTACH", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TRIGGER",
      "RULE",  "STATISTICS", "ROW SECURITY", "POLICY",     "DEFAULT",          "TABLE ATTACH",  "SEQUENCE OWNED BY"};
  std::vector<bool> of_tables(schema.steps.size());
  for (std::size_t i = 0; i < schema.steps.size(); ++i) {
    const pipeline::SchemaStep& step = schema.steps[i];
    of_tables[i] = kinds.count(step.kind) != 0 || (step.changes && *step.changes < i && of_tables[*step.changes]);
  }
  return of_tables;
}

// A sequence goes with the table that owns it, and comes with it again.
Result<void> forget_gone_sequences(Connection& target, const pipeline::Schema& schema, std::set<std::string>& done,
                                   const Until& until) {
  std::map<model::Name, std::string> digests;
  for (const pipeline::SchemaStep& step : schema.steps) {
    const std::optional<UndoneRelation> made = relation_of(step.undo);
    if (step.kind == "SEQUENCE" && made) digests.emplace(made->name, digest_of(step));
  }
  std::vector<model::Name> names;
  for (const auto& [name, digest] : digests)
    if (done.contains(digest)) names.push_back(name);
  for (const model::Name& each : TRY(read_gone_tables(target, names, until))) done.erase(digests.at(each));
  return {};
}

// What a table does not need may be refused.
enum class Need { all, tables };

Result<void> run_steps(Connection& target, const Owner& owner, pipeline::Schema schema, Need need, const Until& until) {
  auto options = std::make_shared<StepOptions>();
  options->done = TRY(read_steps_done(target, owner.key, until));
  TRY(forget_gone_sequences(target, schema, options->done, until));
  const std::vector<bool> of_tables = steps_of_tables(schema);
  for (std::size_t step = 0; step < schema.steps.size(); ++step) {
    if (of_tables[step]) options->done.erase(digest_of(schema.steps[step]));
    if (need == Need::tables && !of_tables[step]) schema.steps[step].optional = true;
  }
  options->may_all_exist = true;
  StepRunner runner(target, owner, std::move(options));
  for (const pipeline::Stage stage : stages) {
    std::vector<std::size_t> steps;
    for (std::size_t step = 0; step < schema.steps.size(); ++step)
      if (schema.steps[step].stage == stage) steps.push_back(step);
    if (steps.empty()) continue;
    for (const api::Finding& each : TRY(runner.run(schema, steps, {}, until)))
      log::warn("not created on the target", {{"object", each.subject}, {"reason", each.message}});
  }
  return {};
}

// The first refusal is the reason for those that come of it.
Result<void> run_what_can_be(Connection& target, const Owner& owner, const pipeline::Schema& schema,
                             const Until& until) {
  const Result<void> all = run_steps(target, owner, schema, Need::all, until);
  if (all || may_pass(all.error())) return all;
  const Result<void> tables = run_steps(target, owner, schema, Need::tables, until);
  return tables || may_pass(tables.error()) ? tables : all;
}

// A partition cannot be attached while somebody has the one for all other rows.
Result<void> create(Connection& target, const Owner& owner, const pipeline::Schema& schema, const Until& until) {
  TRY(target.execute("SET lock_timeout = '3s'", until));
  const Result<void> created = run_what_can_be(target, owner, schema, until);
  if (target.usable()) TRY(target.execute("SET lock_timeout = 0", until));
  return created;
}

// As the target has it: a partition that stands alone is attached once its rows are there.
model::Table planned(const SourceTable& table, const Names& created, std::optional<model::Name> route) {
  model::Table made = table.catalog.table;
  TableShape shape = table.shape;
  if (shape.above && created.count(*shape.above) == 0) {
    shape.above.reset();
    shape.bound.clear();
  }
  made.shape = words_of(shape);
  made.route = std::move(route);
  return made;
}

Result<void> record(Claimed& claimed, const model::Table& table, State state, const std::string& reason,
                    const Until& until) {
  return in_transaction(claimed.control, claimed.owner, until, [&]() -> Result<void> {
    TRY(record_new_table(claimed.control, claimed.owner, table, until));
    return record_followed_tables(claimed.control, claimed.owner, {{table.name, state, {}, reason}}, until);
  });
}

}  // namespace

bool may_pass(const Error& error) {
  return error.fault == Fault::transient || error.fault == Fault::cancelled || error.fault == Fault::fenced;
}

Result<bool> is_there(Connection& target, const model::Name& table, const Until& until) {
  const Rows rows =
      TRY(target.query("SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p')",
                       {table.schema, table.name}, until));
  return rows.size() != 0;
}

Result<void> create_objects(const StreamOptions& options, Connection& target, const Owner& owner, const Until& until) {
  const pipeline::Schema schema = TRY(read_new_schema(options, target, owner, {}, until));
  return create(target, owner, schema, until);
}

Result<void> create_parents(const StreamOptions& options, SourceSide& source, Claimed& claimed,
                            const std::vector<const SourceTable*>& tables, const Until& until) {
  Connection& target = claimed.control;
  const Names names = TRY(missing_parents(target, tables, until));
  if (names.empty()) return {};
  const pipeline::Schema schema = TRY(read_new_schema(options, target, claimed.owner, names, until));
  TRY(free_index_names(source.session, target, claimed.owner, names, until));
  TRY(create(target, claimed.owner, schema, until));
  const KeyIds keys = TRY(read_keys(source.session, names, until));
  return record_late_keys(claimed, keys, until);
}

Result<bool> add_tables(const StreamOptions& options, SourceSide& source, Claimed& claimed,
                        const std::vector<const SourceTable*>& tables, const Until& until) {
  Connection& target = claimed.control;
  const bool stops = options.sync.schema_changes == api::SchemaChanges::stop;
  if (!stops) TRY(drop_unrecorded_tables(claimed, tables, until));
  const Names names = TRY(names_to_create(target, tables, until));
  Result<void> created;
  if (!stops) {
    const Result<pipeline::Schema> schema = read_new_schema(options, target, claimed.owner, names, until);
    created =
        schema ? free_index_names(source.session, target, claimed.owner, names, until) : Result<void>(schema.error());
    if (created) created = create(target, claimed.owner, *schema, until);
    if (!created && created.error().fault == Fault::transient) {
      if (!schema || !target.usable()) return created.error();
      log::warn("new tables are created later", {{"error", created.error().what}});
      return false;
    }
    if (created) {
      const KeyIds keys = TRY(read_keys(source.session, names, until));
      TRY(record_late_keys(claimed, keys, until));
    }
  }
  const PartitionChoices choices = TRY(read_partition_choices(source.session, until));
  const bool same = target.reported("server_encoding") == source.session.reported("server_encoding");
  for (const SourceTable* const table : tables) {
    const std::optional<model::Name> route = route_of(table->catalog.partition_of, choices, same);
    const model::Table made = planned(*table, stops ? Names{} : names, route);
    std::string reason = "it came after the copy";
    State state = State::recopy;
    if (stops || !created || (route && names.count(*route) == 0)) {
      state = State::stopped;
      reason += stops      ? "; create it on the target, then copy it again"
                : !created ? ", and the target refused it: " + created.error().what
                           : "; attach it on the target to " + model::display(*route) +
                                 ", which divides rows in its own way, then copy it again";
    }
    if (!table->not_published.empty()) reason += "; " + table->not_published;
    TRY(record(claimed, made, state, reason, until));
    log::warn("table added on the source", {{"table", model::display(made.name)}, {"reason", reason}});
  }
  return true;
}

}  // namespace tributary::postgres::sync

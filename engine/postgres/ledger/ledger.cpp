#include "engine/postgres/ledger/ledger.h"

#include "engine/base/digest.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/lsn_of.h"
#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres {
namespace {

const char* word_of(pipeline::Stage stage) {
  switch (stage) {
    case pipeline::Stage::before_data:
      return "before_data";
    case pipeline::Stage::with_table:
      return "with_table";
    case pipeline::Stage::foreign_key:
      return "foreign_key";
    case pipeline::Stage::after_data:
      return "after_data";
  }
  std::abort();
}

// Every writing statement hangs on this first part: without our epoch it does nothing.
const std::string fenced_by =
    "WITH fence AS (UPDATE _tributary.replication SET moved = pg_catalog.clock_timestamp()"
    " WHERE key = $1 AND epoch = $2 RETURNING key)";

Result<void> run_fenced(Connection& target, const Owner& owner, const std::string& rest,
                        std::vector<std::optional<std::string>> values, const Until& until) {
  values.insert(values.begin(), {owner.key, std::to_string(owner.epoch)});
  const Rows touched =
      TRY(target.query_row(fenced_by + rest + " SELECT pg_catalog.count(*) FROM fence", values, until));
  if (touched.integer(0, 0) != 1) return fenced_out(owner);
  return {};
}

}  // namespace

Error fenced_out(const Owner& owner) {
  return Error{Fault::fenced, "another engine has taken over replication " + owner.key,
               "this engine wrote nothing since; let the other one finish"};
}

std::string replication_key(const std::string& declared, const pipeline::SourceIdentity& source,
                            const std::string& selection) {
  if (!declared.empty()) return declared;
  return source.system + "/" + source.database + (selection.empty() ? "" : "/" + selection);
}

Result<std::string> read_target_identity(Connection& target, const std::string& declared, const std::string& database,
                                         const Until& until) {
  if (!declared.empty()) return std::string();
  return TRY(read_server(target, until)).system_identifier + "/" + database;
}

std::string digest_of(const std::vector<std::string>& table_entries) {
  std::string text;
  for (const std::string& each : table_entries) text += each + '\0';
  return text.empty() ? text : digest(text);
}

std::string digest_of(const pipeline::SchemaStep& step) {
  return digest(std::string(word_of(step.stage)) + '\0' + step.kind + '\0' + step.object + '\0' + step.sql);
}

std::string digest_of(const pipeline::Schema& schema) {
  std::string all;
  for (const pipeline::SchemaStep& step : schema.steps) all += digest_of(step);
  return digest(all);
}

Result<std::optional<ReplicationRow>> read_replication(Connection& target, const std::string& key, const Until& until) {
  const Rows rows = TRY(target.query(
      "SELECT source_system, source_database, epoch, attempt, state = 'complete', consistency = 'per_table',"
      " request_id, schema_digest,"
      " to_char(completed AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), position"
      " FROM _tributary.replication WHERE key = $1",
      {key}, until));
  if (rows.size() == 0) return std::optional<ReplicationRow>{};
  ReplicationRow row;
  row.source = {rows.str(0, 0), rows.str(0, 1)};
  row.epoch = rows.integer(0, 2);
  row.attempt = static_cast<int>(rows.integer(0, 3));
  row.complete = rows.boolean(0, 4);
  row.consistency = rows.boolean(0, 5) ? api::Consistency::per_table : api::Consistency::snapshot;
  row.request_id = rows.str(0, 6);
  row.schema_digest = rows.str(0, 7);
  row.completed = rows.str(0, 8);
  row.position = lsn_of(rows, 0, 9);
  return std::optional<ReplicationRow>{std::move(row)};
}

// A table counts as done only when both say so: its own row and as many part rows, of one epoch, as it has parts.
Result<pipeline::TableRecords> read_tables_done(Connection& target, const std::string& key, const Until& until) {
  const Rows rows = TRY(
      target.query("SELECT t.schema_name, t.table_name,"
                   " t.state = 'done' AND t.parts_done = t.parts AND p.number = t.parts AND p.epochs = 1,"
                   " pg_catalog.int8(p.rows), pg_catalog.int8(p.bytes)"
                   " FROM _tributary.table_state t JOIN LATERAL ("
                   "   SELECT pg_catalog.count(*) AS number, pg_catalog.count(DISTINCT epoch) AS epochs,"
                   "          COALESCE(pg_catalog.sum(rows), 0) AS rows, COALESCE(pg_catalog.sum(bytes), 0) AS bytes"
                   "   FROM _tributary.part p WHERE (p.replication, p.schema_name, p.table_name)"
                   "     = (t.replication, t.schema_name, t.table_name)) p ON true"
                   " WHERE t.replication = $1",
                   {key}, until));
  pipeline::TableRecords records;
  for (int row = 0; row < rows.size(); ++row) {
    const pipeline::PartCount count{static_cast<std::uint64_t>(rows.integer(row, 3)),
                                    static_cast<std::uint64_t>(rows.integer(row, 4))};
    records[{rows.str(row, 0), rows.str(row, 1)}] = {rows.boolean(row, 2), count};
  }
  return records;
}

Result<std::set<std::string>> read_steps_done(Connection& target, const std::string& key, const Until& until) {
  const Rows rows = TRY(target.query("SELECT digest FROM _tributary.step WHERE replication = $1", {key}, until));
  std::set<std::string> done;
  for (int row = 0; row < rows.size(); ++row) done.insert(rows.str(row, 0));
  return done;
}

Result<std::vector<std::string>> other_replications(Connection& target, const std::string& key, const Until& until) {
  return first_column(
      TRY(target.query("SELECT key FROM _tributary.replication WHERE key <> $1 ORDER BY key", {key}, until)));
}

Result<std::vector<std::string>> unfinished_replications(Connection& target, const std::string& key,
                                                         const Until& until) {
  return first_column(TRY(target.query(
      "SELECT key FROM _tributary.replication WHERE key <> $1 AND state <> 'complete' ORDER BY key", {key}, until)));
}

Result<std::int64_t> begin_epoch(Connection& target, const Owner& owner, const ReplicationRow& row,
                                 const Until& until) {
  const Rows epoch = TRY(target.query_row(
      "WITH mine AS (INSERT INTO _tributary.replication AS r (key, source_system, source_database, epoch, attempt, "
      "engine, state,"
      "   consistency, request_id, schema_digest, session_pid, session_start, started, moved)"
      " SELECT $1, $2, $3, 1, $4::int, $5, 'copying', $6, $7, $8, a.pid, a.backend_start, now(), now()"
      "   FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid()"
      " ON CONFLICT (key) DO UPDATE SET epoch = r.epoch + 1, attempt = EXCLUDED.attempt, engine = EXCLUDED.engine,"
      "   source_system = EXCLUDED.source_system, source_database = EXCLUDED.source_database, state = 'copying',"
      "   consistency = EXCLUDED.consistency, request_id = EXCLUDED.request_id,"
      "   session_pid = EXCLUDED.session_pid, session_start = EXCLUDED.session_start, started = EXCLUDED.started,"
      "   moved = EXCLUDED.moved, completed = NULL, position = NULL"
      " RETURNING key, epoch),"
      " stream AS (UPDATE _tributary.stream s SET epoch = mine.epoch FROM mine WHERE s.replication = mine.key)"
      " SELECT epoch FROM mine",
      {owner.key, row.source.system, row.source.database, std::to_string(owner.attempt), TRIBUTARY_VERSION,
       row.consistency == api::Consistency::snapshot ? "snapshot" : "per_table", row.request_id, row.schema_digest},
      until));
  return epoch.integer(0, 0);
}

Result<void> record_schema(Connection& target, const Owner& owner, const std::string& schema_digest,
                           model::Lsn position, api::Consistency consistency, const Until& until) {
  const Rows touched = TRY(target.query(
      "UPDATE _tributary.replication SET schema_digest = $3, position = $4, consistency = $5, moved = now()"
      " WHERE key = $1 AND epoch = $2",
      {owner.key, std::to_string(owner.epoch), schema_digest,
       position.value == 0 ? std::nullopt : std::optional(to_string(position)),
       consistency == api::Consistency::snapshot ? "snapshot" : "per_table"},
      until));
  if (touched.affected() != 1) return fenced_out(owner);
  return {};
}

Result<void> mark_complete(Connection& target, const Owner& owner, const Until& until) {
  TRY(target.execute("SET synchronous_commit = on", until));
  const Rows touched =
      TRY(target.query("UPDATE _tributary.replication SET state = 'complete', completed = now(), moved = now()"
                       " WHERE key = $1 AND epoch = $2",
                       {owner.key, std::to_string(owner.epoch)}, until));
  if (touched.affected() != 1) return fenced_out(owner);
  return {};
}

Result<void> fence(Connection& target, const Owner& owner, const Until& until) {
  return run_fenced(target, owner, "", {}, until);
}

Result<void> await_commits(Connection& target, const Owner& owner, const Until& until) {
  TRY(target.query("SELECT FROM _tributary.replication WHERE key = $1 FOR UPDATE", {owner.key}, until));
  return {};
}

Result<void> record_parts(Connection& target, const Owner& owner, const std::vector<DonePart>& parts,
                          const Until& until) {
  NameArrays given;
  std::vector<std::string> numbers, of, rows, bytes;
  for (const DonePart& part : parts) {
    given.add(part.table);
    numbers.push_back(std::to_string(part.number));
    of.push_back(std::to_string(part.of));
    rows.push_back(std::to_string(part.count.rows));
    bytes.push_back(std::to_string(part.count.bytes));
  }
  return run_fenced(
      target, owner,
      ", given AS (SELECT g.* FROM fence, unnest($4::text[], $5::text[], $6::int[], $7::int[],"
      "   $8::bigint[], $9::bigint[]) AS g (schema_name, table_name, number, parts, rows, bytes)),"
      " part AS (INSERT INTO _tributary.part (replication, schema_name, table_name, number, rows, bytes,"
      "   attempt, epoch) SELECT $1, schema_name, table_name, number, rows, bytes, $3::int, $2 FROM given),"
      " state AS (UPDATE _tributary.table_state t SET parts = g.parts, parts_done = t.parts_done + 1,"
      "   rows = t.rows + g.rows, bytes = t.bytes + g.bytes, epoch = $2,"
      "   state = CASE WHEN t.parts_done + 1 = g.parts THEN 'done' ELSE 'copying' END FROM given g"
      "   WHERE t.replication = $1 AND t.schema_name = g.schema_name AND t.table_name = g.table_name)",
      {std::to_string(owner.attempt), given.schemas(), given.names(), array_literal(numbers), array_literal(of),
       array_literal(rows), array_literal(bytes)},
      until);
}

Result<void> record_steps(Connection& target, const Owner& owner, const pipeline::Schema& schema,
                          const std::vector<DoneStep>& steps, const Until& until) {
  std::vector<std::string> stages, objects, digests, undos;
  for (const DoneStep& done : steps) {
    const pipeline::SchemaStep& step = schema.steps[done.step];
    stages.push_back(word_of(step.stage));
    objects.push_back(step.object);
    digests.push_back(digest_of(step));
    undos.push_back(done.undo);
  }
  return run_fenced(target, owner,
                    ", step AS (INSERT INTO _tributary.step (replication, stage, object, digest, undo, epoch)"
                    "   SELECT $1, g.stage, g.object, g.digest, g.undo, $2 FROM fence,"
                    "   unnest($3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY"
                    "   AS g (stage, object, digest, undo, position) ORDER BY g.position)",
                    {array_literal(stages), array_literal(objects), array_literal(digests), array_literal(undos)},
                    until);
}

Result<void> record_objects(Connection& target, const Owner& owner, std::span<const std::uint32_t> objects,
                            const Until& until) {
  std::vector<std::string> ids;
  for (const std::uint32_t object : objects) ids.push_back(std::to_string(object));
  return run_fenced(target, owner,
                    ", object AS (INSERT INTO _tributary.large_object (replication, id, epoch)"
                    "   SELECT $1, g.id, $2 FROM fence, unnest($3::oid[]) AS g (id))",
                    {array_literal(ids)}, until);
}

Result<void> plan_tables(Connection& target, const Owner& owner, const std::vector<model::Table>& tables,
                         const pipeline::TableRecords& kept, const Until& until) {
  NameArrays planned, routes;
  std::vector<std::string> storages, shapes;
  for (const model::Table& table : tables) {
    if (kept.count(table.name) != 0) continue;
    planned.add(table.name);
    storages.push_back(table.storage);
    routes.add(table.route.value_or(model::Name{}));
    shapes.push_back(array_literal(table.shape));
  }
  // One plan at a time in a database, so that no two take the same table.
  TRY(target.query("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('_tributary plan', 0))",
                   until));
  const Rows taken = TRY(
      target.query("SELECT t.schema_name, t.table_name, t.replication FROM _tributary.table_state t"
                   " JOIN _tributary.replication r ON r.key = t.replication AND r.key <> $1 AND r.state <> 'complete'"
                   " WHERE (t.schema_name, t.table_name) IN (SELECT * FROM unnest($2::text[], $3::text[])) LIMIT 1",
                   {owner.key, planned.schemas(), planned.names()}, until));
  if (taken.size() > 0)
    return Error{Fault::invalid,
                 "table " + model::display({taken.str(0, 0), taken.str(0, 1)}) + " belongs to replication " +
                     taken.str(0, 2) + ", whose copy is not complete",
                 "let it end first, or if it is given up, delete its row from _tributary.replication in the target"};
  // Those that this attempt has emptied.
  TRY(target.query("DELETE FROM _tributary.table_state WHERE replication = $1 AND epoch = $2",
                   {owner.key, std::to_string(owner.epoch)}, until));
  return run_fenced(target, owner,
                    ", planned AS (INSERT INTO _tributary.table_state (replication, schema_name, table_name, state,"
                    "   storage, parts, epoch, route_schema, route_name, shape)"
                    "   SELECT $1, g.schema_name, g.table_name, 'copying', g.storage, 1, $2,"
                    "     NULLIF(g.route_schema, ''), NULLIF(g.route_name, ''), g.shape::text[]"
                    "   FROM fence, unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])"
                    "   AS g (schema_name, table_name, storage, route_schema, route_name, shape))",
                    {planned.schemas(), planned.names(), array_literal(storages), routes.schemas(), routes.names(),
                     array_literal(shapes)},
                    until);
}

}  // namespace tributary::postgres

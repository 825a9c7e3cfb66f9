#include "engine/postgres/sync/source_sight.h"

#include <algorithm>
#include <utility>

#include "engine/postgres/catalog/lock_wait.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/replication/slot_verdict.h"

namespace tributary::postgres::sync {
namespace {

constexpr const char* end_of_log =
    "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()"
    " ELSE pg_catalog.pg_current_wal_insert_lsn() END";

constexpr const char* parent_query =
    "SELECT n.nspname, c.relname, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind = 'p'";

// Every row of these catalogs that is made or changed has another xmin. Temporary tables come and go all the time.
constexpr const char* print_of_tables = R"sql(
WITH t AS (SELECT c.oid, c.xmin FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.oid >= 16384)
SELECT string_agg(k.kind || ':' || k.rows || ':' || k.hash, ' ' ORDER BY k.kind) FROM (
SELECT 'c' AS kind, count(*) AS rows, coalesce(sum(hashint8((t.oid::bigint << 32) | t.xmin::text::bigint)), 0) AS hash FROM t
UNION ALL
SELECT 'a', count(*), coalesce(sum(hashint8((a.attrelid::bigint << 32) | a.xmin::text::bigint)), 0)
FROM pg_attribute a JOIN t ON t.oid = a.attrelid WHERE a.attnum > 0
UNION ALL
SELECT 'b', count(*), coalesce(sum(hashint8((a.attrelid::bigint << 32) | a.xmin::text::bigint)), 0)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'c' AND c.oid >= 16384 WHERE a.attnum > 0
UNION ALL
SELECT 'd', count(*), coalesce(sum(hashint8((d.oid::bigint << 32) | d.xmin::text::bigint)), 0)
FROM pg_type d WHERE d.typtype = 'd' AND d.oid >= 16384
UNION ALL
SELECT 'e', count(*), coalesce(sum(hashint8((e.oid::bigint << 32) | e.xmin::text::bigint)), 0)
FROM pg_enum e WHERE e.oid >= 16384
UNION ALL
SELECT 'i', count(*), coalesce(sum(hashint8((i.indexrelid::bigint << 32) | i.xmin::text::bigint)), 0)
FROM pg_index i JOIN t ON t.oid = i.indrelid
UNION ALL
SELECT 'n', count(*), coalesce(sum(hashint8((n.oid::bigint << 32) | n.xmin::text::bigint)), 0)
FROM pg_namespace n WHERE n.nspname NOT LIKE 'pg\_%'
UNION ALL
SELECT 'p', count(*), coalesce(sum(hashint8((p.oid::bigint << 32) | p.xmin::text::bigint)), 0) FROM pg_publication p
UNION ALL
SELECT 'r', count(*), coalesce(sum(hashint8((r.oid::bigint << 32) | r.xmin::text::bigint)), 0) FROM pg_publication_rel r) k)sql";

// From PostgreSQL 15.
constexpr const char* print_of_schemas = R"sql(
SELECT count(*) || ':' || coalesce(sum(hashint8((s.oid::bigint << 32) | s.xmin::text::bigint)), 0)
FROM pg_publication_namespace s)sql";

Result<void> look_at_publication(Connection& source, const StreamRow& stream, const std::vector<CatalogTable>& selected,
                                 SourceSight& sight, const Until& until) {
  const std::string& name = stream.publication;
  const std::optional<PublicationState> state = TRY(read_publication(source, name, until));
  if (!state && stream.owns_publication) return own_publication_gone(name);
  if (!state)
    return Error{
        Fault::invalid, "publication " + name + " does not exist on the source any more",
        "create it as it was and run sync again, which says whether anything was written without it: then only "
        "a new snapshot helps"};
  std::map<model::Name, NotPublished> lacking;
  for (NotPublished& each : review_publication(name, *state, selected).plan.not_published)
    lacking.emplace(each.table, std::move(each));
  for (const CatalogTable& each : selected) {
    const auto found = lacking.find(each.table.name);
    if (found == lacking.end()) continue;
    SourceTable& table = sight.tables.at(each.table.id);
    const bool is_listed =
        std::find(state->tables.begin(), state->tables.end(), each.table.name) != state->tables.end();
    const std::string refusal = is_listed ? "" : reason_of_owner(each);
    if (stream.owns_publication && !found->second.remedy.empty() && !refusal.empty())
      table.not_published = refusal;
    else if (stream.owns_publication && !found->second.remedy.empty())
      table.left_out = found->second.reason;
    else
      table.not_published = told(found->second);
  }
  return {};
}

Result<SourceSight> look(const StreamOptions& options, Connection& source, const StreamRow& stream,
                         const Until& until) {
  const std::vector<CatalogTable> tables = TRY(read_tables(source, until));
  std::map<std::uint32_t, TableShape> shapes;
  for (TableShape& each : TRY(read_shapes_of_tables(source, until))) shapes.emplace(each.id, std::move(each));
  SourceSight sight;
  const Rows parents = TRY(source.query(parent_query, until));
  for (int row = 0; row < parents.size(); ++row)
    sight.parents.emplace(model::Name{parents.str(row, 0), parents.str(row, 1)},
                          static_cast<std::uint32_t>(parents.integer(row, 2)));
  sight.enums = TRY(read_enums(source, until));
  sight.forms = TRY(read_type_forms(source, until));
  sight.print = TRY(read_print_of_tables(source, until));
  std::vector<CatalogTable> selected;
  for (const CatalogTable& each : tables) {
    const auto shape = shapes.find(each.table.id);
    if (shape == shapes.end()) continue;
    const bool is_selected = options.selects(each.table.name, each.partition_of);
    sight.tables.emplace(each.table.id, SourceTable{each, std::move(shape->second), is_selected, "", ""});
    if (is_selected) selected.push_back(each);
  }
  TRY(look_at_publication(source, stream, selected, sight, until));
  // What the catalog shows has been written to the log before.
  sight.end = model::parse_lsn(TRY(source.query_row(end_of_log, {}, until)).text(0, 0)).value_or(model::Lsn{});
  return sight;
}

}  // namespace

Result<std::string> read_print_of_tables(Connection& source, const Until& until) {
  const std::string print = TRY(source.query_row(print_of_tables, {}, until)).str(0, 0);
  if (source.major_version() < 15) return print;
  return print + " s:" + TRY(source.query_row(print_of_schemas, {}, until)).str(0, 0);
}

// The catalog's functions stumble over what is dropped while they look at it; the next look does without it.
Result<std::optional<SourceSight>> look_at_tables(const StreamOptions& options, SourceSide& source,
                                                  const StreamRow& stream, const Until& until) {
  Connection& session = source.session;
  TRY(session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", until));
  Result<SourceSight> sight = look(options, session, stream, until);
  if (sight) {
    TRY(session.execute("COMMIT", until));
    return std::optional(std::move(sight).value());
  }
  const std::string& sqlstate = session.sqlstate();
  const bool stumbled =
      sqlstate == "XX000" || sqlstate == "3F000" || sqlstate.substr(0, 3) == "427" || sqlstate == "42P01";
  const bool is_locked = sqlstate == lock_not_available;
  session.roll_back();
  if (is_locked) return std::optional<SourceSight>{};
  if (stumbled) return Error{Fault::transient, "a table was dropped while the source's tables were read"};
  return within("reading the source's tables", sight.error());
}

}  // namespace tributary::postgres::sync

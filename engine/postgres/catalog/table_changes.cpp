#include "engine/postgres/catalog/table_changes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/postgres/client/array_literal.h"

namespace tributary::postgres {
namespace {

// Tables are read as of the snapshot, and the functions answer as of now. Whoever drops or renames a column leaves his
// transaction in xmax of the row that the snapshot sees; a dropped column may be there again under another number.
constexpr const char* change_query =
    "SELECT nspname, relname, renamed, rewritten FROM (SELECT n.nspname, c.relname,"
    " pg_catalog.to_regclass(pg_catalog.format('%I.%I', n.nspname, c.relname)) IS DISTINCT FROM c.oid AS renamed,"
    " c.relfilenode IS DISTINCT FROM pg_catalog.pg_relation_filenode(c.oid) AS rewritten, c.oid"
    " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.oid = ANY ($1::oid[])) AS t"
    " WHERE renamed OR rewritten OR EXISTS (SELECT FROM pg_catalog.pg_attribute a"
    " CROSS JOIN LATERAL pg_catalog.pg_get_object_address("
    "'table column', ARRAY[nspname, relname, a.attname]::text[], '{}') AS o"
    " WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.xmax <> '0'"
    " AND (o.objid, o.objsubid) IS DISTINCT FROM (t.oid, a.attnum::int)) LIMIT 1";

// undefined_table, invalid_schema_name, undefined_column; and internal_error: the catalog's functions look at what
// there is now, and stumble over what was dropped with "cache lookup failed".
constexpr std::array<std::string_view, 4> gone{"42P01", "3F000", "42703", "XX000"};

}  // namespace

Result<std::optional<TableChange>> find_change(Connection& snapshot, const std::vector<std::uint32_t>& tables,
                                               const Until& until) {
  std::vector<std::string> ids;
  for (const std::uint32_t table : tables) ids.push_back(std::to_string(table));
  const Rows found = TRY(snapshot.query(change_query, {array_literal(ids)}, until));
  if (found.size() == 0) return std::optional<TableChange>{};
  const char* const how = found.boolean(0, 2)   ? was_renamed
                          : found.boolean(0, 3) ? "was rewritten"
                                                : "had columns dropped or renamed";
  return std::optional(TableChange{{found.str(0, 0), found.str(0, 1)}, how});
}

Error changed_meanwhile(const std::string& subject, const std::string& how) {
  return {Fault::transient, subject + " " + how + " by another session since the snapshot was taken",
          "a new snapshot sees it as it is now"};
}

Error amid_changes(const std::string& sqlstate, Error error) {
  if (std::find(gone.begin(), gone.end(), sqlstate) == gone.end()) return error;
  return {Fault::transient, "an object was dropped or renamed since the snapshot was taken: " + error.what,
          "a new snapshot does without it"};
}

}  // namespace tributary::postgres

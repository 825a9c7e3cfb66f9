#include "engine/postgres/sync/index_names.h"

#include <string>
#include <vector>

#include "engine/base/log.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres::sync {
namespace {

// What an index is like, without names.
constexpr const char* definition =
    "(x.indisunique::text || x.indisprimary::text || substring(pg_get_indexdef(x.indexrelid) FROM ' USING .*'))";

struct Taken {
  model::Name index;
  model::Name table;
  std::string definition;
  std::string id;
  bool is_ours = false;
};

Result<std::vector<Taken>> read_taken(Connection& source, Connection& target, const Owner& owner,
                                      const std::set<model::Name>& tables, const Until& until) {
  const NameArrays given(tables);
  const Rows wanted =
      TRY(source.query("SELECT n.nspname, i.relname FROM unnest($1::text[], $2::text[]) AS g (schema_name, table_name)"
                       " JOIN pg_namespace n ON n.nspname = g.schema_name"
                       " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = g.table_name"
                       " JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid",
                       {given.schemas(), given.names()}, until));
  const NameArrays indexes(names_in(wanted));
  const Rows rows =
      TRY(target.query("SELECT n.nspname, i.relname, tn.nspname, t.relname, " + std::string(definition) +
                           ", i.oid, EXISTS (SELECT FROM _tributary.table_state s"
                           "   JOIN pg_class o ON o.relname = s.table_name"
                           "   JOIN pg_namespace sn ON sn.oid = o.relnamespace AND sn.nspname = s.schema_name"
                           "   WHERE s.replication = $3 AND (o.oid = t.oid OR (t.relkind = 'p' AND"
                           "     o.oid IN (SELECT relid FROM pg_partition_tree(t.oid)))))"
                           " FROM unnest($1::text[], $2::text[]) AS g (schema_name, index_name)"
                           " JOIN pg_namespace n ON n.nspname = g.schema_name"
                           " JOIN pg_class i ON i.relnamespace = n.oid AND i.relname = g.index_name"
                           " JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.oid = x.indrelid"
                           " JOIN pg_namespace tn ON tn.oid = t.relnamespace",
                       {indexes.schemas(), indexes.names(), owner.key}, until));
  std::vector<Taken> taken;
  for (int row = 0; row < rows.size(); ++row) {
    const model::Name table{rows.str(row, 2), rows.str(row, 3)};
    if (tables.count(table) != 0) continue;
    taken.push_back(
        {{rows.str(row, 0), rows.str(row, 1)}, table, rows.str(row, 4), rows.str(row, 5), rows.boolean(row, 6)});
  }
  return taken;
}

// Of all that the target has in the schemas of these indexes.
Result<std::set<model::Name>> read_names(Connection& target, const std::vector<Taken>& indexes, const Until& until) {
  std::set<std::string> schemas;
  for (const Taken& each : indexes) schemas.insert(each.index.schema);
  const Rows rows =
      TRY(target.query("SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE n.nspname = ANY ($1::text[])",
                       {array_literal({schemas.begin(), schemas.end()})}, until));
  std::set<model::Name> names;
  for (int row = 0; row < rows.size(); ++row) names.insert({rows.str(row, 0), rows.str(row, 1)});
  return names;
}

// The source's index of the same table that is like it; the names that the target's indexes of it have are taken.
Result<std::string> name_now(Connection& source, const Taken& index, const std::set<model::Name>& taken,
                             const Until& until) {
  const Rows like =
      TRY(source.query("SELECT i.relname FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace"
                       " JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid"
                       " WHERE n.nspname = $1 AND t.relname = $2 AND " +
                           std::string(definition) + " = $3 ORDER BY i.relname",
                       {index.table.schema, index.table.name, index.definition}, until));
  for (int row = 0; row < like.size(); ++row)
    if (taken.count({index.index.schema, like.str(row, 0)}) == 0) return like.str(row, 0);
  return "tributary " + index.id;
}

}  // namespace

Result<void> free_index_names(Connection& source, Connection& target, const Owner& owner,
                              const std::set<model::Name>& tables, const Until& until) {
  const std::vector<Taken> indexes = TRY(read_taken(source, target, owner, tables, until));
  if (indexes.empty()) return {};
  std::set<model::Name> taken = TRY(read_names(target, indexes, until));
  for (const Taken& each : indexes) {
    if (!each.is_ours)
      return Error{Fault::invalid, "index " + model::display(each.index) + " of table " + model::display(each.table) +
                                       " has a name that it needs"};
    const std::string name = TRY(name_now(source, each, taken, until));
    const std::string statement = "ALTER INDEX " + quote_name(each.index) + " RENAME TO " + quote_identifier(name);
    log::info("index renamed on the target for a new table", {{"statement", statement}});
    const Result<void> renamed = in_transaction(target, owner, until, [&] { return target.execute(statement, until); });
    if (!renamed) return within("index " + model::display(each.index), renamed.error());
    taken.insert({each.index.schema, name});
    taken.erase(each.index);
  }
  return {};
}

}  // namespace tributary::postgres::sync

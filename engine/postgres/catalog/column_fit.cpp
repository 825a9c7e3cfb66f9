#include "engine/postgres/catalog/column_fit.h"

#include <array>
#include <map>
#include <utility>

#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres {
namespace {

constexpr const char* columns_there =
    "SELECT g.schema, g.name, a.attname, format_type(a.atttypid, a.atttypmod), a.attgenerated <> ''"
    " FROM unnest($1::text[], $2::text[]) AS g (schema, name) JOIN pg_namespace n ON n.nspname = g.schema"
    " JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind = 'r'"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped";

constexpr std::array<std::pair<const char*, const char*>, 7> wider = {{{"smallint", "integer"},
                                                                       {"smallint", "bigint"},
                                                                       {"integer", "bigint"},
                                                                       {"smallint", "numeric"},
                                                                       {"integer", "numeric"},
                                                                       {"bigint", "numeric"},
                                                                       {"real", "double precision"}}};

bool is_unbounded_text(const std::string& type) {
  return type == "text" || type == "character varying";
}

}  // namespace

bool keeps_values(const std::string& from, const std::string& to) {
  if (from == to) return true;
  if (is_unbounded_text(to)) return is_unbounded_text(from) || from.starts_with("character varying(");
  if (to == "numeric" && from.starts_with("numeric(") && !from.ends_with(']')) return true;
  for (const auto& [narrow, wide] : wider)
    if (from == narrow && to == wide) return true;
  return false;
}

Result<ColumnFit> read_column_fit(Connection& target, const std::vector<model::Table>& tables, const Until& until) {
  NameArrays names;
  std::map<std::pair<model::Name, std::string>, const model::Column*> given;
  for (const model::Table& table : tables) {
    names.add(table.name);
    for (const model::Column& column : table.columns) given[{table.name, column.name}] = &column;
  }
  const Rows rows = TRY(target.query(columns_there, {names.schemas(), names.names()}, until));
  ColumnFit fit;
  for (int row = 0; row < rows.size(); ++row) {
    const model::Name table{rows.str(row, 0), rows.str(row, 1)};
    const auto found = given.find({table, rows.str(row, 2)});
    if (found == given.end()) continue;
    const model::Column& column = *found->second;
    const std::string name = model::display(table) + "." + column.name;
    const std::string type = rows.str(row, 3);
    if (column.generated && !rows.boolean(row, 4)) fit.lost.push_back(name + " is computed on the source alone");
    if (!column.generated && !keeps_values(column.type, type))
      fit.converted.push_back(name + ": " + column.type + " becomes " + type);
  }
  return fit;
}

}  // namespace tributary::postgres

#include "engine/postgres/undo.h"

#include <string_view>

#include "engine/postgres/sql.h"

namespace tributary::postgres {
namespace {

constexpr std::string_view alter_table = "ALTER TABLE ";
constexpr std::string_view drop_constraint = " DROP CONSTRAINT ";

// The words of a DROP are the entry's type, but for these.
std::string_view kind_of(const TocEntry& entry) {
  return entry.type == "SHELL TYPE" ? std::string_view("TYPE") : std::string_view(entry.type);
}

// A base type and its functions depend on each other, so that only CASCADE drops them; a column of that type would be
// dropped with it.
std::string guard_of(const TocEntry& entry) {
  const std::string type = "pg_catalog.to_regtype(" + quote_literal(quote_name({entry.schema, entry.tag})) + ")";
  return "DO " +
         quote_literal(
             "DECLARE other text; BEGIN"
             " SELECT pg_catalog.pg_describe_object(classid, objid, objsubid) INTO other FROM pg_catalog.pg_depend"
             " WHERE refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND refobjid = " +
             type +
             " AND deptype = 'n' AND classid <> 'pg_catalog.pg_proc'::pg_catalog.regclass LIMIT 1;"
             " IF FOUND THEN RAISE EXCEPTION '% depends on type %', other, " +
             type + " USING ERRCODE = 'dependent_objects_still_exist'; END IF; END") +
         ";\n";
}

}  // namespace

std::string undo_of(const TocEntry& entry) {
  std::string sql = entry.drop;
  const std::string drop = "DROP " + std::string(kind_of(entry)) + " ";
  if (sql.starts_with(drop)) {
    sql.insert(drop.size(), "IF EXISTS ");
    return sql.ends_with(" CASCADE;\n") ? guard_of(entry) + sql : sql;
  }
  if (sql.starts_with("CREATE OR REPLACE VIEW ")) return sql;  // a view that closes a circle
  if (!sql.starts_with(alter_table) || entry.type == "TABLE ATTACH") return "";
  // From the end: a quoted name of the table may hold anything, what follows the last one names the constraint.
  const std::size_t constraint = sql.rfind(drop_constraint);
  if (constraint != std::string::npos && entry.type.ends_with("CONSTRAINT"))
    sql.insert(constraint + drop_constraint.size(), "IF EXISTS ");
  return sql.insert(alter_table.size(), "IF EXISTS ");
}

}  // namespace tributary::postgres

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

// pg_default_acl.defaclobjtype of the words in an entry's tag (src/bin/pg_dump/pg_dump.c, dumpDefaultACL).
const char* type_of_default(std::string_view objects) {
  if (objects == "TABLES") return "r";
  if (objects == "SEQUENCES") return "S";
  if (objects == "FUNCTIONS") return "f";
  if (objects == "TYPES") return "T";
  if (objects == "SCHEMAS") return "n";
  return objects == "LARGE OBJECTS" ? "L" : nullptr;
}

// Back to what is built in: pg_dump drops default privileges with nothing but their role, and objects that are made
// again would get them.
std::string reset_of(const TocEntry& entry) {
  constexpr std::string_view before = "DEFAULT PRIVILEGES FOR ";
  if (!entry.tag.starts_with(before)) return "";
  const std::string objects = entry.tag.substr(before.size());
  const char* type = type_of_default(objects);
  if (type == nullptr) return "";
  const bool everywhere = entry.schema.empty();
  const std::string owner = quote_identifier(entry.owner);
  const std::string alter = "ALTER DEFAULT PRIVILEGES FOR ROLE " + owner +
                            (everywhere ? "" : " IN SCHEMA " + quote_identifier(entry.schema));
  std::string built_in;
  if (everywhere) {
    const bool for_all = objects == "FUNCTIONS" || objects == "TYPES";
    built_in = " EXECUTE " +
               quote_literal(alter + " GRANT ALL ON " + objects + " TO " + owner + (for_all ? ", PUBLIC" : "")) + ";";
  }
  return "DO " +
         quote_literal(
             "DECLARE entry record; other text; BEGIN"
             " SELECT defaclacl INTO entry FROM pg_catalog.pg_default_acl"
             " WHERE pg_catalog.pg_get_userbyid(defaclrole) = " +
             quote_literal(entry.owner) + " AND defaclobjtype = " + quote_literal(type) + " AND defaclnamespace = " +
             (everywhere ? "0" : "pg_catalog.to_regnamespace(" + quote_literal(quote_identifier(entry.schema)) + ")") +
             "; IF NOT FOUND THEN RETURN; END IF;"
             " FOR other IN SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC'"
             " ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END"
             " FROM pg_catalog.aclexplode(entry.defaclacl)"
             " LOOP EXECUTE " +
             quote_literal(alter + " REVOKE ALL ON " + objects + " FROM ") + " || other; END LOOP;" + built_in +
             " END") +
         ";\n";
}

}  // namespace

std::string undo_of(const TocEntry& entry) {
  if (entry.type == "DEFAULT ACL") return reset_of(entry);
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

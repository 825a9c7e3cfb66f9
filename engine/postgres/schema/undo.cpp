#include "engine/postgres/schema/undo.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "engine/postgres/client/sql.h"

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

// The default privileges that an entry is about.
struct Defaults {
  std::string owner;
  std::string schema;  // "" for all
  std::string objects;
  const char* type = nullptr;

  std::string alter() const {
    return "ALTER DEFAULT PRIVILEGES FOR ROLE " + quote_identifier(owner) +
           (schema.empty() ? "" : " IN SCHEMA " + quote_identifier(schema));
  }
  std::string space() const { return "pg_catalog.to_regnamespace(" + quote_literal(quote_identifier(schema)) + ")"; }
  // Whether role and schema still exist.
  std::string known() const {
    return "EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = " + quote_literal(owner) + ")" +
           (schema.empty() ? "" : " AND " + space() + " IS NOT NULL");
  }
  std::string row() const {
    return "SELECT defaclacl FROM pg_catalog.pg_default_acl WHERE pg_catalog.pg_get_userbyid(defaclrole) = " +
           quote_literal(owner) + " AND defaclobjtype = " + quote_literal(type) +
           " AND defaclnamespace = " + (schema.empty() ? "0" : space());
  }
  // Who has all that is built in; nobody where it is for one schema, which only adds.
  std::string built_in() const {
    if (!schema.empty()) return "";
    const bool for_all = objects == "FUNCTIONS" || objects == "TYPES";
    return quote_identifier(owner) + (for_all ? ", PUBLIC" : "");
  }
};

std::optional<Defaults> defaults_of(const TocEntry& entry) {
  constexpr std::string_view before = "DEFAULT PRIVILEGES FOR ";
  if (entry.type != "DEFAULT ACL" || !entry.tag.starts_with(before)) return std::nullopt;
  Defaults defaults{entry.owner, entry.schema, entry.tag.substr(before.size()), nullptr};
  defaults.type = type_of_default(defaults.objects);
  return defaults.type == nullptr ? std::nullopt : std::optional(std::move(defaults));
}

// Back to what is built in.
std::string reset_of(const Defaults& defaults) {
  const std::string built_in = defaults.built_in().empty() ? ""
                                                           : defaults.alter() + " GRANT ALL ON " + defaults.objects +
                                                                 " TO " + defaults.built_in() + "; ";
  return "DO " +
         quote_literal("DECLARE entry record; other text; BEGIN FOR entry IN " + defaults.row() +
                       " LOOP FOR other IN SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC'"
                       " ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END"
                       " FROM pg_catalog.aclexplode(entry.defaclacl) LOOP EXECUTE " +
                       quote_literal(defaults.alter() + " REVOKE ALL ON " + defaults.objects + " FROM ") +
                       " || other; END LOOP; " + built_in + "END LOOP; END") +
         ";\n";
}

// Takes what is built in away, so that the former grants are all there is.
std::string clear_of(const Defaults& defaults) {
  if (defaults.built_in().empty()) return "";
  return "DO " +
         quote_literal("BEGIN IF " + defaults.known() + " THEN " + defaults.alter() + " REVOKE ALL ON " +
                       defaults.objects + " FROM " + defaults.built_in() + "; END IF; END") +
         ";\n";
}

// The dump quotes every name.
std::optional<std::string> read_identifier(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '"') return std::nullopt;
  std::string name;
  for (std::size_t next = at + 1; next < text.size(); ++next) {
    if (text[next] != '"') {
      name += text[next];
    } else if (next + 1 < text.size() && text[next + 1] == '"') {
      name += text[next++];
    } else {
      at = next + 1;
      return name;
    }
  }
  return std::nullopt;
}

std::optional<model::Name> read_name(std::string_view text, std::size_t& at) {
  const std::optional<std::string> schema = read_identifier(text, at);
  if (!schema || at >= text.size() || text[at] != '.') return std::nullopt;
  const std::optional<std::string> name = read_identifier(text, ++at);
  return name ? std::optional(model::Name{*schema, *name}) : std::nullopt;
}

struct Place {
  UndoneRelation relation;
  std::size_t from = 0;
  std::size_t to = 0;
};

std::optional<Place> place_at(std::string_view undo, std::size_t from, bool is_dropped) {
  std::size_t to = from;
  const std::optional<model::Name> name = read_name(undo, to);
  return name ? std::optional(Place{{*name, is_dropped}, from, to}) : std::nullopt;
}

std::optional<Place> place_of_relation(std::string_view undo) {
  static constexpr std::array<std::string_view, 6> drops{
      "DROP TABLE IF EXISTS ",    "DROP VIEW IF EXISTS ",          "DROP MATERIALIZED VIEW IF EXISTS ",
      "DROP SEQUENCE IF EXISTS ", "DROP FOREIGN TABLE IF EXISTS ", "DROP TYPE IF EXISTS "};
  static constexpr std::array<std::string_view, 3> changes{"ALTER TABLE IF EXISTS ONLY ", "ALTER TABLE IF EXISTS ",
                                                           "CREATE OR REPLACE VIEW "};
  static constexpr std::array<std::string_view, 3> parts{"DROP TRIGGER IF EXISTS ", "DROP RULE IF EXISTS ",
                                                         "DROP POLICY IF EXISTS "};
  static constexpr std::string_view on = " ON ";
  for (const std::string_view words : drops)
    if (undo.starts_with(words)) return place_at(undo, words.size(), true);
  for (const std::string_view words : changes)
    if (undo.starts_with(words)) return place_at(undo, words.size(), false);
  for (const std::string_view words : parts) {
    std::size_t at = words.size();
    if (!undo.starts_with(words) || !read_identifier(undo, at) || !undo.substr(at).starts_with(on)) continue;
    return place_at(undo, at + on.size(), false);
  }
  return std::nullopt;
}

}  // namespace

std::optional<UndoneRelation> relation_of(std::string_view undo) {
  const std::optional<Place> place = place_of_relation(undo);
  return place ? std::optional(place->relation) : std::nullopt;
}

std::string with_new_name(const std::string& undo, const model::Name& from, const model::Name& to) {
  const std::optional<Place> place = place_of_relation(undo);
  if (!place || place->relation.name != from) return undo;
  return undo.substr(0, place->from) + quote_name(to) + undo.substr(place->to);
}

std::string undo_of(const TocEntry& entry) {
  if (entry.type == "DEFAULT ACL") return "";
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

std::string undo_query_of(const TocEntry& entry) {
  const std::optional<Defaults> defaults = defaults_of(entry);
  if (!defaults) return "";
  return "WITH former AS (" + defaults->row() + ") SELECT " + quote_literal(reset_of(*defaults)) +
         " || CASE WHEN EXISTS (SELECT FROM former) THEN " + quote_literal(clear_of(*defaults)) +
         " || COALESCE((SELECT pg_catalog.string_agg(pg_catalog.format(E'DO %L;\\n', pg_catalog.format("
         "'BEGIN IF %s AND EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = %L) THEN"
         " %s GRANT %s ON %s TO %s%s; END IF; END', " +
         quote_literal(defaults->known()) + ", CASE a.grantee WHEN 0 THEN " + quote_literal(defaults->owner) +
         " ELSE pg_catalog.pg_get_userbyid(a.grantee) END, " + quote_literal(defaults->alter()) +
         ", a.privilege_type, " + quote_literal(defaults->objects) +
         ", CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE"
         " pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,"
         " CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)), '')"
         " FROM former, pg_catalog.aclexplode(former.defaclacl) AS a), '') ELSE '' END";
}

}  // namespace tributary::postgres

#include "engine/postgres/structure/structure.h"

#include <utility>

#include "engine/postgres/catalog/table_changes.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/structure/queries.h"

namespace tributary::postgres::structure {
namespace {

enum NameColumn { space, schema, name, part, suffix, after_name };
enum ThingColumn { relation = after_name, kind, aspect, definition, detail, since, owner, grants, comment };
enum AspectColumn { aspect_name = after_name, aspect_definition, aspect_detail, aspect_since };

std::string object_of(const Rows& rows, int row) {
  std::string object;
  for (const int column : {schema, name, part}) {
    if (rows.is_null(row, column)) continue;
    object += (object.empty() ? "" : ".") + model::display_part(rows.str(row, column));
  }
  return object + rows.str(row, suffix);
}

Key key_of(const Rows& rows, int row) {
  return {object_of(rows, row), rows.str(row, space)};
}

std::optional<Key> whole_of(const Rows& rows, int row) {
  if (!rows.is_null(row, relation))
    return Key{model::display({rows.str(row, schema), rows.str(row, relation)}), "relation"};
  if (!rows.is_null(row, part)) return Key{model::display({rows.str(row, schema), rows.str(row, name)}), "relation"};
  return std::nullopt;
}

void add_grant(const std::string& text, Grants& grants) {
  const std::size_t end = text.find(' ');
  const bool grantable = end > 0 && text[end - 1] == '*';
  const std::string privilege = text.substr(0, grantable ? end - 1 : end);
  const std::string grantee = text.substr(end + 1);
  constexpr std::string_view role = "role ";
  Privileges& privileges = grantee == "owner"    ? grants.of_owner
                           : grantee == "public" ? grants.of_roles[""]
                                                 : grants.of_roles[grantee.substr(role.size())];
  privileges[privilege] |= grantable;
}

Result<Grants> parse_grants(std::string_view array) {
  Grants parsed;
  if (array.empty()) return parsed;
  for (const std::string& each : TRY(parse_array(array))) add_grant(each, parsed);
  return parsed;
}

Result<void> add_things(const Rows& rows, Structure& structure) {
  constexpr std::string_view invalid = "INVALID ";
  for (int row = 0; row < rows.size(); ++row) {
    Thing thing;
    thing.kind = rows.str(row, kind);
    thing.aspect = rows.str(row, aspect);
    thing.definition = {rows.str(row, definition), rows.str(row, detail), static_cast<int>(rows.integer(row, since))};
    thing.invalid = thing.kind == "index" && thing.definition.text.starts_with(invalid);
    if (thing.invalid) thing.definition.text.erase(0, invalid.size());
    thing.part_of = whole_of(rows, row);
    thing.owner = rows.maybe(row, owner);
    thing.grants = TRY(parse_grants(rows.text(row, grants)));
    if (!rows.is_null(row, comment)) thing.aspects["comment"] = {rows.str(row, comment)};
    structure.things.emplace(key_of(rows, row), std::move(thing));
  }
  return {};
}

void add_aspects(const Rows& rows, Structure& structure) {
  for (int row = 0; row < rows.size(); ++row) {
    const auto thing = structure.things.find(key_of(rows, row));
    if (thing == structure.things.end()) continue;
    thing->second.aspects[rows.str(row, aspect_name)] = {rows.str(row, aspect_definition), rows.str(row, aspect_detail),
                                                         static_cast<int>(rows.integer(row, aspect_since))};
  }
}

Result<void> add(Connection& connection, const Query& query, const std::vector<std::optional<std::string>>& values,
                 Structure& structure, const Until& until) {
  const Result<Rows> rows = connection.query(query.sql, values, until);
  if (!rows) return amid_changes(connection.sqlstate(), rows.error());
  if (query.shape == Shape::things) return add_things(*rows, structure);
  add_aspects(*rows, structure);
  return {};
}

}  // namespace

Result<Structure> read_structure(Connection& connection, const std::vector<model::Name>& tables, bool whole,
                                 const Until& until) {
  Structure structure;
  structure.major = connection.major_version();
  for (const std::string& role : first_column(TRY(connection.query("SELECT rolname FROM pg_roles", until))))
    structure.roles.insert(role);

  std::vector<std::optional<std::string>> values;
  const NameArrays names(tables);
  if (!whole) values = {names.schemas(), names.names()};
  for (const Query& query : table_queries(structure.major, whole))
    TRY(add(connection, {query.shape, picked_relations(whole) + query.sql}, values, structure, until));
  if (!whole) return structure;
  for (const Query& query : type_queries(structure.major)) TRY(add(connection, query, {}, structure, until));
  for (const Query& query : object_queries()) TRY(add(connection, query, {}, structure, until));
  return structure;
}

}  // namespace tributary::postgres::structure

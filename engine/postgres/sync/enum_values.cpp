#include "engine/postgres/sync/enum_values.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres::sync {
namespace {

constexpr const char* enums_query = R"sql(
WITH RECURSIVE made_of (enum, type) AS (
  SELECT t.oid, t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE t.typtype = 'e' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', '_tributary')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
  UNION
  SELECT m.enum, o.type FROM made_of m JOIN (
    SELECT typelem AS part, oid AS type FROM pg_type WHERE typelem <> 0
    UNION ALL SELECT typbasetype, oid FROM pg_type WHERE typbasetype <> 0
    UNION ALL SELECT rngsubtype, rngtypid FROM pg_range
    UNION ALL SELECT a.atttypid, c.reltype FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.reltype <> 0 AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped) o ON o.part = m.type)
SELECT n.nspname, t.typname,
  ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder), u.tables
FROM (SELECT m.enum, array_agg(DISTINCT c.oid::text ORDER BY c.oid::text) AS tables FROM made_of m
  JOIN pg_attribute a ON a.atttypid = m.type AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relpersistence <> 't' GROUP BY m.enum) u
JOIN pg_type t ON t.oid = u.enum JOIN pg_namespace n ON n.oid = t.typnamespace
ORDER BY n.nspname, t.typname)sql";

constexpr const char* labels_query = R"sql(
SELECT n.nspname, t.typname,
  ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
FROM unnest($1::text[], $2::text[]) AS g (schema_name, type_name)
JOIN pg_namespace n ON n.nspname = g.schema_name
JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = g.type_name AND t.typtype = 'e')sql";

using Words = std::vector<std::string>;

// Whether the target has labels between two of its own that the source does not have; null stands for either end.
bool has_others_between(const Words& target, const std::string* before, const std::string* after,
                        const std::set<std::string>& of_source) {
  const auto first = before == nullptr ? target.begin() : std::next(std::find(target.begin(), target.end(), *before));
  const auto last = after == nullptr ? target.end() : std::find(first, target.end(), *after);
  return std::any_of(first, last, [&](const std::string& each) { return of_source.count(each) == 0; });
}

std::string place_of(const std::string* before, const Words& target) {
  if (before != nullptr) return " AFTER " + quote_literal(*before);
  return target.empty() ? "" : " BEFORE " + quote_literal(target.front());
}

std::uint32_t id_of(const std::string& word) {
  std::uint32_t id = 0;
  std::from_chars(word.data(), word.data() + word.size(), id);
  return id;
}

}  // namespace

Result<std::vector<EnumType>> read_enums(Connection& source, const Until& until) {
  const Rows rows = TRY(source.query(enums_query, until));
  std::vector<EnumType> types;
  for (int row = 0; row < rows.size(); ++row) {
    types.push_back({{rows.str(row, 0), rows.str(row, 1)}, TRY(parse_array(rows.text(row, 2))), {}});
    const Words tables = TRY(parse_array(rows.text(row, 3)));
    for (const std::string& each : tables) types.back().tables.push_back(id_of(each));
  }
  return types;
}

Result<Labels> read_labels(Connection& target, const std::vector<EnumType>& types, const Until& until) {
  NameArrays names;
  for (const EnumType& each : types) names.add(each.name);
  const Rows rows = TRY(target.query(labels_query, {names.schemas(), names.names()}, until));
  Labels labels;
  for (int row = 0; row < rows.size(); ++row)
    labels.emplace(model::Name{rows.str(row, 0), rows.str(row, 1)}, TRY(parse_array(rows.text(row, 2))));
  return labels;
}

MissingLabels missing_labels(const EnumType& source, const Words& target) {
  const std::set<std::string> known(target.begin(), target.end());
  const std::set<std::string> all(source.labels.begin(), source.labels.end());
  MissingLabels missing;
  const std::string* common = nullptr;  // the last one that both have
  const std::string* before = nullptr;  // the one before, which the target has by then
  for (auto label = source.labels.begin(); label != source.labels.end(); before = &*label++) {
    if (known.count(*label) != 0) {
      common = &*label;
      continue;
    }
    const auto next =
        std::find_if(label, source.labels.end(), [&](const std::string& each) { return known.count(each) != 0; });
    missing.statements.push_back("ALTER TYPE " + quote_name(source.name) + " ADD VALUE IF NOT EXISTS " +
                                 quote_literal(*label) + place_of(before, target));
    if (has_others_between(target, common, next == source.labels.end() ? nullptr : &*next, all))
      missing.may_be_renamed = true;
  }
  return missing;
}

}  // namespace tributary::postgres::sync

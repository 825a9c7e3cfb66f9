#include "engine/postgres/sync/type_uses.h"

#include <charconv>

#include "engine/postgres/client/array_literal.h"

namespace tributary::postgres::sync {
namespace {

// Those of extensions have a dependency of their own, or their class has.
constexpr const char* begin = R"sql(
WITH RECURSIVE made_of (part, type) AS (
  SELECT t.oid, t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_class c ON c.oid = t.typrelid
  WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', '_tributary')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.deptype = 'e' AND (d.classid, d.objid) IN
      (('pg_type'::regclass, t.oid), ('pg_class'::regclass, t.typrelid)))
    AND )sql";

constexpr const char* middle = R"sql(
  UNION
  SELECT m.part, o.type FROM made_of m JOIN (
    SELECT typelem AS part, oid AS type FROM pg_type WHERE typelem <> 0
    UNION ALL SELECT typbasetype, oid FROM pg_type WHERE typbasetype <> 0
    UNION ALL SELECT rngsubtype, rngtypid FROM pg_range
    UNION ALL SELECT a.atttypid, c.reltype FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE c.reltype <> 0 AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped) o ON o.part = m.type)
SELECT n.nspname, t.typname, u.tables, )sql";

constexpr const char* end = R"sql(
FROM (SELECT m.part, array_agg(DISTINCT c.oid::text ORDER BY c.oid::text) AS tables FROM made_of m
  JOIN pg_attribute a ON a.atttypid = m.type AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relpersistence <> 't' GROUP BY m.part) u
JOIN pg_type t ON t.oid = u.part JOIN pg_namespace n ON n.oid = t.typnamespace
ORDER BY n.nspname, t.typname)sql";

std::uint32_t id_of(const std::string& word) {
  std::uint32_t id = 0;
  std::from_chars(word.data(), word.data() + word.size(), id);
  return id;
}

}  // namespace

Result<std::vector<UsedType>> read_used_types(Connection& source, const std::string& which, const std::string& question,
                                              const Until& until) {
  const Rows rows = TRY(source.query(begin + which + middle + question + end, until));
  std::vector<UsedType> types;
  for (int row = 0; row < rows.size(); ++row) {
    types.push_back({{rows.str(row, 0), rows.str(row, 1)}, {}, rows.str(row, 3)});
    for (const std::string& each : TRY(parse_array(rows.text(row, 2)))) types.back().tables.push_back(id_of(each));
  }
  return types;
}

}  // namespace tributary::postgres::sync

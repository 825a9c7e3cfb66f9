#include "engine/postgres/catalog/partition_routes.h"

namespace tributary::postgres {
namespace {

// Hash functions of these types look at the value alone, and have been what they are in all versions. `k` is a key's
// attribute (0: an expression), operator class and collation.
constexpr const char* choice_query = R"sql(
SELECT n.nspname, c.relname, bool_or(CASE p.partstrat
    WHEN 'h' THEN NOT built_in OR NOT deterministic OR NOT coalesce(a.atttypid = ANY (ARRAY['bool', 'int2', 'int4',
      'int8', 'oid', 'numeric', 'money', 'uuid', 'date', 'time', 'timestamp', 'timestamptz', 'bytea', 'inet', 'text',
      'varchar', 'bpchar']::pg_catalog.regtype[]), false)
    WHEN 'r' THEN NOT built_in OR NOT deterministic OR NOT bytewise OR coalesce(t.typtype IN ('c', 'r', 'm'), false)
    ELSE NOT deterministic OR (k.attribute = 0 AND NOT bytewise) END),
  bool_or(k.sorting <> 0 AND p.partstrat <> 'l')
FROM pg_catalog.pg_partitioned_table p JOIN pg_catalog.pg_class c ON c.oid = p.partrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(p.partattrs::int2[], p.partclass::oid[], p.partcollation::oid[])
  AS k (attribute, class, sorting)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = k.attribute AND k.attribute <> 0
LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation l ON l.oid = k.sorting
CROSS JOIN LATERAL (SELECT
  EXISTS (SELECT FROM pg_catalog.pg_opclass o WHERE o.oid = k.class
    AND o.opcnamespace = 'pg_catalog'::pg_catalog.regnamespace) AS built_in,
  coalesce(l.collisdeterministic, true) AS deterministic,
  k.sorting = 0 OR l.collname IN ('C', 'POSIX') AS bytewise) AS known
GROUP BY 1, 2)sql";

}  // namespace

Result<PartitionChoices> read_partition_choices(Connection& source, const Until& until) {
  const Rows rows = TRY(source.query(choice_query, until));
  PartitionChoices choices;
  for (int row = 0; row < rows.size(); ++row) {
    const model::Name name{rows.str(row, 0), rows.str(row, 1)};
    if (rows.boolean(row, 2))
      choices[name] = Holds::nowhere_else;
    else if (rows.boolean(row, 3))
      choices[name] = Holds::in_its_encoding;
  }
  return choices;
}

Result<std::set<model::Name>> read_above_foreign(Connection& connection, const Until& until) {
  const Rows rows =
      TRY(connection.query("WITH RECURSIVE above AS (SELECT i.inhparent AS id FROM pg_catalog.pg_inherits i"
                           " JOIN pg_catalog.pg_class f ON f.oid = i.inhrelid AND f.relkind = 'f'"
                           " UNION SELECT i.inhparent FROM above a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.id)"
                           " SELECT n.nspname, c.relname FROM above JOIN pg_catalog.pg_class c ON c.oid = id"
                           " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
                           until));
  std::set<model::Name> names;
  for (int row = 0; row < rows.size(); ++row) names.insert({rows.str(row, 0), rows.str(row, 1)});
  return names;
}

std::optional<model::Name> route_of(const std::vector<model::Name>& partition_of, const PartitionChoices& choices,
                                    bool same_encoding) {
  for (auto above = partition_of.rbegin(); above != partition_of.rend(); ++above) {
    const auto choice = choices.find(*above);
    if (choice == choices.end() || (choice->second == Holds::in_its_encoding && same_encoding)) continue;
    return *above;
  }
  return std::nullopt;
}

}  // namespace tributary::postgres

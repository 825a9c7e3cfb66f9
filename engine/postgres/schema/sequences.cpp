#include "engine/postgres/schema/sequences.h"

#include <algorithm>

#include "engine/postgres/catalog/table_changes.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

// So many in one statement: far below what a server's parser or a message minds.
constexpr std::size_t at_once = 500;

template <class T>
std::span<const T> piece(std::span<const T> all, std::size_t begin) {
  return all.subspan(begin, std::min(at_once, all.size() - begin));
}

std::string read_query(std::span<const Sequence> sequences) {
  std::string sql;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (i > 0) sql += " UNION ALL ";
    sql += "SELECT " + std::to_string(i) + ", last_value, is_called, tableoid FROM " + quote_name(sequences[i].name);
  }
  return sql + " ORDER BY 1";
}

}  // namespace

Result<std::vector<pipeline::SequenceValue>> read_sequences(Connection& source, std::span<const Sequence> sequences,
                                                            const Until& until) {
  std::vector<pipeline::SequenceValue> values;
  values.reserve(sequences.size());
  for (std::size_t begin = 0; begin < sequences.size(); begin += at_once) {
    const auto some = piece(sequences, begin);
    const Result<Rows> read = source.query(read_query(some), until);
    if (!read) return amid_changes(source.sqlstate(), read.error());
    const Rows& rows = *read;
    for (int i = 0; i < rows.size(); ++i) {
      const Sequence& sequence = some[static_cast<std::size_t>(i)];
      if (rows.integer(i, 3) != sequence.id)
        return changed_meanwhile("sequence " + model::display(sequence.name), was_renamed);
      values.push_back({sequence.name, rows.integer(i, 1), rows.boolean(i, 2)});
    }
  }
  return values;
}

Result<std::vector<pipeline::SequenceValue>> fed_sequences(Connection& target, const std::string& key,
                                                           std::span<const pipeline::SequenceValue> values,
                                                           const Until& until) {
  NameArrays given;
  std::vector<std::string> undos;
  for (const pipeline::SequenceValue& value : values) {
    given.add(value.name);
    undos.push_back("DROP SEQUENCE IF EXISTS " + quote_name(value.name) + ";\n");
  }
  const Rows rows = TRY(target.query(
      "WITH copied AS (SELECT c.oid FROM _tributary.table_state t"
      "   JOIN pg_catalog.pg_namespace n ON n.nspname = t.schema_name"
      "   JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.table_name WHERE t.replication = $1),"
      " fed AS (SELECT oid FROM copied"
      "   UNION SELECT a.relid FROM copied, pg_catalog.pg_partition_ancestors(copied.oid) AS a)"
      " SELECT g.position - 1"
      " FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS g (schema, name, undo, position)"
      " JOIN pg_catalog.pg_namespace n ON n.nspname = g.schema"
      " JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = g.name AND c.relkind = 'S'"
      " WHERE EXISTS (SELECT FROM _tributary.step s WHERE s.replication = $1 AND s.undo = g.undo)"
      " OR EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN fed ON fed.oid = d.refobjid"
      "   WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')"
      "     AND d.refclassid = 'pg_catalog.pg_class'::regclass) ORDER BY 1",
      {key, given.schemas(), given.names(), array_literal(undos)}, until));
  std::vector<pipeline::SequenceValue> fed;
  for (int row = 0; row < rows.size(); ++row) fed.push_back(values[static_cast<std::size_t>(rows.integer(row, 0))]);
  return fed;
}

Result<void> set_sequences(Connection& target, std::span<const pipeline::SequenceValue> values, const Until& until) {
  for (std::size_t begin = 0; begin < values.size(); begin += at_once) {
    std::string sql;
    for (const pipeline::SequenceValue& value : piece(values, begin)) {
      sql += (sql.empty() ? "SELECT " : ", ");
      sql += "pg_catalog.setval(" + quote_literal(quote_name(value.name)) + ", " + std::to_string(value.last_value) +
             ", " + (value.is_called ? "true" : "false") + ")";
    }
    TRY(target.execute(sql, until));
  }
  return {};
}

}  // namespace tributary::postgres

#include "engine/postgres/structure/sequence_standing.h"

#include <algorithm>
#include <map>
#include <span>
#include <string>

#include "engine/postgres/catalog/table_changes.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/structure/queries.h"

namespace tributary::postgres::structure {
namespace {

// So many in one statement: far below what a server's parser or a message minds.
constexpr std::size_t at_once = 500;

struct Sequence {
  model::Name name;
  bool readable = false;
  SequenceValue value;
};

// A standby has nothing of what is unlogged.
const std::string described =
    "SELECT n.nspname, c.relname, has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')"
    " AND (c.relpersistence = 'p' OR NOT pg_is_in_recovery()), s.seqstart, s.seqincrement"
    " FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace";

Result<std::vector<Sequence>> read_described(Connection& connection, const std::string& sql,
                                             const std::vector<std::optional<std::string>>& values,
                                             const Until& until) {
  const Rows rows = TRY(connection.query(sql, values, until));
  std::vector<Sequence> sequences;
  for (int row = 0; row < rows.size(); ++row) {
    Sequence sequence{{rows.str(row, 0), rows.str(row, 1)}, rows.boolean(row, 2), {}};
    sequence.value.start = rows.integer(row, 3);
    sequence.value.increment = rows.integer(row, 4);
    sequences.push_back(std::move(sequence));
  }
  return sequences;
}

Result<void> read_values(Connection& connection, std::span<Sequence*> sequences, const Until& until) {
  std::string sql;
  for (std::size_t i = 0; i < sequences.size(); ++i)
    sql += (i == 0 ? "" : " UNION ALL ") + ("SELECT " + std::to_string(i)) + ", last_value, is_called FROM " +
           quote_name(sequences[i]->name);
  const Result<Rows> rows = connection.query(sql, until);
  if (!rows) return amid_changes(connection.sqlstate(), rows.error());
  for (int row = 0; row < rows->size(); ++row) {
    SequenceValue& value = sequences[static_cast<std::size_t>(rows->integer(row, 0))]->value;
    value.last_value = rows->integer(row, 1);
    value.is_called = rows->boolean(row, 2);
  }
  return {};
}

Result<void> read_readable(Connection& connection, std::vector<Sequence>& sequences, const Until& until) {
  std::vector<Sequence*> readable;
  for (Sequence& sequence : sequences)
    if (sequence.readable) readable.push_back(&sequence);
  for (std::size_t begin = 0; begin < readable.size(); begin += at_once)
    TRY(read_values(connection, std::span(readable).subspan(begin, std::min(at_once, readable.size() - begin)), until));
  return {};
}

Result<std::vector<Sequence>> read_source(Connection& source, const std::vector<model::Name>& tables, bool whole,
                                          const Until& until) {
  const NameArrays names(tables);
  std::vector<std::optional<std::string>> values;
  if (!whole) values = {names.schemas(), names.names()};
  std::vector<Sequence> sequences = TRY(read_described(
      source, picked_relations(whole) + described + " WHERE " + is_picked_sequence(whole) + " ORDER BY 1, 2", values,
      until));
  TRY(read_readable(source, sequences, until));
  return sequences;
}

Result<std::vector<Sequence>> read_target(Connection& target, const std::vector<Sequence>& wanted, const Until& until) {
  NameArrays names;
  for (const Sequence& sequence : wanted) names.add(sequence.name);
  std::vector<Sequence> sequences =
      TRY(read_described(target,
                         described + " WHERE (n.nspname, c.relname) IN (SELECT schema, name FROM unnest($1::text[], "
                                     "$2::text[]) AS g (schema, name))",
                         {names.schemas(), names.names()}, until));
  TRY(read_readable(target, sequences, until));
  return sequences;
}

}  // namespace

bool is_behind(const SequenceValue& source, const SequenceValue& target) {
  if (!source.is_called && source.last_value == source.start) return false;
  std::int64_t next = target.last_value;
  if (target.is_called && __builtin_add_overflow(target.last_value, target.increment, &next)) return false;
  if (source.increment > 0) return source.is_called ? next <= source.last_value : next < source.last_value;
  return source.is_called ? next >= source.last_value : next > source.last_value;
}

Result<std::vector<SequenceDifference>> compare_sequences(Connection& source, Connection& target,
                                                          const std::vector<model::Name>& tables, bool whole,
                                                          const Until& until) {
  using Kind = SequenceDifference::Kind;
  const std::vector<Sequence> wanted = TRY(read_source(source, tables, whole, until));
  std::map<model::Name, Sequence> found;
  for (Sequence& each : TRY(read_target(target, wanted, until))) found.emplace(each.name, each);

  std::vector<SequenceDifference> differences;
  for (const Sequence& here : wanted) {
    const auto there = found.find(here.name);
    std::optional<std::int64_t> source_value;
    std::optional<std::int64_t> target_value;
    if (here.readable) source_value = here.value.last_value;
    if (there != found.end() && there->second.readable) target_value = there->second.value.last_value;
    if (there == found.end()) {
      differences.push_back({here.name, Kind::missing, source_value, {}});
    } else if (!source_value || !target_value) {
      differences.push_back(
          {here.name, source_value ? Kind::target_denied : Kind::source_denied, source_value, target_value});
    } else if (is_behind(here.value, there->second.value)) {
      differences.push_back(
          {here.name, Kind::behind, source_value, target_value, there->second.value.is_called, here.value.is_called});
    }
  }
  return differences;
}

}  // namespace tributary::postgres::structure

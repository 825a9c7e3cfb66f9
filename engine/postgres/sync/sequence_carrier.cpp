#include "engine/postgres/sync/sequence_carrier.h"

#include <algorithm>
#include <vector>

#include "engine/postgres/schema/sequences.h"

namespace tributary::postgres::sync {
namespace {

Result<std::vector<Sequence>> list_sequences(Connection& source, const Until& until) {
  const Rows rows =
      TRY(source.query("SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c"
                       " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                       " WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%'"
                       " AND n.nspname NOT IN ('information_schema', '_tributary')"
                       " AND has_schema_privilege(n.oid, 'USAGE')"
                       // Asked of sequences alone: of anything else it fails.
                       " AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT') END",
                       until));
  std::vector<Sequence> sequences;
  for (int row = 0; row < rows.size(); ++row)
    sequences.push_back({static_cast<std::uint32_t>(rows.integer(row, 0)), {rows.str(row, 1), rows.str(row, 2)}});
  return sequences;
}

}  // namespace

Result<void> SequenceCarrier::carry(Connection& source, Connection& target, const Owner& owner, const Until& until) {
  const std::vector<Sequence> sequences = TRY(list_sequences(source, until));
  std::vector<pipeline::SequenceValue> values = TRY(read_sequences(source, sequences, until));
  std::erase_if(values, [&](const pipeline::SequenceValue& value) {
    const auto known = carried_.find(value.name);
    return known != carried_.end() && known->second.last_value == value.last_value &&
           known->second.is_called == value.is_called;
  });
  if (values.empty()) return {};
  const std::vector<pipeline::SequenceValue> ours = TRY(fed_sequences(target, owner.key, values, until));
  // The fence first: what setval() does is not undone with the transaction.
  const Result<void> set = in_transaction(target, owner, until, [&]() -> Result<void> {
    TRY(fence(target, owner, until));
    return set_sequences(target, ours, until);
  });
  if (!set) return set;
  // The others are asked for again: the target may get them later.
  for (const pipeline::SequenceValue& value : ours) carried_.insert_or_assign(value.name, value);
  return {};
}

}  // namespace tributary::postgres::sync

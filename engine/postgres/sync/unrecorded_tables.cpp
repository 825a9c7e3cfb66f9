#include "engine/postgres/sync/unrecorded_tables.h"

#include <algorithm>
#include <set>
#include <string>

#include "engine/base/log.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/made.h"
#include "engine/postgres/ledger/shape_ledger.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/sync/attempt.h"
#include "engine/postgres/sync/new_tables.h"

namespace tributary::postgres::sync {
namespace {

// As `columns_of` spells them.
constexpr const char* columns_of_target = R"sql(
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attgenerated <> ''
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum)sql";

using Columns = std::vector<std::string>;

std::string spelt(const std::string& name, const std::string& type, bool is_computed) {
  return name + '\0' + type + (is_computed ? " computed" : "");
}

Columns columns_of(const TableShape& shape) {
  Columns columns;
  for (const ShapeColumn& each : shape.columns)
    columns.push_back(spelt(each.name, each.spelling, !each.generated.empty()));
  return columns;
}

Result<bool> differs(Connection& target, const TableShape& shape, const Until& until) {
  const Rows rows = TRY(target.query(columns_of_target, {quote_name(shape.name)}, until));
  Columns columns;
  for (int row = 0; row < rows.size(); ++row)
    columns.push_back(spelt(rows.str(row, 0), rows.str(row, 1), rows.boolean(row, 2)));
  return columns != columns_of(shape);
}

Result<void> drop_if_empty(Claimed& claimed, const std::string& table, const Until& until) {
  Connection& target = claimed.control;
  return in_transaction(target, claimed.owner, until, [&]() -> Result<void> {
    TRY(target.execute(lock_patience, until));
    TRY(target.execute("LOCK TABLE " + table, until));
    const Rows found = TRY(target.query_row("SELECT EXISTS (SELECT FROM " + table + ")", {}, until));
    if (found.boolean(0, 0)) return {};
    return target.execute("DROP TABLE " + table, until);
  });
}

}  // namespace

Result<void> drop_unrecorded_tables(Claimed& claimed, const std::vector<const SourceTable*>& tables,
                                    const Until& until) {
  Connection& target = claimed.control;
  std::set<model::Name> passed_over;
  for (const FollowedTable& each : TRY(read_followed_tables(target, claimed.owner.key, until)))
    passed_over.insert(each.name);
  std::vector<model::Name> names;
  for (const SourceTable* const each : tables) names.push_back(each->shape.name);
  for (const model::Name& each : TRY(read_gone_tables(target, names, until))) passed_over.insert(each);
  std::vector<const SourceTable*> left;
  for (const SourceTable* const each : tables)
    if (!passed_over.contains(each->shape.name)) left.push_back(each);
  if (left.empty()) return {};
  const Made made = TRY(read_made(target, claimed.owner.key, until));
  std::erase_if(left, [&](const SourceTable* each) { return !made.relations.contains(each->shape.name); });
  // Partitions before what they are partitions of.
  std::stable_sort(left.begin(), left.end(), [](const SourceTable* a, const SourceTable* b) {
    return a->catalog.partition_of.size() > b->catalog.partition_of.size();
  });
  for (const SourceTable* const each : left) {
    if (!TRY(is_there(target, each->shape.name, until)) || !TRY(differs(target, each->shape, until))) continue;
    const Result<void> dropped = drop_if_empty(claimed, quote_name(each->shape.name), until);
    if (!dropped && (may_pass(dropped.error()) || !target.usable())) return dropped;
    if (!dropped)
      log::warn("not dropped on the target",
                {{"table", model::display(each->shape.name)}, {"error", describe(dropped.error())}});
  }
  return {};
}

}  // namespace tributary::postgres::sync

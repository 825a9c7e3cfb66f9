#include "engine/postgres/sync/known_tables.h"

#include <algorithm>
#include <set>

#include "engine/base/log.h"
#include "engine/postgres/ledger/shape_ledger.h"

namespace tributary::postgres::sync {

using State = FollowedTable::State;

// Its creation was refused, and somebody has mended what was in the way, or it is gone from the target since.
Result<void> mark_absent(Claimed& claimed, std::vector<KnownTable>& known, const Until& until) {
  std::vector<model::Name> asked_for;
  for (const KnownTable& each : known)
    if (each.table.state == State::recopy && !each.table.route) asked_for.push_back(each.table.name);
  if (asked_for.empty()) return {};
  const std::vector<model::Name> gone = TRY(read_gone_tables(claimed.control, asked_for, until));
  for (KnownTable& each : known)
    each.is_absent =
        each.table.state == State::recopy && std::find(gone.begin(), gone.end(), each.table.name) != gone.end();
  return {};
}

// A table that could not be renamed stands still under the name that a new one of the source has.
Result<void> keep_names(Claimed& claimed, const std::vector<KnownTable>& known, std::vector<const SourceTable*>& added,
                        const Until& until) {
  std::set<model::Name> held;
  for (const FollowedTable& each : TRY(read_followed_tables(claimed.control, claimed.owner.key, until)))
    held.insert(each.name);
  for (const KnownTable& each : known)
    if (each.is_absent) held.erase(each.table.name);
  std::erase_if(added, [&](const SourceTable* table) { return held.count(table->shape.name) != 0; });
  return {};
}

Result<void> record_new_names(Claimed& claimed, const std::vector<Renaming>& tables, const Until& until) {
  Connection& target = claimed.control;
  const Owner& owner = claimed.owner;
  if (tables.size() == 1) return record_new_name(target, owner, tables[0].from, tables[0].to, until);
  for (const Renaming& each : tables) TRY(record_new_name(target, owner, each.from, name_between(each), until));
  for (const Renaming& each : tables) TRY(record_new_name(target, owner, name_between(each), each.to, until));
  return {};
}

// Where somebody has dropped the table on the target, too, there is nothing left to be told of.
Result<void> forget_gone(Claimed& claimed, const std::vector<KnownTable>& known, const Until& until) {
  std::vector<model::Name> dropped;
  for (const KnownTable& each : known)
    if (is_dropped(each.table)) dropped.push_back(each.table.name);
  if (dropped.empty()) return {};
  const std::vector<model::Name> gone = TRY(read_gone_tables(claimed.control, dropped, until));
  if (gone.empty()) return {};
  for (const model::Name& each : gone) log::info("table is gone on both sides", {{"table", model::display(each)}});
  return in_transaction(claimed.control, claimed.owner, until,
                        [&] { return forget_tables(claimed.control, claimed.owner, gone, until); });
}

Result<bool> refresh_aged(Claimed& claimed, Seconds age, const Until& until) {
  if (age.count() == 0) return false;
  const std::vector<model::Name> aged = TRY(read_aged_tables(claimed.control, claimed.owner.key, age, until));
  if (aged.empty()) return false;
  std::vector<FollowedTable> tables = TRY(read_followed_tables(claimed.control, claimed.owner.key, until));
  std::erase_if(
      tables, [&](const FollowedTable& each) { return std::find(aged.begin(), aged.end(), each.name) == aged.end(); });
  for (FollowedTable& each : tables) {
    each.state = State::recopy;
    each.reason = due_for_refresh;
  }
  const Result<void> recorded = in_transaction(claimed.control, claimed.owner, until, [&]() -> Result<void> {
    TRY(record_followed_tables(claimed.control, claimed.owner, tables, until));
    return record_asked(claimed.control, claimed.owner, aged, until);
  });
  if (!recorded) return recorded.error();
  return true;
}

}  // namespace tributary::postgres::sync

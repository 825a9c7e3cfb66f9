#include "engine/postgres/sync/parent_keeper.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/base/log.h"
#include "engine/postgres/catalog/lock_wait.h"
#include "engine/postgres/ledger/shape_ledger.h"
#include "engine/postgres/sync/attempt.h"
#include "engine/postgres/sync/known_tables.h"
#include "engine/postgres/sync/new_tables.h"

namespace tributary::postgres::sync {
namespace {

using State = FollowedTable::State;

constexpr const char* tree_query =
    "SELECT n.nspname, c.relname, c.relkind = 'p', pn.nspname, p.relname FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid AND c.relispartition"
    " LEFT JOIN pg_catalog.pg_class p ON p.oid = i.inhparent"
    " LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace"
    " WHERE c.relkind = 'p' OR (c.relkind = 'r' AND c.relispartition)";

Result<TargetTree> read_tree(Connection& target, const Until& until) {
  const Rows rows = TRY(target.query(tree_query, until));
  TargetTree tree;
  std::map<model::Name, model::Name> parents;
  for (int row = 0; row < rows.size(); ++row) {
    const model::Name name{rows.str(row, 0), rows.str(row, 1)};
    if (rows.boolean(row, 2)) tree.partitioned.insert(name);
    if (!rows.str(row, 4).empty()) parents[name] = {rows.str(row, 3), rows.str(row, 4)};
  }
  for (const auto& [name, parent] : parents) {
    std::vector<model::Name>& above = tree.above[name];
    for (auto at = parents.find(name); at != parents.end() && above.size() <= parents.size();
         at = parents.find(at->second))
      above.push_back(at->second);
  }
  return tree;
}

std::optional<model::Name> new_name(const std::optional<model::Name>& name, const RenamedParents& group) {
  for (const Renaming& each : group.parents)
    if (name == each.from) return each.to;
  return name;
}

std::string what_of(const RenamedParents& group) {
  std::string what;
  for (const auto& [id, from, to] : group.parents)
    what += (what.empty() ? "" : ", ") + model::display(from) + " above it was renamed to " + model::display(to);
  return what;
}

}  // namespace

Result<bool> ParentKeeper::look(Claimed& claimed, std::vector<KnownTable>& known, const SourceSight& now,
                                const Until& until) {
  waiting_.clear();
  const bool has_partitions =
      std::any_of(known.begin(), known.end(), [](const KnownTable& each) { return each.shape && each.shape->above; });
  if (!has_partitions) return false;
  const TargetTree there = TRY(read_tree(claimed.control, until));
  for (const auto& [name, id] : ids_of_parents(known, now, there)) ids_[name] = id;
  bool changed = false;
  for (const RenamedParents& each : plan_parents(known, now, there, ids_))
    changed = TRY(rename(claimed, known, each, until)) || changed;
  return changed;
}

const Error* ParentKeeper::waits(const SourceTable& table) const {
  for (const model::Name& each : table.catalog.partition_of) {
    const auto found = waiting_.find(each);
    if (found != waiting_.end()) return &found->second;
  }
  return nullptr;
}

// On the target and in the ledger.
Result<void> ParentKeeper::rename_all(Claimed& claimed, const std::vector<KnownTable>& known,
                                      const RenamedParents& group, const Until& until) {
  Connection& target = claimed.control;
  const bool is_kept = std::any_of(group.leaves.begin(), group.leaves.end(),
                                   [&](std::size_t i) { return known[i].table.state == State::recopy; });
  TRY(target.execute(is_kept ? short_patience : lock_patience, until));
  for (const std::string& each : group.statements) TRY(attempt(target, each, until));
  TRY(record_new_names(claimed, group.parents, until));
  for (const std::size_t i : group.leaves) {
    TableShape shape = *known[i].shape;
    shape.above = new_name(shape.above, group);
    if (shape.above != known[i].shape->above)
      TRY(record_shape(target, claimed.owner, known[i].table.name, shape, until));
  }
  return {};
}

Result<bool> ParentKeeper::rename(Claimed& claimed, std::vector<KnownTable>& known, const RenamedParents& group,
                                  const Until& until) {
  const auto stands = [&](std::size_t i) { return known[i].table.state == State::stopped; };
  const bool is_wanted = !std::all_of(group.leaves.begin(), group.leaves.end(), stands);
  if (!is_wanted) return false;
  if (!group.statements.empty() && options_->sync.schema_changes == api::SchemaChanges::stop)
    return stop(claimed, known, group, "", until);
  bool lock_missed = false;
  const auto apply = [&] {
    return in_transaction(claimed.control, claimed.owner, until, [&]() -> Result<void> {
      const Result<void> done = rename_all(claimed, known, group, until);
      lock_missed = !done && claimed.control.sqlstate() == lock_not_available;
      return done;
    });
  };
  Result<void> renamed = apply();
  if (!renamed && renamed.error().fault == Fault::missing) {
    const Result<void> made = create_objects(*options_, claimed.control, claimed.owner, until);
    if (!made && (may_pass(made.error()) || !claimed.control.usable())) return made.error();
    renamed = apply();
  }
  if (is_refused(renamed)) return stop(claimed, known, group, renamed.error().what, until);
  if (!renamed && !lock_missed) return within("table " + model::display(group.parents[0].from), renamed.error());
  for (const std::size_t i : group.leaves) known[i].shape->above = new_name(known[i].shape->above, group);
  if (!renamed) {
    log::warn("change of a table waits for a lock of the target",
              {{"table", model::display(group.parents[0].from)}, {"error", renamed.error().what}});
    for (const Renaming& each : group.parents) waiting_.emplace(each.to, renamed.error());
    return false;
  }
  for (const std::size_t i : group.leaves) known[i].table.route = new_name(known[i].table.route, group);
  for (const Renaming& each : group.parents) {
    log::warn("table changed on the source",
              {{"table", model::display(each.from)}, {"change", "it was renamed to " + model::display(each.to)}});
    ids_.erase(each.from);
  }
  for (const Renaming& each : group.parents) ids_[each.to] = each.id;
  return true;
}

// Its rows have a place all the same, but what comes next goes by the new name.
Result<bool> ParentKeeper::stop(Claimed& claimed, std::vector<KnownTable>& known, const RenamedParents& group,
                                const std::string& refusal, const Until& until) {
  ShapeChange change;
  change.what = what_of(group);
  change.renaming = group.statements;
  std::vector<FollowedTable> stopped;
  for (const std::size_t i : group.leaves) {
    FollowedTable& table = known[i].table;
    if (table.state == State::stopped) continue;
    table.state = State::stopped;
    table.reason = stopping_reason(change, refusal);
    log::warn("table changed on the source", {{"table", model::display(table.name)}, {"reason", table.reason}});
    stopped.push_back(table);
  }
  TRY(in_transaction(claimed.control, claimed.owner, until,
                     [&] { return record_followed_tables(claimed.control, claimed.owner, stopped, until); }));
  return true;
}

}  // namespace tributary::postgres::sync

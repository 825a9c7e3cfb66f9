#include "engine/postgres/sync/new_values.h"

#include <algorithm>
#include <string>

#include "engine/base/log.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/schema/shape_change.h"
#include "engine/postgres/sync/shape_plan.h"
#include "engine/postgres/sync/table_moves.h"

namespace tributary::postgres::sync {
namespace {

using State = FollowedTable::State;
using Tables = std::vector<FollowedTable>;

constexpr const char* lock_patience = "SET LOCAL lock_timeout = '3s'";

// The statements, and the tables that are to be copied again for them. `refusal`: why the target would not.
Result<void> alter(Claimed& claimed, const MissingLabels& missing, const Tables& tables, std::string& refusal,
                   const Until& until) {
  Connection& target = claimed.control;
  return in_transaction(target, claimed.owner, until, [&]() -> Result<void> {
    TRY(target.execute(lock_patience, until));
    for (const std::string& each : missing.statements) {
      const Result<void> altered = target.execute(each, until);
      if (!altered && is_refusal(target.sqlstate())) refusal = altered.error().what;
      if (!altered) return altered;
    }
    return record_followed_tables(target, claimed.owner, tables, until);
  });
}

Result<NewValues> bring(Claimed& claimed, const EnumType& type, const MissingLabels& missing, const Tables& tables,
                        api::SchemaChanges policy, const Until& until) {
  ShapeChange change;
  change.what = "type " + model::display(type.name) + " of its rows has other values";
  change.statements = missing.statements;
  std::string refusal;
  if (policy == api::SchemaChanges::apply) {
    const Tables again =
        missing.may_be_renamed ? moved(tables, State::recopy, "the source has changed it: " + change.what) : Tables{};
    const Result<void> altered = alter(claimed, missing, again, refusal, until);
    if (altered) {
      log::info("values added to a type of the target", {{"statements", script_of(missing.statements)}});
      return NewValues{true, !again.empty()};
    }
    if (refusal.empty()) return within("type " + model::display(type.name), altered.error());
  }
  const Tables stopped = moved(tables, State::stopped, stopping_reason(change, refusal));
  if (stopped.empty()) return NewValues{};
  TRY(in_transaction(claimed.control, claimed.owner, until,
                     [&] { return record_followed_tables(claimed.control, claimed.owner, stopped, until); }));
  return NewValues{false, true};
}

}  // namespace

Result<NewValues> bring_values(Claimed& claimed, const std::vector<EnumType>& types,
                               const std::set<std::uint32_t>& of_tables, api::SchemaChanges policy,
                               const Until& until) {
  NewValues all;
  if (types.empty()) return all;
  const Labels there = TRY(read_labels(claimed.control, types, until));
  for (const EnumType& type : types) {
    const auto labels = there.find(type.name);
    const bool is_used = std::any_of(type.tables.begin(), type.tables.end(),
                                     [&](std::uint32_t table) { return of_tables.count(table) != 0; });
    if (labels == there.end() || !is_used) continue;
    const MissingLabels missing = missing_labels(type, labels->second);
    if (missing.statements.empty()) continue;
    const Tables tables = tables_of(type.tables, TRY(read_followed_tables(claimed.control, claimed.owner.key, until)));
    const NewValues some = TRY(bring(claimed, type, missing, tables, policy, until));
    all.types = all.types || some.types;
    all.tables = all.tables || some.tables;
  }
  return all;
}

}  // namespace tributary::postgres::sync

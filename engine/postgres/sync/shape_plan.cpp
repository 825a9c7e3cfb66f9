#include "engine/postgres/sync/shape_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/postgres/sql.h"

namespace tributary::postgres::sync {
namespace {

using State = FollowedTable::State;
using Kind = ShapeChange::Kind;

class Plan {
 public:
  Plan(const std::vector<KnownTable>& known, const SourceSight& now, const SourceSight* before, model::Lsn applied,
       api::SchemaChanges policy)
      : known_(known), now_(now), before_(before), applied_(applied), policy_(policy) {}

  ShapePlan make() &&;

 private:
  const SourceTable* find(const KnownTable& known) const;
  Passed passed(const SourceTable& table, const KnownTable& known) const;
  void look_at(const KnownTable& known);
  void gone(const KnownTable& known);
  // What the stream makes of it now; true where that is something else.
  bool restate(FollowedTable& table, const SourceTable& now);
  bool must_stop(const KnownTable& known, const SourceTable& now, ShapeChange& change) const;

  const std::vector<KnownTable>& known_;
  const SourceSight& now_;
  const SourceSight* const before_;
  const model::Lsn applied_;
  const api::SchemaChanges policy_;
  std::set<std::uint32_t> met_;
  ShapePlan plan_;
};

// A table is what its id is; only where that is gone, another one may have its name.
const SourceTable* Plan::find(const KnownTable& known) const {
  if (known.shape) {
    const auto same = now_.tables.find(known.shape->id);
    if (same != now_.tables.end()) return &same->second;
  }
  const auto namesake = std::find_if(now_.tables.begin(), now_.tables.end(),
                                     [&](const auto& each) { return each.second.shape.name == known.table.name; });
  return namesake == now_.tables.end() ? nullptr : &namesake->second;
}

Passed Plan::passed(const SourceTable& table, const KnownTable& known) const {
  if (before_ == nullptr || applied_ < before_->end || known.table.state != State::followed) return Passed::no;
  const auto then = before_->tables.find(table.shape.id);
  return then != before_->tables.end() && then->second.shape == table.shape ? Passed::yes : Passed::no;
}

void Plan::gone(const KnownTable& known) {
  TableDecision decision{known.table.name, known.table, {}};
  decision.before = known.table.state;
  decision.table.state = State::stopped;
  decision.table.reason = std::string(dropped_on_source) +
                          "; where it is not wanted on the target any more, run there: DROP TABLE " +
                          quote_name(known.table.name) + ";";
  decision.change.adopted = known.shape.value_or(TableShape{});
  decision.is_news = true;
  plan_.decisions.push_back(std::move(decision));
}

// An update or delete of a published table without an identity fails on the source, so it is taken out at once.
bool Plan::restate(FollowedTable& table, const SourceTable& now) {
  if (table.state == State::followed && !now.not_published.empty()) {
    table.state = State::not_streamed;
    table.reason = now.not_published;
    return true;
  }
  if (table.state == State::not_streamed && now.not_published.empty() && now.is_selected) {
    table.state = State::recopy;
    table.reason = "the source can publish its updates and deletes by now";
    return true;
  }
  return false;
}

bool Plan::must_stop(const KnownTable& known, const SourceTable& now, ShapeChange& change) const {
  if (change.kind == Kind::none) return false;
  if (known.table.route && known.shape && known.shape->above != change.adopted.above) return true;
  if (!now.is_selected && known.table.name != now.shape.name) {
    change.what += ", which is not selected";
    return true;
  }
  return policy_ == api::SchemaChanges::stop;
}

void Plan::look_at(const KnownTable& known) {
  const SourceTable* const now = find(known);
  const bool is_made_anew = is_dropped(known.table) && now != nullptr && now->is_selected;
  // One that does not follow is published all the same, until it is asked for.
  plan_.publishes = plan_.publishes || (now != nullptr && !now->not_published.empty() &&
                                        (known.table.state == State::stopped || known.table.state == State::recopy));
  if (known.table.state == State::stopped && !is_made_anew) {
    if (known.shape) met_.insert(known.shape->id);
    return;
  }
  if (now == nullptr) return gone(known);
  met_.insert(now->shape.id);
  TableDecision decision{known.table.name, known.table, {}};
  decision.before = known.table.state;
  if (!known.shape) {
    decision.change.adopted = now->shape;
    plan_.decisions.push_back(std::move(decision));
    return;
  }
  const bool is_moved = known.shape->above != now->shape.above || known.shape->bound != now->shape.bound;
  decision.change = compare(*known.shape, now->shape, is_moved ? now->shape.name : now->top(), passed(*now, known));
  const bool restated = restate(decision.table, *now);
  plan_.publishes = plan_.publishes || restated || decision.change.adopted.id != known.shape->id;
  if (must_stop(known, *now, decision.change)) {
    decision.table.state = State::stopped;
    decision.table.reason = stopping_reason(decision.change, "");
    decision.change.adopted = now->shape;
  } else if (decision.change.kind == Kind::recopy) {
    if (known.table.state != State::recopy)
      decision.table.reason = "the source has changed it: " + decision.change.what;
    decision.table.state = State::recopy;
  }
  decision.is_detached = is_moved && known.shape->above;
  decision.is_news = restated || decision.change.kind != Kind::none;
  decision.is_being_copied = known.table.state == State::recopy && decision.table.state == State::recopy;
  decision.table.name = decision.table.state == State::stopped ? known.table.name : now->shape.name;
  const bool nothing = decision.change.kind == Kind::none && decision.change.finishing.empty() && !restated &&
                       decision.change.adopted == *known.shape;
  if (!nothing) plan_.decisions.push_back(std::move(decision));
}

ShapePlan Plan::make() && {
  std::set<model::Name> taken;
  for (const KnownTable& each : known_) {
    taken.insert(each.table.name);
    look_at(each);
  }
  std::stable_partition(plan_.decisions.begin(), plan_.decisions.end(),
                        [&](const TableDecision& each) { return taken.count(each.table.name) == 0; });
  // What is altered above reaches those partitions alone that the source still has there.
  std::stable_partition(plan_.decisions.begin(), plan_.decisions.end(),
                        [](const TableDecision& each) { return each.is_detached; });
  for (const auto& [id, table] : now_.tables) {
    if (!table.is_selected || met_.count(id) != 0) continue;
    const bool is_known = std::any_of(known_.begin(), known_.end(), [&](const KnownTable& each) {
      return each.table.name == table.shape.name && each.table.state == State::stopped;
    });
    if (is_known) continue;
    plan_.added.push_back(&table);
    plan_.publishes = true;
  }
  return std::move(plan_);
}

}  // namespace

ShapePlan plan_shapes(const std::vector<KnownTable>& known, const SourceSight& now, const SourceSight* before,
                      model::Lsn applied, api::SchemaChanges policy) {
  return Plan(known, now, before, applied, policy).make();
}

bool is_dropped(const FollowedTable& table) {
  return table.state == State::stopped && table.reason.starts_with(dropped_on_source);
}

std::string stopping_reason(const ShapeChange& change, const std::string& refusal) {
  std::string reason = "the source has changed it: " + change.what;
  if (!refusal.empty()) reason += "; the target refused the same: " + refusal;
  const std::string script = script_of(change.statements);
  return reason + (script.empty() ? "; copy it again" : "; run on the target: " + script + " then copy it again");
}

}  // namespace tributary::postgres::sync

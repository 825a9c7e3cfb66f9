#include "engine/postgres/sync/shape_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/postgres/client/sql.h"
#include "engine/postgres/sync/renaming.h"

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
  void find_heirs();
  void gone(const KnownTable& known, const model::Name* heir = nullptr);
  // What the stream makes of it now; true where that is something else.
  bool restate(FollowedTable& table, const SourceTable& now);
  bool is_cut(const SourceTable& now) const;
  bool must_stop(const KnownTable& known, const SourceTable& now, ShapeChange& change) const;
  void say_renaming();
  void stop_where_names_are_held();
  void group_renamed();

  const std::vector<KnownTable>& known_;
  const SourceSight& now_;
  const SourceSight* const before_;
  const model::Lsn applied_;
  const api::SchemaChanges policy_;
  std::set<std::uint32_t> met_;
  std::map<std::uint32_t, model::Name> heirs_;  // known tables that are the source's of these ids now
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

// Where the source has dropped a table and given another that we know its name, its rows are to be those of the other:
// as if nobody had known that one yet.
void Plan::find_heirs() {
  for (const KnownTable& each : known_) {
    const bool is_gone = !each.shape || now_.tables.count(each.shape->id) == 0;
    const SourceTable* const namesake = is_gone ? find(each) : nullptr;
    if (namesake != nullptr && (each.table.state != State::stopped || is_dropped(each.table)))
      heirs_.emplace(namesake->shape.id, each.table.name);
  }
}

void Plan::gone(const KnownTable& known, const model::Name* heir) {
  TableDecision decision{known.table.name, known.table, {}};
  decision.before = known.table.state;
  decision.change.adopted = known.shape.value_or(TableShape{});
  if (heir != nullptr) decision.change.adopted.id = 0;  // it is the heir's
  if (known.table.state != State::stopped) {
    decision.table.state = State::stopped;
    decision.table.reason =
        std::string(dropped_on_source) +
        (heir == nullptr ? "" : " under this name: its rows are those of table " + model::display(*heir) + " now") +
        (known.table.route ? ", and its rows lie in " + model::display(*known.table.route) +
                                 " on the target, which divides them in its own way; where they are not wanted there "
                                 "any more, delete them, move what else its namesake holds, and drop that"
                           : "; where it is not wanted on the target any more, run there: DROP TABLE " +
                                 quote_name(known.table.name) + ";");
    decision.is_news = true;
  }
  plan_.decisions.push_back(std::move(decision));
}

// An update or delete of a published table without an identity fails on the source, so it is taken out at once. What
// our own publication has left out, the log will never have.
bool Plan::restate(FollowedTable& table, const SourceTable& now) {
  if (table.state == State::followed && !now.not_published.empty()) {
    table.state = State::not_streamed;
    table.reason = now.not_published;
    return true;
  }
  if (table.state == State::followed && !now.left_out.empty()) {
    table.state = State::recopy;
    table.reason = "somebody has changed what the source publishes: " + now.left_out;
    return true;
  }
  if (table.state == State::not_streamed && now.not_published.empty() && now.is_selected) {
    table.state = State::recopy;
    table.reason = "the source can publish all its changes by now";
    return true;
  }
  return false;
}

// Since the look before this one, which has put our own publication right.
bool Plan::is_cut(const SourceTable& now) const {
  if (before_ == nullptr || now.not_published.empty()) return !now.left_out.empty();
  const auto then = before_->tables.find(now.shape.id);
  return then != before_->tables.end() && then->second.not_published.empty();
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
  const auto heir = now == nullptr ? heirs_.end() : heirs_.find(now->shape.id);
  if (heir != heirs_.end() && heir->second != known.table.name) return gone(known, &heir->second);
  const bool is_made_anew = is_dropped(known.table) && now != nullptr && now->is_selected;
  // One that does not follow is published all the same, until it is asked for.
  plan_.publishes = plan_.publishes || (now != nullptr && !now->not_published.empty() &&
                                        (known.table.state == State::stopped || known.table.state == State::recopy));
  if (known.table.state == State::stopped && !is_made_anew) {
    if (known.shape) met_.insert(known.shape->id);
    return;
  }
  if (now == nullptr) return gone(known);
  if (known.is_absent && now->is_selected) {
    if (now->shape.name != known.table.name) gone(known, &now->shape.name);
    return;
  }
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
  decision.is_cut = is_cut(*now);
  plan_.waits = plan_.waits || (decision.table.state == State::followed && decision.change.adopted != now->shape);
  decision.is_detached = is_moved && known.shape->above;
  decision.is_attached = is_moved && decision.change.adopted.above;
  decision.is_news = restated || decision.change.kind != Kind::none;
  decision.is_being_copied = known.table.state == State::recopy && decision.table.state == State::recopy;
  decision.table.name = decision.table.state == State::stopped ? known.table.name : now->shape.name;
  // The ledger has another name where somebody has renamed the target's table, as he was told to.
  const bool nothing = decision.change.kind == Kind::none && decision.change.finishing.empty() && !restated &&
                       !(decision.is_being_copied && decision.is_cut) && decision.change.adopted == *known.shape &&
                       decision.table.name == known.table.name;
  if (!nothing) plan_.decisions.push_back(std::move(decision));
}

Renaming renaming_of(const TableDecision& decision) {
  return {decision.change.adopted.id, decision.change.renamed_from.value_or(decision.name),
          decision.change.adopted.name};
}

template <class Which>
std::vector<std::size_t> chosen(const std::vector<TableDecision>& decisions, Which&& which) {
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < decisions.size(); ++i)
    if (which(decisions[i])) some.push_back(i);
  return some;
}

// Groups of decisions, and what each wants.
std::vector<RenamedTables> groups_of(const std::vector<TableDecision>& decisions, const std::vector<std::size_t>& which,
                                     auto&& want) {
  std::vector<Renaming> all;
  for (const std::size_t i : which) all.push_back(want(decisions[i]));
  std::vector<RenamedTables> groups;
  for (const std::vector<std::size_t>& members : grouped(all)) {
    groups.emplace_back();
    std::vector<Renaming> on_target;
    for (const std::size_t member : members) {
      const TableDecision& decision = decisions[which[member]];
      groups.back().decisions.push_back(which[member]);
      if (decision.change.renamed_from) on_target.push_back(renaming_of(decision));
    }
    if (!on_target.empty()) groups.back().statements = renaming_statements(on_target);
  }
  return groups;
}

// For whoever is told to run it: a part of it alone may not be possible.
void Plan::say_renaming() {
  const auto which =
      chosen(plan_.decisions, [](const TableDecision& each) { return each.change.renamed_from.has_value(); });
  for (const RenamedTables& group : groups_of(plan_.decisions, which, renaming_of)) {
    for (const std::size_t i : group.decisions) {
      TableDecision& decision = plan_.decisions[i];
      decision.change.renaming = group.statements;
      if (decision.table.state == State::stopped) decision.table.reason = stopping_reason(decision.change, "");
    }
  }
}

// A table that stands still keeps its name.
void Plan::stop_where_names_are_held() {
  std::set<model::Name> held;
  for (const KnownTable& each : known_) held.insert(each.table.name);
  const auto moves = [](const TableDecision& each) { return each.name != each.table.name; };
  for (const TableDecision& each : plan_.decisions)
    if (moves(each)) held.erase(each.name);
  for (bool again = true; std::exchange(again, false);) {
    for (TableDecision& each : plan_.decisions) {
      if (!moves(each) || held.count(each.table.name) == 0) continue;
      const auto known = std::find_if(known_.begin(), known_.end(),
                                      [&](const KnownTable& table) { return table.table.name == each.name; });
      each.table.state = State::stopped;
      each.table.reason = "the source has changed it: " + each.change.what + ", and table " +
                          model::display(each.table.name) +
                          ", which has that name here, stands still: copy that one again, and then this one";
      each.table.name = each.name;
      each.change.adopted = *known->shape;
      each.is_news = true;
      held.insert(each.name);
      again = true;
    }
  }
}

void Plan::group_renamed() {
  const auto which = chosen(plan_.decisions, [](const TableDecision& each) { return each.name != each.table.name; });
  plan_.renamed = groups_of(plan_.decisions, which, [](const TableDecision& each) {
    return Renaming{each.change.adopted.id, each.name, each.table.name};
  });
}

ShapePlan Plan::make() && {
  find_heirs();
  for (const KnownTable& each : known_) look_at(each);
  say_renaming();
  stop_where_names_are_held();
  // What is altered above reaches those partitions alone that the source still has there.
  std::stable_partition(plan_.decisions.begin(), plan_.decisions.end(),
                        [](const TableDecision& each) { return each.is_detached; });
  group_renamed();
  for (const auto& [id, table] : now_.tables) {
    plan_.publishes = plan_.publishes || !table.left_out.empty();
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

std::string stopping_reason(const ShapeChange& change, const std::string& refusal) {
  std::string reason = "the source has changed it: " + change.what;
  if (!refusal.empty()) reason += "; the target refused the same: " + refusal;
  std::vector<std::string> statements = change.renaming;
  statements.insert(statements.end(), change.statements.begin(), change.statements.end());
  const std::string script = script_of(statements);
  return reason + (script.empty() ? "; copy it again" : "; run on the target: " + script + " then copy it again");
}

}  // namespace tributary::postgres::sync

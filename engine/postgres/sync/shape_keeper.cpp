#include "engine/postgres/sync/shape_keeper.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/postgres/catalog/lock_wait.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/ledger/shape_ledger.h"
#include "engine/postgres/replication/publication.h"
#include "engine/postgres/sync/attempt.h"
#include "engine/postgres/sync/known_tables.h"
#include "engine/postgres/sync/late_keys.h"
#include "engine/postgres/sync/new_tables.h"
#include "engine/postgres/sync/new_values.h"
#include "engine/postgres/sync/renaming.h"

namespace tributary::postgres::sync {
namespace {

using State = FollowedTable::State;
using Kind = ShapeChange::Kind;

// What looking costs, the stream stands still for, and the source works for: a twentieth of the time at most, however
// many tables there are and however often they change.
constexpr Milliseconds glance_every{2'000};
constexpr int rest_per_work = 19;

Milliseconds rest_after(SteadyTime began) {
  const auto took = std::chrono::duration_cast<Milliseconds>(SteadyClock::now() - began);
  return std::max(glance_every, rest_per_work * took);
}

// Whether a recopy of ours has a lock on the table, or on one that is altered with it.
constexpr const char* kept_by_recopy = R"sql(
WITH it AS (SELECT pg_catalog.to_regclass($1) AS id),
tree AS (SELECT id FROM it UNION
  SELECT t.relid FROM it, pg_catalog.pg_partition_tree(coalesce(pg_catalog.pg_partition_root(id), id)) t)
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
  WHERE a.application_name = $2 AND l.locktype = 'relation' AND l.granted AND l.relation IN (SELECT id FROM tree)
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())))sql";

std::string key_of(const model::LogTable& log) {
  std::string key = std::to_string(log.id) + ' ' + model::display(log.name);
  for (const model::LogTable::Column& each : log.columns)
    key += '\n' + each.name + '\0' + std::to_string(each.type) + ' ' + std::to_string(each.modifier);
  return key;
}

const ShapeColumn* find(const TableShape& shape, const std::string& column) {
  const auto found = std::find_if(shape.columns.begin(), shape.columns.end(),
                                  [&](const ShapeColumn& each) { return each.name == column; });
  return found == shape.columns.end() ? nullptr : &*found;
}

bool is_sent(const ShapeColumn& column) {
  return column.generated.empty();
}

void stop(TableDecision& decision, const std::string& refusal) {
  decision.is_being_copied = false;
  decision.table.name = decision.name;
  decision.table.state = State::stopped;
  decision.table.reason = stopping_reason(decision.change, refusal);
}

}  // namespace

Result<std::vector<KnownTable>> ShapeKeeper::read_known(Claimed& claimed, const Until& until) {
  const std::vector<FollowedTable> tables = TRY(read_followed_tables(claimed.control, claimed.owner.key, until));
  const std::map<model::Name, TableShape> shapes = TRY(read_recorded_shapes(claimed.control, claimed.owner.key, until));
  std::vector<KnownTable> known;
  shapes_.clear();
  for (const FollowedTable& each : tables) {
    known.push_back({each, {}});
    const auto shape = shapes.find(each.name);
    if (shape == shapes.end()) continue;
    known.back().shape = shape->second;
    shapes_.emplace(shape->second.id, shape->second);
  }
  return known;
}

void ShapeKeeper::forget_target() {
  accepted_.clear();
}

Result<bool> ShapeKeeper::is_due(SourceSide& source, const Until& until) {
  const std::shared_ptr<const SourceSight> before = looks_->last().sight;
  if (due_.passed() || !before) return true;
  if (!glance_due_.passed()) return false;
  if (looks_->is_asked()) return true;
  const SteadyTime began = SteadyClock::now();
  const bool changed = TRY(read_print_of_tables(source.session, until)) != before->print;
  glance_due_ = Deadline::after(rest_after(began));
  return changed;
}

Result<bool> ShapeKeeper::look(SourceSide& source, Claimed& claimed, model::Lsn applied, const Until& until) {
  const SteadyTime began = SteadyClock::now();
  due_ = Deadline::after(options_->look_every);
  const std::uint64_t asked = looks_->asked();
  waiting_.clear();
  carried_out_.clear();
  missed_.clear();
  has_made_objects_ = false;
  std::vector<KnownTable> known = TRY(read_known(claimed, until));
  TRY(mark_absent(claimed, known, until));
  std::unique_lock publishing(*publishing_);
  std::optional<SourceSight> seen = TRY(look_at_tables(*options_, source, *claimed.stream, until));
  if (!seen) {
    glance_due_ = Deadline::after(rest_after(began));
    return kept_out(applied);
  }
  const auto sight = std::make_shared<const SourceSight>(*std::move(seen));
  const SourceSight& now = *sight;
  const std::shared_ptr<const SourceSight> before = looks_->last().sight;
  bool changed = TRY(parents_.look(claimed, known, now, until));
  ShapePlan plan = plan_shapes(known, now, before.get(), applied, options_->sync.schema_changes);
  if (plan.publishes) TRY(publish(source, claimed, now, until));
  publishing.unlock();
  std::set<std::uint32_t> selected;
  for (const auto& [id, table] : now.tables)
    if (table.is_selected) selected.insert(id);
  changed = TRY(bring_values(claimed, now.enums, selected, options_->sync.schema_changes, until)).tables || changed;
  changed = TRY(put_off_below_parents(claimed, plan, now, until)) || changed;
  for (const RenamedTables& each : plan.renamed) changed = TRY(rename(claimed, plan, each, until)) || changed;
  TRY(create_parents_of_attached(source, claimed, plan, now, until));
  for (const TableDecision& each : plan.decisions) changed = TRY(carry_out(claimed, each, until)) || changed;
  if (changed || !plan.renamed.empty()) TRY(keep_names(claimed, known, plan.added, until));
  if (!plan.added.empty()) changed = TRY(add(source, claimed, plan.added, until)) || changed;
  changed = TRY(stop_where_forms_differ(claimed, now.forms, until)) || changed;
  TRY(add_late_keys(source, claimed, 20 * options_->look_every, until));
  changed = TRY(refresh_aged(claimed, options_->sync.refresh_interval, until)) || changed;
  TRY(forget_gone(claimed, known, until));
  looks_->ended(sight, waiting_, asked);
  const Milliseconds rest = rest_after(began);
  glance_due_ = Deadline::after(rest);
  if (plan.waits) due_ = Deadline::after(std::min(options_->look_every, rest));
  if (changed) TRY(read_known(claimed, until));
  return changed;
}

Result<bool> ShapeKeeper::add(SourceSide& source, Claimed& claimed, const std::vector<const SourceTable*>& tables,
                              const Until& until) {
  if (TRY(add_tables(*options_, source, claimed, tables, until))) return true;
  for (const SourceTable* const each : tables) waiting_.insert(each->shape.id);
  return false;
}

// Who wants to alter a table of the source waits for all that read it, a recopy too, and whoever comes then for him.
Result<bool> ShapeKeeper::kept_out(model::Lsn applied) {
  const char* const why = "a table of the source is locked by a session that alters it, or waits to";
  if (applied.value == 0) return Error{Fault::transient, why, "end that session, or wait for it"};
  log::warn("the source's tables are looked at later", {{"reason", why}});
  return false;
}

// ---------------------------------------------------------------------------------------------- changes

// All of them, on the target and in the ledger.
Result<void> ShapeKeeper::rename_all(Claimed& claimed, const ShapePlan& plan, const RenamedTables& group,
                                     const Until& until) {
  Connection& target = claimed.control;
  const bool is_kept = std::any_of(group.decisions.begin(), group.decisions.end(),
                                   [&](std::size_t i) { return plan.decisions[i].is_being_copied; });
  TRY(target.execute(is_kept ? short_patience : lock_patience, until));
  for (const std::string& each : group.statements) TRY(attempt(target, each, until));
  std::vector<Renaming> tables;
  for (const std::size_t i : group.decisions) {
    const TableDecision& decision = plan.decisions[i];
    tables.push_back({decision.change.adopted.id, decision.name, decision.table.name});
  }
  return record_new_names(claimed, tables, until);
}

// The log tells tables by their ids, so that they can be followed under their former names for as long as somebody
// keeps one of them.
Result<bool> ShapeKeeper::put_off(Claimed& claimed, ShapePlan& plan, const RenamedTables& group, const Error& error,
                                  const Until& until) {
  bool changed = false;
  for (const std::size_t i : group.decisions) {
    plan.decisions[i].is_put_off = true;
    changed = TRY(put_off(claimed, plan.decisions[i], error, until)) || changed;
  }
  return changed;
}

// Those whose statements go by a name that a table above does not have yet, and what is renamed with them.
Result<bool> ShapeKeeper::put_off_below_parents(Claimed& claimed, ShapePlan& plan, const SourceSight& now,
                                                const Until& until) {
  const auto waits = [&](std::uint32_t id) {
    const auto table = now.tables.find(id);
    return table == now.tables.end() ? nullptr : parents_.waits(table->second);
  };
  bool changed = false;
  for (const RenamedTables& group : plan.renamed) {
    const auto first = std::find_if(group.decisions.begin(), group.decisions.end(), [&](std::size_t i) {
      return waits(plan.decisions[i].change.adopted.id) != nullptr;
    });
    if (first == group.decisions.end()) continue;
    changed = TRY(put_off(claimed, plan, group, *waits(plan.decisions[*first].change.adopted.id), until)) || changed;
  }
  for (TableDecision& each : plan.decisions) {
    const Error* const error = waits(each.change.adopted.id);
    if (error == nullptr || std::exchange(each.is_put_off, true)) continue;
    changed = TRY(put_off(claimed, each, *error, until)) || changed;
  }
  std::erase_if(plan.added, [&](const SourceTable* table) {
    const bool is_put_off = parents_.waits(*table) != nullptr;
    if (is_put_off) waiting_.insert(table->shape.id);
    return is_put_off;
  });
  return changed;
}

Result<void> ShapeKeeper::create_parents_of_attached(SourceSide& source, Claimed& claimed, const ShapePlan& plan,
                                                     const SourceSight& now, const Until& until) {
  std::vector<const SourceTable*> attached;
  for (const TableDecision& each : plan.decisions)
    if (each.is_attached && !each.is_put_off && each.table.state != State::stopped)
      attached.push_back(&now.tables.at(each.change.adopted.id));
  const Result<void> created = create_parents(*options_, source, claimed, attached, until);
  if (created || may_pass(created.error()) || !claimed.control.usable()) return created;
  log::warn("not created on the target", {{"error", describe(created.error())}});
  return {};
}

// What the target refuses leaves all of them where they are.
Result<bool> ShapeKeeper::rename(Claimed& claimed, ShapePlan& plan, const RenamedTables& group, const Until& until) {
  if (plan.decisions[group.decisions.front()].is_put_off) return false;
  RenamedTables done = group;
  const auto apply = [&] {
    lock_missed_ = false;
    return in_transaction(claimed.control, claimed.owner, until, [&]() -> Result<void> {
      const Result<void> renamed = rename_all(claimed, plan, done, until);
      lock_missed_ = !renamed && claimed.control.sqlstate() == lock_not_available;
      return renamed;
    });
  };
  Result<void> renamed = apply();
  if (!renamed && TRY(make_objects(claimed, renamed.error(), until))) renamed = apply();
  TableDecision& first = plan.decisions[group.decisions.front()];
  // It has its new name already: what its rows are, nobody knows.
  if (!renamed && renamed.error().fault == Fault::conflict && group.decisions.size() == 1 &&
      !TRY(is_there(claimed.control, first.change.renamed_from.value_or(first.name), until))) {
    done.statements.clear();
    first.change.kind = Kind::recopy;
    first.table.state = State::recopy;
    first.table.reason = "the source has changed it: " + first.change.what + ", and so had somebody on the target";
    renamed = apply();
  }
  if (!renamed && lock_missed_) return put_off(claimed, plan, group, renamed.error(), until);
  if (!renamed && !is_refused(renamed)) return within("table " + model::display(first.name), renamed.error());
  for (const std::size_t i : group.decisions) {
    TableDecision& decision = plan.decisions[i];
    if (!renamed) {
      stop(decision, renamed.error().what);
    } else {
      decision.name = decision.table.name;
      decision.change.renaming.clear();
    }
  }
  return true;
}

Result<void> ShapeKeeper::apply(Claimed& claimed, const TableDecision& decision, const Until& until) {
  Connection& target = claimed.control;
  lock_missed_ = false;
  return in_transaction(target, claimed.owner, until, [&]() -> Result<void> {
    TRY(target.execute(decision.is_being_copied ? short_patience : lock_patience, until));
    const Result<void> done = [&]() -> Result<void> {
      if (decision.table.state != State::stopped) TRY(alter(target, decision, until));
      TRY(finish(target, decision, until));
      return record(claimed, decision, until);
    }();
    lock_missed_ = !done && target.sqlstate() == lock_not_available;
    return done;
  });
}

// Of an earlier decision, which had the same statement.
const Error* ShapeKeeper::missed(const TableDecision& decision) const {
  if (decision.table.state == State::stopped) return nullptr;
  for (const auto* statements : {&decision.change.statements, &decision.change.finishing}) {
    for (const std::string& each : *statements) {
      const auto found = missed_.find(each);
      if (found != missed_.end()) return &found->second;
    }
  }
  return nullptr;
}

// Where the stream needs the change for what comes next, it waits for whoever reads the table; not where its rows are
// copied again for that, and not for a recopy of others, which may take hours: then it is copied again after them.
Result<bool> ShapeKeeper::put_off(Claimed& claimed, const TableDecision& decision, const Error& error,
                                  const Until& until) {
  for (const auto* statements : {&decision.change.statements, &decision.change.finishing})
    for (const std::string& each : *statements) missed_.emplace(each, error);
  const std::string name = model::display(decision.name);
  waiting_.insert(decision.change.adopted.id);
  const bool goes_on = decision.table.state == State::followed;
  if (decision.before != State::followed || (goes_on && decision.change.statements.empty())) {
    log::warn("change of a table waits for a lock of the target", {{"table", name}, {"error", error.what}});
    return false;
  }
  FollowedTable aside = decision.table;
  aside.name = decision.name;
  if (goes_on) {
    const Rows kept = TRY(claimed.control.query_row(
        kept_by_recopy, {quote_name(decision.name), session_prefix(claimed.owner.key) + "recopy-writer"}, until));
    if (!kept.boolean(0, 0))
      return Error{Fault::transient,
                   "table " + name + " was changed on the source (" + decision.change.what +
                       "), and on the target another session keeps it: " + error.what,
                   "end that session, or wait for it"};
    aside.state = State::recopy;
    aside.reason = "the source has changed it: " + decision.change.what +
                   ", while rows of a table that is altered with it are copied again";
  }
  log::warn("table changed on the source", {{"table", name}, {"reason", aside.reason}});
  TRY(in_transaction(claimed.control, claimed.owner, until,
                     [&] { return record_followed_tables(claimed.control, claimed.owner, {aside}, until); }));
  return true;
}

// After a refusal: true where it is worth another try.
Result<bool> ShapeKeeper::make_objects(Claimed& claimed, const Error& error, const Until& until) {
  if (error.fault != Fault::missing || std::exchange(has_made_objects_, true)) return false;
  const Result<void> made = create_objects(*options_, claimed.control, claimed.owner, until);
  if (!made && (may_pass(made.error()) || !claimed.control.usable())) return made.error();
  if (!made) log::warn("not created on the target", {{"error", describe(made.error())}});
  return true;
}

// What the target refuses leaves the table as it was, and says so.
Result<bool> ShapeKeeper::carry_out(Claimed& claimed, const TableDecision& decision, const Until& until) {
  if (decision.is_put_off) return false;
  if (const Error* const error = missed(decision)) return put_off(claimed, decision, *error, until);
  TableDecision done = decision;
  Result<void> applied = apply(claimed, done, until);
  if (!applied && TRY(make_objects(claimed, applied.error(), until))) applied = apply(claimed, done, until);
  const bool lacks_parent = !applied && applied.error().fault == Fault::conflict && done.is_attached &&
                            !TRY(is_there(claimed.control, *done.change.adopted.above, until));
  // Somebody has given the target the column already: which values its old rows have there, nobody knows.
  if (!applied && applied.error().fault == Fault::conflict && !lacks_parent) {
    done.change.kind = Kind::recopy;
    done.table.state = State::recopy;
    done.table.reason = "the source has changed it: " + decision.change.what + ", and so had somebody on the target";
    applied = apply(claimed, done, until);
  }
  const std::string refusal = is_refused(applied) ? applied.error().what : "";
  const bool is_about_rows = !applied && applied.error().fault == Fault::differs;
  if (is_about_rows && done.change.kind == Kind::recopy && !done.change.adopted.above) {
    done.is_emptied = true;
    applied = apply(claimed, done, until);
  }
  if (is_refused(applied)) {
    done = decision;
    stop(done, refusal);
    applied = apply(claimed, done, until);
  }
  if (!applied && lock_missed_) return put_off(claimed, decision, applied.error(), until);
  if (!applied) return within("table " + model::display(decision.name), applied.error());
  carried_out_.insert(done.change.statements.begin(), done.change.statements.end());
  if (done.is_being_copied) return false;
  const bool told = done.is_news || done.table.state != decision.table.state;
  if (told)
    log::warn("table changed on the source", {{"table", model::display(done.change.renamed_from.value_or(done.name))},
                                              {"change", done.change.what},
                                              {"reason", done.table.reason}});
  return told;
}

Result<void> ShapeKeeper::alter(Connection& target, const TableDecision& decision, const Until& until) {
  if (decision.is_emptied) TRY(attempt(target, "TRUNCATE ONLY " + quote_name(decision.change.adopted.name), until));
  for (const std::string& each : decision.change.statements) {
    if (carried_out_.count(each) != 0) continue;
    const Result<void> altered = attempt(target, each, until);
    const bool is_there = !altered && altered.error().fault == Fault::conflict;
    if (!altered && !(is_there && decision.change.kind == Kind::recopy)) return altered;
  }
  return {};
}

Result<void> ShapeKeeper::finish(Connection& target, const TableDecision& decision, const Until& until) {
  for (const std::string& each : decision.change.finishing) {
    if (decision.table.state == State::stopped || carried_out_.count(each) != 0) continue;
    if (options_->sync.schema_changes == api::SchemaChanges::stop) {
      log::warn("run this on the target, which no row depends on", {{"statement", each}});
      continue;
    }
    const Result<void> altered = attempt(target, each, until);
    if (altered) continue;
    if (!is_refused(altered)) return altered;
    // A sequence is a table, too.
    const bool is_lacking = altered.error().fault == Fault::missing || altered.error().fault == Fault::conflict;
    if (is_lacking && !has_made_objects_) return Error{Fault::missing, altered.error().what};
    log::warn("the target refused what no row depends on", {{"statement", each}, {"error", altered.error().what}});
  }
  return {};
}

Result<void> ShapeKeeper::record(Claimed& claimed, const TableDecision& decision, const Until& until) {
  const Owner& owner = claimed.owner;
  // A state that stays may have been changed by whoever asks for a recopy. What stops a table once more is another
  // reason.
  if (decision.table.state != decision.before || decision.table.state == State::stopped)
    TRY(record_followed_tables(claimed.control, owner, {decision.table}, until));
  // The copy that is under way may be older than the change.
  if (decision.is_being_copied && (decision.change.kind == Kind::recopy || decision.is_cut))
    TRY(record_asked(claimed.control, owner, {decision.table.name}, until));
  return record_shape(claimed.control, owner, decision.table.name, decision.change.adopted, until);
}

// A running walsender goes by what was published when it began, so the stream is opened anew after this.
Result<void> ShapeKeeper::publish(SourceSide& source, Claimed& claimed, const SourceSight& now, const Until& until) {
  if (!claimed.stream->owns_publication) return {};
  std::vector<model::Name> tables;
  for (const auto& [id, table] : now.tables)
    if (table.is_selected && table.not_published.empty()) tables.push_back(table.shape.name);
  const Result<bool> changed = bring_publication(source.session, claimed.stream->publication, tables, until);
  if (changed) return {};
  Error error = within("publishing the source's tables", changed.error());
  if (error.fault == Fault::missing) error.fault = Fault::transient;  // dropped since they were looked at
  return error;
}

// ---------------------------------------------------------------------------------------------- the log

bool ShapeKeeper::fits(const model::LogTable& log) const {
  const auto shape = shapes_.find(log.id);
  if (shape == shapes_.end() || accepted_.count(key_of(log)) != 0) return true;
  if (shape->second.name != log.name) return false;
  std::size_t sent = 0;
  for (const model::LogTable::Column& each : log.columns) {
    const ShapeColumn* const column = find(shape->second, each.name);
    if (column == nullptr || column->type != each.type || column->modifier != each.modifier) return false;
    if (is_sent(*column)) ++sent;
  }
  return static_cast<std::size_t>(std::count_if(shape->second.columns.begin(), shape->second.columns.end(), is_sent)) ==
         sent;
}

bool ShapeKeeper::accept(const model::LogTable& log) {
  accepted_.insert(key_of(log));
  const auto shape = shapes_.find(log.id);
  if (shape == shapes_.end()) return true;
  return std::all_of(log.columns.begin(), log.columns.end(), [&](const model::LogTable::Column& each) {
    const ShapeColumn* const column = find(shape->second, each.name);
    return column != nullptr && column->type == each.type;
  });
}

Result<bool> ShapeKeeper::learn_values(SourceSide& source, Claimed& claimed, const Until& until) {
  const std::vector<EnumType> types = TRY(read_enums(source.session, until));
  std::set<std::uint32_t> known;
  for (const auto& [id, shape] : shapes_) known.insert(id);
  const NewValues learned = TRY(bring_values(claimed, types, known, options_->sync.schema_changes, until));
  return learned.types || learned.tables;
}

Result<void> ShapeKeeper::give_up(Claimed& claimed, const model::LogTable& log, const Until& until) {
  std::vector<FollowedTable> tables = TRY(read_followed_tables(claimed.control, claimed.owner.key, until));
  std::erase_if(tables, [&](const FollowedTable& each) { return each.id != log.id; });
  for (FollowedTable& each : tables) {
    const bool stops = options_->sync.schema_changes == api::SchemaChanges::stop;
    each.state = stops ? State::stopped : State::recopy;
    each.reason = "the source has changed it and taken the change back: some of its rows went by columns that are gone";
    if (stops) each.reason += "; copy it again";
    log::warn("table changed on the source", {{"table", model::display(each.name)}, {"reason", each.reason}});
  }
  return in_transaction(claimed.control, claimed.owner, until,
                        [&] { return record_followed_tables(claimed.control, claimed.owner, tables, until); });
}

}  // namespace tributary::postgres::sync

#include "engine/postgres/sync/recopy_ends.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/base/log.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/recopy_ledger.h"
#include "engine/postgres/ledger/shape_ledger.h"
#include "engine/postgres/schema/shape_change.h"
#include "engine/postgres/sync/position.h"

namespace tributary::postgres::sync {

Result<Connection*> RecopyEnds::control(const Until& until) {
  if (!control_ || !control_->usable()) control_ = TRY(open_recopy_session(stream_, "recopy", until));
  return &*control_;
}

// What the target does not have waits for the stream to create it.
Result<std::vector<pipeline::AskedTable>> RecopyEnds::wanted(const Until& until) {
  Connection* const session = TRY(control(until));
  const std::vector<FollowedTable> tables = TRY(read_recopied_tables(*session, stream_.owner, until));
  std::vector<model::Name> names;
  for (const FollowedTable& each : tables)
    if (!each.route) names.push_back(each.name);
  std::erase_if(waits_, [&](const auto& wait) {
    return std::none_of(tables.begin(), tables.end(), [&](const auto& each) { return each.name == wait.first; });
  });
  const std::vector<model::Name> absent = names.empty() ? names : TRY(read_gone_tables(*session, names, until));
  for (const model::Name& each : absent)
    if (waits_.count(each) == 0) await_look(each);
  const Look last = stream_.looks->last();
  std::set<model::Name> waiting;  // with all that lies in the same table
  for (const FollowedTable& each : tables) {
    const auto wait = waits_.find(each.name);
    if (wait == waits_.end()) continue;
    const bool is_over = last.number > wait->second && last.put_off.count(each.id) == 0;
    if (!is_over) waiting.insert(each.route.value_or(each.name));
  }
  std::vector<pipeline::AskedTable> wanted;
  for (const FollowedTable& each : tables)
    if (waiting.count(each.route.value_or(each.name)) == 0) wanted.push_back({each.name, each.id});
  return wanted;
}

void RecopyEnds::await_look(const model::Name& table) {
  waits_.insert_or_assign(table, stream_.looks->last().number);
  stream_.looks->ask();
}

// Those that were asked for since are left to the next round: the stream may still follow them. So are those that share
// a table of the target with one that is not asked for any more, whose rows would go with theirs. What the source has
// dropped goes along.
Result<std::unique_ptr<pipeline::RecopyRound>> RecopyEnds::begin(const std::vector<pipeline::AskedTable>& tables,
                                                                 const Until& until) {
  Connection* const session = TRY(control(until));
  began_ = stream_.looks->last();
  std::map<model::Name, std::uint32_t> wanted;
  for (const pipeline::AskedTable& each : tables) wanted.emplace(each.name, each.id);
  std::vector<FollowedTable> chosen, dropped;
  std::set<std::optional<model::Name>> routes, broken;
  for (FollowedTable& each : TRY(read_followed_tables(*session, stream_.owner.key, until))) {
    const auto found = wanted.find(each.name);
    const bool is_chosen =
        each.state == FollowedTable::State::recopy && found != wanted.end() && found->second == each.id;
    if (is_chosen && each.route) routes.insert(each.route);
    if (each.route && !is_chosen && is_dropped(each)) dropped.push_back(each);
    if (each.route && !is_chosen && !is_dropped(each)) broken.insert(each.route);
    if (is_chosen) chosen.push_back(std::move(each));
  }
  for (FollowedTable& each : dropped)
    if (routes.count(each.route) != 0) chosen.push_back(std::move(each));
  std::erase_if(chosen, [&](const FollowedTable& each) { return each.route && broken.count(each.route) != 0; });
  if (chosen.empty()) return Error{Fault::transient, "the tables that are copied again have changed meanwhile"};
  return std::unique_ptr<pipeline::RecopyRound>(TRY(RecopyRound::open(stream_, *session, chosen, ++rounds_, until)));
}

Result<void> RecopyEnds::stop(const pipeline::StoppedUnit& unit, const Until& until) {
  if (TRY(must_wait(unit, until))) {
    for (const pipeline::StoppedTable& each : unit)
      log::info("table waits until the stream has looked at what the source has changed",
                {{"table", model::display(each.table)}, {"reason", each.reason}});
    return {};
  }
  Connection* const session = TRY(control(until));
  std::vector<FollowedTable> stopped;
  for (const pipeline::StoppedTable& each : unit) {
    log::warn("table set aside", {{"table", model::display(each.table)}, {"reason", each.reason}});
    stopped.push_back({each.table, FollowedTable::State::stopped, {}, each.reason});
  }
  return end_recopy(*session, stream_.owner, stopped, until);
}

// The stream gives the target the same columns, or stops a table with its own reason. What fails for good does so under
// what the stream had dealt with before the round began.
Result<bool> RecopyEnds::must_wait(const pipeline::StoppedUnit& unit, const Until& until) {
  Connection* const session = TRY(control(until));
  const std::map<model::Name, TableShape> recorded = TRY(read_recorded_shapes(*session, stream_.owner.key, until));
  SourceSide source = TRY(look_at_source(stream_.options, until));
  std::map<std::uint32_t, TableShape> shapes;
  for (TableShape& each : TRY(read_shapes_of_tables(source.session, until))) shapes.emplace(each.id, std::move(each));
  bool waits = !began_.sight || began_.sight->enums != TRY(read_enums(source.session, until));
  for (const pipeline::StoppedTable& each : unit) {
    const auto known = recorded.find(each.table);
    if (waits || known == recorded.end()) continue;
    const auto now = shapes.find(known->second.id);
    waits = is_news(known->second.id, now == shapes.end() ? nullptr : &now->second);
  }
  if (!waits) return false;
  for (const pipeline::StoppedTable& each : unit) await_look(each.table);
  return true;
}

// Since the round began. `now` is null where the source has dropped it.
bool RecopyEnds::is_news(std::uint32_t id, const TableShape* now) const {
  const auto then = began_.sight->tables.find(id);
  const bool was_there = then != began_.sight->tables.end();
  if (began_.put_off.count(id) != 0 || was_there != (now != nullptr)) return true;
  return was_there && compare(then->second.shape, *now, now->name, Passed::no).kind != ShapeChange::Kind::none;
}

namespace {

std::vector<model::Name> names_of(const std::vector<pipeline::AskedTable>& tables) {
  std::vector<model::Name> names;
  for (const pipeline::AskedTable& each : tables) names.push_back(each.name);
  return names;
}

}  // namespace

Result<void> take_up_request(const NamedRequest& request, const std::string& database, const Owner& owner,
                             Connection& control, const Until& until) {
  if (request.id.empty() || TRY(read_recopy_request(control, owner.key, until)) == request.id) return {};
  for (const std::string& entry : misspelt(request, database))
    log::warn("cannot copy again what is no table of this database", {{"request", request.id}, {"entry", entry}});
  const std::vector<model::Name> names = names_of(request.tables);
  return in_transaction(control, owner, until, [&]() -> Result<void> {
    TRY(ask_for_recopy(control, owner.key, names, "asked for by request " + request.id, until));
    return record_recopy_request(control, owner, request.id, until);
  });
}

Result<std::vector<pipeline::AskedTable>> ask_for_recopy(const StreamOptions& options,
                                                         const std::vector<std::string>& entries, const Until& until) {
  SourceSide source = TRY(look_at_source(options, until));
  Claimed seen = TRY(look_at_target(options, source, until));
  TRY(require_stream(seen, source.identity));
  TRY(require_writable(seen.control, until));
  if (TRY(read_control_version(seen.control, until)) != control_version)
    return Error{Fault::invalid, "the ledger is one of an older engine", "let tributary sync of this version run once"};
  const std::vector<FollowedTable> tables = TRY(read_followed_tables(seen.control, source.key, until));
  const TablesAbove above = tables_above(TRY(read_tables(source.session, until)));
  std::vector<pipeline::AskedTable> named = TRY(named_tables(entries, source.identity.database, tables, above));
  TRY(postgres::ask_for_recopy(seen.control, source.key, names_of(named), "asked for by hand", until));
  return named;
}

}  // namespace tributary::postgres::sync

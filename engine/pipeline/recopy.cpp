#include "engine/pipeline/recopy.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/feed.h"

namespace tributary::pipeline {
namespace {

// Without anything to do, while the stream is waited for or waits.
constexpr Milliseconds longest_turn{20};

// What no retry mends, and so is about the table.
bool is_for_good(Fault fault) {
  switch (fault) {
    case Fault::transient:
    case Fault::cancelled:
    case Fault::fenced:
    case Fault::lost:
      return false;
    default:
      return true;
  }
}

Result<void> turn(Feed& feed, const Until& until) {
  if (TRY(feed.turn(until, longest_turn))) return {};
  return Error{Fault::cancelled, "stopped while tables were brought back to the stream"};
}

std::vector<model::Name> unit_of(const RecopyRound& round, const model::Name& table) {
  for (const std::vector<model::Name>& unit : round.units())
    if (std::find(unit.begin(), unit.end(), table) != unit.end()) return unit;
  return {table};
}

// Lets the stream go on, whatever comes.
class Halt {
 public:
  explicit Halt(Crossing& crossing) : crossing_(crossing) {}
  Halt(const Halt&) = delete;
  Halt& operator=(const Halt&) = delete;
  ~Halt() { crossing_.release(); }

 private:
  Crossing& crossing_;
};

class Recopier {
 public:
  Recopier(RecopyEnds& ends, Crossing& crossing, StreamMeter& meter, const RecopyLimits& limits)
      : ends_(ends), crossing_(crossing), meter_(meter), limits_(limits) {}

  // Nothing may have been asked for.
  Result<void> look(const Until& until);
  void troubled(const Error& error);

 private:
  Result<std::vector<AskedTable>> wanted(const Until& until);
  Result<void> let_go(const std::vector<AskedTable>& tables, const Until& until);
  Result<void> round(const std::vector<AskedTable>& tables, const Until& until);
  Result<void> copy(RecopyRound& round, std::size_t unit, const Until& until);
  Result<void> catch_up(RecopyRound& round, const Until& until);
  Result<void> chase(RecopyRound& round, Feed& feed, const Until& until);
  Result<void> come_near(Feed& feed, const Until& until);
  Result<bool> meet(RecopyRound& round, Feed& feed, Milliseconds patience, const Until& until);
  void show() { meter_.recopy(progress_); }

  RecopyEnds& ends_;
  Crossing& crossing_;
  StreamMeter& meter_;
  const RecopyLimits limits_;
  // Tables that the stream passes over until they are handed over: asked for at every look since it has let them go.
  std::set<std::uint32_t> let_go_;
  api::RecopyProgress progress_;
};

Result<void> Recopier::look(const Until& until) {
  const std::vector<AskedTable> tables = TRY(wanted(until));
  if (!tables.empty()) {
    log::info("copying tables again", {{"tables", tables.size()}, {"first", model::display(tables.front().name)}});
    std::string error = std::move(progress_.error);  // that is overcome when the round has begun
    progress_ = {};
    progress_.tables = tables.size();
    progress_.error = std::move(error);
    show();
    TRY(round(tables, until));
    log::info("tables copied again", {{"tables", progress_.tables_copied}, {"rows", progress_.rows}});
  }
  progress_ = {};
  meter_.recopy({});
  return {};
}

void Recopier::troubled(const Error& error) {
  progress_.error = describe(error);
  progress_.table.clear();
  show();
}

Result<std::vector<AskedTable>> Recopier::wanted(const Until& until) {
  std::vector<AskedTable> tables = TRY(ends_.wanted(until));
  std::set<std::uint32_t> ids;
  for (const AskedTable& each : tables) ids.insert(each.id);
  std::erase_if(let_go_, [&](std::uint32_t id) { return ids.count(id) == 0; });
  return tables;
}

// From here on the stream passes over what the ledger says is copied again. It is disturbed once, however many rounds
// the tables take.
Result<void> Recopier::let_go(const std::vector<AskedTable>& tables, const Until& until) {
  const auto is_let_go = [&](const AskedTable& table) { return let_go_.count(table.id) != 0; };
  if (std::all_of(tables.begin(), tables.end(), is_let_go)) return {};
  do {
    crossing_.ask(limits_.first_patience);
    TRY(crossing_.await(until));
  } while (!crossing_.seal());
  crossing_.release();
  for (const AskedTable& each : tables)
    if (each.id != 0) let_go_.insert(each.id);
  return {};
}

Result<void> Recopier::round(const std::vector<AskedTable>& tables, const Until& until) {
  TRY(let_go(tables, until));
  const std::unique_ptr<RecopyRound> round = TRY(ends_.begin(tables, until));
  progress_.error.clear();
  show();
  for (const StoppedUnit& unit : round->refused()) TRY(ends_.stop(unit, until));
  for (std::size_t unit = 0; unit < round->units().size(); ++unit) TRY(copy(*round, unit, until));
  progress_.table.clear();
  show();
  return round->follows() ? catch_up(*round, until) : Result<void>{};
}

Result<void> Recopier::copy(RecopyRound& round, std::size_t unit, const Until& until) {
  const std::vector<model::Name>& tables = round.units()[unit];
  progress_.table = model::display(tables.front());
  show();
  const api::RecopyProgress before = progress_;
  const auto told = [&](std::uint64_t rows, std::uint64_t bytes) -> Result<void> {
    progress_.rows += rows;
    progress_.bytes += bytes;
    show();
    return {};
  };
  const Result<void> copied = round.copy(unit, told, until);
  if (copied) {
    progress_.tables_copied += tables.size();
    return {};
  }
  progress_ = before;
  if (!is_for_good(copied.error().fault)) return copied;
  StoppedUnit stopped;
  for (const model::Name& table : tables) stopped.push_back({table, describe(copied.error())});
  return ends_.stop(stopped, until);
}

Result<void> Recopier::catch_up(RecopyRound& round, const Until& until) {
  const std::unique_ptr<Applier> applier = TRY(round.applier(until));
  const std::unique_ptr<ChangeStream> stream = TRY(round.stream(until));
  Feed feed(*applier, *stream, nullptr, limits_.pace);
  const Result<void> caught_up = chase(round, feed, until);
  if (caught_up || !applier->stopped()) return caught_up;
  TRY(ends_.stop(stopped_together(unit_of(round, applier->stopped()->table), {*applier->stopped()}), until));
  return Error{Fault::transient, caught_up.error().what, "the others are copied once more"};
}

// To the position at which the stream waits, or past it. A meeting that is missed costs no more than the way to the
// next: what was copied is kept.
Result<void> Recopier::chase(RecopyRound& round, Feed& feed, const Until& until) {
  Milliseconds patience = limits_.first_patience;
  while (true) {
    TRY(come_near(feed, until));
    if (TRY(meet(round, feed, patience, until))) return {};
    log::info("the stream went on before it could take back what was copied again", {{"waited_ms", patience.count()}});
    patience = std::min(2 * patience, limits_.longest_patience);
  }
}

Result<void> Recopier::come_near(Feed& feed, const Until& until) {
  while (true) {
    const model::Lsn goal = crossing_.position();
    TRY(feed.reach(goal, until));
    if (crossing_.position().value - goal.value <= limits_.near) return {};
  }
}

// The stream may be long in coming, with a large transaction: what it has by then is applied here meanwhile.
Result<bool> Recopier::meet(RecopyRound& round, Feed& feed, Milliseconds patience, const Until& until) {
  crossing_.ask(patience);
  const Halt halt(crossing_);
  while (crossing_.wanted()) TRY(turn(feed, until));
  const std::optional<model::Lsn> goal = crossing_.standing();
  if (!goal) return false;
  while (feed.given() < *goal || !TRY(feed.settle(until))) {
    TRY(turn(feed, until));
    if (!crossing_.standing()) return false;
  }
  if (!crossing_.seal()) return false;
  let_go_.clear();  // whether it is answered or not
  TRY(round.hand_over(until));
  return true;
}

}  // namespace

StoppedUnit stopped_together(const std::vector<model::Name>& all, const std::vector<StoppedTable>& reasons) {
  StoppedUnit unit;
  for (const model::Name& name : all) {
    const auto own =
        std::find_if(reasons.begin(), reasons.end(), [&](const StoppedTable& each) { return each.table == name; });
    const StoppedTable& first = reasons.front();
    unit.push_back({name, own != reasons.end()
                              ? own->reason
                              : "its rows lie in one table of the target with those of " + model::display(first.table) +
                                    ", which cannot be copied again: " + first.reason});
  }
  return unit;
}

void recopy(RecopyEnds& ends, Crossing& crossing, StreamMeter& meter, const Until& until, const RecopyLimits& limits) {
  Recopier recopier(ends, crossing, meter, limits);
  Backoff backoff{limits.pauses};
  Milliseconds pause{0};
  while (pause_for(pause, until.stop)) {
    const Result<void> looked = contain([&] { return recopier.look(until); });
    if (looked) {
      backoff.reset();
      pause = limits.look_every;
      continue;
    }
    // The stream learns by itself that it has lost the replication.
    if (until.stop.stop_requested() || looked.error().fault == Fault::fenced) break;
    recopier.troubled(looked.error());
    pause = backoff.next();
    log::warn("retrying to copy tables again", {{"error", describe(looked.error())}, {"after_ms", pause.count()}});
  }
  meter.recopy({});
}

}  // namespace tributary::pipeline

#include "engine/pipeline/session.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/counted.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/copy.h"
#include "engine/pipeline/drain.h"
#include "engine/pipeline/patience.h"
#include "engine/pipeline/pulse.h"
#include "engine/pipeline/reason.h"
#include "engine/pipeline/refusal.h"
#include "engine/pipeline/slot_watch.h"

namespace tributary::pipeline {
namespace {

constexpr Milliseconds look_again{500};
// What a source is given to take back a stream, after the copy has failed or was stopped.
constexpr Milliseconds last_words{10'000};
// Attempts in a row that moved something, broke, and got no further than one before: what comes back each time does not
// pass by itself.
constexpr int most_broken_attempts = 5;

// False when the wait was ended.
bool rest(Milliseconds span, const Until& until) {
  return pause_for(std::min(span, until.deadline.left()), until.stop) && !until.deadline.passed();
}

// Another try by another engine comes, and may go on where this one ended.
bool is_tried_again(const api::Spec& spec, Fault fault) {
  if (!is_declared(spec)) return false;
  return fault == Fault::transient || fault == Fault::failed || fault == Fault::cancelled;
}

std::uint64_t finished_tables(const ProgressBoard& board) {
  std::uint64_t sum = 0;
  for (const api::DatabaseProgress& database : board.snapshot().databases) sum += database.tables_done;
  return sum;
}

PartCount sum_of(const TableRecords& records) {
  PartCount sum;
  for (const auto& [name, record] : records) {
    sum.rows += record.count.rows;
    sum.bytes += record.count.bytes;
  }
  return sum;
}

class Session {
 public:
  Session(const api::Spec& spec, Servers& servers, ProgressBoard& board, const Until& until,
          const Backoff::Limits& pauses, Milliseconds look_every)
      : spec_(spec), servers_(servers), board_(board), until_(until), pauses_(pauses), look_every_(look_every) {
    report_.verb = "init";
    report_.replication = spec.replication;
    report_.started = rfc3339(std::chrono::system_clock::now());
    tell_checks(api::Checks::not_passed);
  }

  api::Report run() {
    const Result<void> result = contain([&] { return snapshot(); });
    if (!result) blame(result.error());
    board_.enter(result ? api::Phase::done : api::Phase::failed, report_.message);
    report_.finished = rfc3339(std::chrono::system_clock::now());
    return std::move(report_);
  }

 private:
  Result<void> snapshot();
  Result<void> check();
  void tell_checks(api::Checks checks);
  Result<void> copy_one(const DatabasePair& pair);
  Error refuse(const api::Finding& finding);
  Result<void> attempt(const DatabasePair& pair);
  Result<void> copy(Link& link, const DatabasePair& pair, const std::optional<FormerStream>& former);
  Result<Contents> read(Link& link, const DatabasePair& pair, const std::optional<FormerStream>& former);
  Result<Contents> read_with_stream(Link& link, const DatabasePair& pair, const std::optional<FormerStream>& former);
  void watch(const DatabasePair& pair);
  bool may_find_slots() const;
  void watch_leftovers();
  void watch_eldest(const DatabasePair& pair);
  void unwatch(const DatabasePair& pair);
  Result<void> drain_stream(Link& link, const DatabasePair& pair, const SnapshotInfo& snapshot, const Until& until);
  Result<void> let_go(Link& link, const DatabasePair& pair, const StreamObjects& stream);
  void forsake(const DatabasePair& pair, const Error& error);
  Result<void> copy_roles(Link& link);
  Result<bool> is_complete(const DatabasePair& pair, const Until& until);
  Result<Claim> claim(Link& link, const SourceIdentity& identity, const Until& until);
  Result<TableRecords> fill(Link& link, const DatabasePair& pair, Contents& contents, const TableRecords& kept);
  Result<void> copy_rows(Link& link, Contents& contents, const DatabasePair& pair, const TableRecords& kept,
                         int streams);
  void already_complete(const DatabasePair& pair, const Claim& claim);
  void conclude(const DatabasePair& pair, model::Lsn position, const TableRecords& records,
                api::Consistency consistency);
  void blame(const Error& error);
  void add(std::vector<api::Finding> findings);
  void succeed();

  // Calls `body` until it succeeds, fails for good or moves nothing for too long; shows the error meanwhile.
  template <class Body>
  auto retried(api::Phase phase, const std::string& what, Body&& body) -> decltype(body());

  const api::Spec& spec_;
  Servers& servers_;
  ProgressBoard& board_;
  const Until& until_;
  const Backoff::Limits& pauses_;
  const Milliseconds look_every_;
  std::map<std::string, std::unique_ptr<SlotWatch>> watches_;  // by the source's database; of slots that may be there
  std::string eldest_;                                         // of the databases that are complete and keep theirs
  api::Report report_;
  std::size_t settled_ = 0;  // of the findings: what another attempt does not find again
  // Of the database at hand:
  std::int64_t asked_ = 0;        // the epoch that was last asked to be complete
  bool may_be_complete_ = false;  // it was to be committed, and no claim has told since
  std::optional<SnapshotInfo> latest_;
  bool is_recorded_ = false;  // the ledger knows the stream of the latest snapshot
  bool roles_copied_ = false;
};

template <class Body>
auto Session::retried(api::Phase phase, const std::string& what, Body&& body) -> decltype(body()) {
  Backoff backoff{pauses_};
  std::optional<Error> last;
  int broken = 0;
  std::uint64_t farthest = finished_tables(board_);
  board_.enter(phase, what);
  while (true) {
    const SteadyTime moved = board_.last_movement();
    auto result = body();
    if (result) return result;
    // What was stopped tells less than what it tried to overcome.
    if (result.error().fault == Fault::cancelled && last) return *last;
    if (result.error().fault != Fault::transient) return result;
    if (board_.last_movement() != moved) {
      backoff.reset();
      const std::uint64_t finished = finished_tables(board_);
      if (finished > farthest) broken = 0;
      farthest = std::max(farthest, finished);
      if (++broken == most_broken_attempts) return Error{Fault::failed, result.error().what, result.error().hint};
    }
    if (!is_patient(spec_, SteadyClock::now() - board_.last_movement())) return result;
    last = result.error();
    const Milliseconds pause = backoff.next();
    log::warn("retrying", {{"step", what}, {"error", describe(*last)}, {"after_ms", pause.count()}});
    board_.show(api::Phase::waiting, describe(*last));
    if (!rest(pause, until_)) return result;
  }
}

void Session::add(std::vector<api::Finding> findings) {
  for (api::Finding& finding : findings) {
    if (finding.severity != api::Severity::ok) report_.findings.push_back(std::move(finding));
  }
}

void Session::blame(const Error& error) {
  report_.exit_code = api::exit_code_of(error.fault);
  if (report_.reason.empty()) report_.reason = reason_of(error.fault, "SnapshotFailed");
  report_.message = error.what;
  report_.hint = error.hint;
}

Result<void> Session::check() {
  std::vector<api::Finding> findings;
  const auto look = [&]() -> Result<void> {
    findings.clear();
    findings = TRY(servers_.preflight(until_));
    if (const api::Finding* error = first_error(findings)) return refusal(*error);
    return {};
  };
  const Result<void> verdict = retried(api::Phase::validating, "checking both ends", [&] {
    const Result<void> fit = look();
    if (!fit && fit.error().fault == Fault::transient) watch_leftovers();
    return fit;
  });
  add(findings);
  if (const api::Finding* error = first_error(findings)) report_.reason = error->code;
  return verdict;
}

void Session::watch(const DatabasePair& pair) {
  if (watches_.count(pair.source) != 0) return;
  std::unique_ptr<DrainEnds> ends = servers_.drain(pair);
  if (!ends) return;
  watches_[pair.source] = std::make_unique<SlotWatch>(std::move(ends), board_.stream_of(pair.source), look_every_);
}

// Of engines before this one.
bool Session::may_find_slots() const {
  return is_declared(spec_) && (spec_.mode == api::Mode::snapshot_and_sync || spec_.snapshot.keep_slot);
}

// An attempt that waits for a server holds what the attempts before it have made.
void Session::watch_leftovers() {
  if (!may_find_slots() || !watches_.empty()) return;
  const Result<std::vector<DatabasePair>> pairs = servers_.databases(until_);
  if (!pairs) return;
  for (const DatabasePair& pair : *pairs) watch(pair);
}

// The slots of one source keep the same log, and the eldest the most of it: however many databases there are, the
// others cost no session.
void Session::watch_eldest(const DatabasePair& pair) {
  if (spec_.mode != api::Mode::snapshot_and_sync) return;
  if (eldest_.empty()) eldest_ = pair.source;
  if (eldest_ == pair.source) return watch(pair);
  if (watches_.erase(pair.source) != 0) board_.stream_of(pair.source).troubled("");
}

void Session::unwatch(const DatabasePair& pair) {
  if (watches_.erase(pair.source) != 0) board_.stream_of(pair.source).released();
}

void Session::tell_checks(api::Checks checks) {
  report_.checks = checks;
  board_.tell_checks(checks);
}

Result<void> Session::snapshot() {
  TRY(check());
  tell_checks(api::Checks::passed);
  const std::vector<DatabasePair> pairs =
      TRY(retried(api::Phase::preparing, "listing databases", [&] { return servers_.databases(until_); }));
  for (const DatabasePair& pair : pairs) {
    const Result<void> copied = copy_one(pair);
    if (!copied) return within("database " + pair.source, copied.error());
  }
  succeed();
  return {};
}

Result<void> Session::copy_one(const DatabasePair& pair) {
  // The ledger makes every attempt begin where nothing is lost: an attempt that failed half-way is taken back first.
  settled_ = report_.findings.size();
  asked_ = 0;
  may_be_complete_ = false;
  latest_.reset();
  is_recorded_ = false;
  const Result<void> copied = retried(api::Phase::preparing, "preparing database " + pair.source, [&] {
    Result<void> tried = attempt(pair);
    if (!tried && tried.error().fault == Fault::transient && may_find_slots()) watch(pair);
    return tried;
  });
  if (!copied) forsake(pair, copied.error());
  return copied;
}

// What nobody will go on with must not keep the source's log. Under a lost claim it may be another engine's by now.
void Session::forsake(const DatabasePair& pair, const Error& error) {
  if (!latest_ || !latest_->stream || error.fault == Fault::fenced) return;
  const StreamStart& stream = *latest_->stream;
  if (is_recorded_ && is_tried_again(spec_, error.fault)) {
    log::info("slot kept for another attempt", {{"slot", stream.slot}, {"database", pair.source}});
    return;
  }
  const Until until{Deadline::after(last_words), {}};
  const auto drop = [&]() -> Result<void> {
    if (may_be_complete_ && TRY(is_complete(pair, until))) return {};
    TRY(servers_.drop_stream(pair, stream, latest_->position, until));
    unwatch(pair);
    return {};
  };
  const Result<void> dropped = drop();
  if (!dropped)
    log::warn("the slot of a failed copy could not be dropped",
              {{"slot", stream.slot}, {"error", describe(dropped.error())}});
}

// Whether the commit of the last attempt arrived, of which no answer did; or that of another engine.
Result<bool> Session::is_complete(const DatabasePair& pair, const Until& until) {
  const std::unique_ptr<Link> link = TRY(servers_.link(pair, until));
  const SourceIdentity identity = TRY(link->source().identity(until));
  const Claim told = TRY(claim(*link, identity, until));
  return told.standing == Standing::complete || told.standing == Standing::refused;
}

// A snapshot alone needs no stream once it is complete. While the claim stands, nobody else can have made the slot.
Result<void> Session::let_go(Link& link, const DatabasePair& pair, const StreamObjects& stream) {
  if (spec_.mode == api::Mode::snapshot_and_sync) return {};
  TRY(link.target().check_claim(until_));
  TRY(servers_.drop_stream(pair, stream, {}, until_));
  unwatch(pair);
  return {};
}

Result<void> Session::attempt(const DatabasePair& pair) {
  const std::unique_ptr<Link> link = TRY(servers_.link(pair, until_));
  const SourceIdentity identity = TRY(link->source().identity(until_));
  const Claim mine = TRY(claim(*link, identity, until_));
  if (mine.standing == Standing::complete && mine.epoch == asked_) {
    // The attempt before this one was the last: only what came after its last commit was lost.
    if (mine.stream) TRY(let_go(*link, pair, *mine.stream));
    conclude(pair, mine.position, mine.tables, mine.consistency);
    return {};
  }
  may_be_complete_ = false;
  report_.findings.resize(settled_);
  if (mine.standing == Standing::complete) {
    if (mine.stream) TRY(let_go(*link, pair, *mine.stream));
    already_complete(pair, mine);
    return {};
  }
  if (mine.standing == Standing::refused) return refuse(mine.refusal);
  const Pulse pulse(link->source(), link->target(), board_, pulse_period(spec_.snapshot.stall_timeout));
  TRY(copy_roles(*link));
  board_.show(api::Phase::preparing, "preparing database " + pair.source);
  return copy(*link, pair, mine.stream);
}

// By what the checks could not foresee.
Error Session::refuse(const api::Finding& finding) {
  add({finding});
  report_.reason = finding.code;
  return refusal(finding);
}

Result<Contents> Session::read(Link& link, const DatabasePair& pair, const std::optional<FormerStream>& former) {
  TRY(link.target().check_claim(until_));
  Contents contents;
  contents.snapshot = TRY(link.source().open_snapshot(former, until_));
  latest_ = contents.snapshot;
  unwatch(pair);
  if (contents.snapshot.stream) watch(pair);
  is_recorded_ = is_resumed(contents.snapshot);
  contents.tables = TRY(link.source().tables(until_));
  contents.schema = TRY(link.source().schema(until_));
  return contents;
}

// Whether the tables of an earlier attempt can be kept is known for certain only once the schema was read.
Result<Contents> Session::read_with_stream(Link& link, const DatabasePair& pair,
                                           const std::optional<FormerStream>& former) {
  Contents contents = TRY(read(link, pair, former));
  if (!is_resumed(contents.snapshot) || link.target().may_keep(contents)) return contents;
  link.source().close_snapshot();
  return read(link, pair, {});
}

Result<void> Session::copy(Link& link, const DatabasePair& pair, const std::optional<FormerStream>& former) {
  const bool goes_on = servers_.drain(pair) != nullptr;
  Contents contents = TRY(read_with_stream(link, pair, goes_on ? former : std::nullopt));
  const SnapshotInfo& snapshot = contents.snapshot;
  const Prepared prepared = TRY(link.target().prepare(contents, until_));
  if (prepared.refusal) return refuse(*prepared.refusal);
  const TableRecords& kept = prepared.kept;
  is_recorded_ = true;
  const TableRecords records = TRY(fill(link, pair, contents, kept));
  if (snapshot.stream) TRY(let_go(link, pair, *snapshot.stream));
  const bool at_one_position = kept.empty() || is_resumed(snapshot);
  conclude(pair, snapshot.position, records,
           at_one_position ? api::Consistency::snapshot : api::Consistency::per_table);
  return {};
}

// Once for all databases, since roles belong to the server.
Result<void> Session::copy_roles(Link& link) {
  if (!spec_.snapshot.roles || roles_copied_) return {};
  board_.show(api::Phase::preparing, "copying roles");
  add(TRY(link.copy_roles(until_)));
  roles_copied_ = true;
  settled_ = report_.findings.size();
  return {};
}

// The session of an engine that was killed lives until its server notices.
Result<Claim> Session::claim(Link& link, const SourceIdentity& identity, const Until& until) {
  Claim claim;
  const auto ask = [&]() -> Result<std::string> {
    claim = TRY(link.target().claim(identity, asked_, until));
    if (claim.standing != Standing::held) return std::string();
    board_.show(api::Phase::waiting, claim.holder);
    return claim.holder;
  };
  const std::string holder = TRY(wait_for_lock(ask, lock_patience(spec_), look_again, until));
  if (!holder.empty()) return kept_out_by(holder);
  return claim;
}

Result<TableRecords> Session::fill(Link& link, const DatabasePair& pair, Contents& contents, const TableRecords& kept) {
  Source& source = link.source();
  Target& target = link.target();
  add(TRY(target.run_in_order(contents.schema, Stage::before_data, until_)));
  TRY(link.agree_on_formats(contents.tables, until_));
  const int streams = TRY(servers_.parallelism(until_));
  TRY(copy_rows(link, contents, pair, kept, streams));
  board_.enter(api::Phase::finishing, "setting sequences of " + pair.source);
  const std::vector<SequenceValue> sequences = TRY(source.sequences(until_));
  TRY(target.set_sequences(sequences, until_));
  board_.say("triggers, rules and views of " + pair.source);
  add(TRY(target.run_in_order(contents.schema, Stage::after_data, until_)));
  add(source.findings());
  const auto describe = [&]() -> Result<void> {
    add(TRY(link.describe_database(until_)));
    asked_ = target.epoch();
    may_be_complete_ = true;
    return {};
  };
  return target.complete(contents.tables, describe, until_);
}

// Brings the tables of earlier attempts to where the others are.
Result<void> Session::drain_stream(Link& link, const DatabasePair& pair, const SnapshotInfo& snapshot,
                                   const Until& until) {
  board_.say("following the source up to " + to_string(snapshot.position));
  const std::unique_ptr<DrainEnds> ends = servers_.drain(pair);
  return drain(*ends, link.target().epoch(), snapshot.position, board_, board_.stream_of(pair.source), until);
}

Result<void> Session::copy_rows(Link& link, Contents& contents, const DatabasePair& pair, const TableRecords& kept,
                                int streams) {
  std::vector<ProgressBoard::TableSize> sizes;
  std::vector<bool> keep;
  for (const model::Table& table : contents.tables) {
    sizes.push_back({model::display(table.name), table.bytes});
    const auto record = kept.find(table.name);
    keep.push_back(record != kept.end() && record->second.done);
  }
  CopyRequest request{contents, keep, board_.begin_database(pair.source, sizes), streams, {}, {}};
  request.limits.streams = streams;
  request.limits.splits_tables = link.source().splits_tables();
  request.beside = [&](const Until& until) -> Result<void> {
    if (spec_.snapshot.large_objects) add(TRY(link.copy_objects([&] { board_.moved(); }, until)));
    return {};
  };
  if (is_resumed(contents.snapshot))
    request.before_keys = [&](const Until& until) { return drain_stream(link, pair, contents.snapshot, until); };
  for (std::size_t table = 0; table < keep.size(); ++table) {
    if (!keep[table]) continue;
    const PartCount& count = kept.at(contents.tables[table].name).count;
    board_.add(*request.meters[table], count.rows, count.bytes);
    board_.done(*request.meters[table]);
  }
  add(TRY(copy_database(link.source(), link.target(), request, board_, until_)));
  return {};
}

void Session::already_complete(const DatabasePair& pair, const Claim& claim) {
  const std::string subject = "database " + pair.source;
  const bool said = std::any_of(report_.findings.begin(), report_.findings.end(), [&](const api::Finding& finding) {
    return finding.code == "AlreadyComplete" && finding.subject == subject;
  });
  if (!said)
    add({{api::Severity::warning, "AlreadyComplete", subject,
          "this snapshot was completed at " + claim.completed + " and is not repeated",
          "give snapshot.requestID another value to copy again"}});
  conclude(pair, claim.position, claim.tables, claim.consistency);
}

void Session::conclude(const DatabasePair& pair, model::Lsn position, const TableRecords& records,
                       api::Consistency consistency) {
  const PartCount sum = sum_of(records);
  report_.databases.push_back(
      {pair.source, pair.target, records.size(), sum.rows, sum.bytes, position.value == 0 ? "" : to_string(position)});
  if (consistency == api::Consistency::per_table) report_.consistency = consistency;
  log::info("database complete", {{"database", pair.source}, {"tables", records.size()}, {"rows", sum.rows}});
  watch_eldest(pair);
}

void Session::succeed() {
  const api::Totals totals = totals_of(report_);
  report_.reason = "SnapshotComplete";
  report_.message = "copied " + counted(totals.rows, "row") + " in " + counted(totals.tables, "table") + " of " +
                    counted(totals.databases, "database");
}

}  // namespace

api::Report run_snapshot(const api::Spec& spec, Servers& servers, ProgressBoard& board, const Until& until,
                         const Backoff::Limits& pauses, Milliseconds look_every) {
  return Session(spec, servers, board, until, pauses, look_every).run();
}

}  // namespace tributary::pipeline

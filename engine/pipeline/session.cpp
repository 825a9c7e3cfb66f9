#include "engine/pipeline/session.h"

#include <algorithm>
#include <utility>

#include "engine/base/counted.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/copy.h"
#include "engine/pipeline/pulse.h"
#include "engine/pipeline/refusal.h"

namespace tributary::pipeline {
namespace {

// How long a fault that may pass is retried before the engine gives up and leaves it to whoever started it.
constexpr Seconds patience{120};

// False when the wait was ended.
bool rest(Milliseconds span, const Until& until) {
  return pause_for(std::min(span, until.deadline.left()), until.stop) && !until.deadline.passed();
}

const char* reason_of(Fault fault) {
  switch (fault) {
    case Fault::transient:
      return "Unavailable";
    case Fault::conflict:
      return "Conflict";
    case Fault::missing:
      return "NotFound";
    case Fault::denied:
      return "AccessDenied";
    case Fault::invalid:
      return "BadConfiguration";
    case Fault::differs:
      return "Differs";
    case Fault::lost:
      return "SnapshotLost";
    case Fault::fenced:
      return "Fenced";
    case Fault::cancelled:
      return "Stopped";
    case Fault::failed:
      return "SnapshotFailed";
  }
  std::abort();
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
          const Backoff::Limits& pauses)
      : spec_(spec), servers_(servers), board_(board), until_(until), pauses_(pauses) {
    report_.verb = "init";
    report_.replication = spec.replication;
    report_.started = rfc3339(std::chrono::system_clock::now());
  }

  api::Report run() {
    const Result<void> result = snapshot();
    if (!result) blame(result.error());
    board_.enter(result ? api::Phase::done : api::Phase::failed, report_.message);
    report_.finished = rfc3339(std::chrono::system_clock::now());
    return std::move(report_);
  }

 private:
  Result<void> snapshot();
  Result<void> check();
  Result<void> copy_one(const DatabasePair& pair);
  Result<void> attempt(const DatabasePair& pair);
  Result<void> copy_roles(Link& link);
  Result<void> fill(Link& link, const DatabasePair& pair, Contents& contents, const TableRecords& kept);
  Result<void> copy_rows(Link& link, Contents& contents, const DatabasePair& pair, const TableRecords& kept,
                         int streams);
  void already_complete(const DatabasePair& pair, const Claim& claim);
  void conclude(const DatabasePair& pair, const std::string& position, const TableRecords& records);
  void blame(const Error& error);
  void add(std::vector<api::Finding> findings);
  void succeed();

  // Calls `body` until it succeeds, fails for good or `patience` is used up; shows the error meanwhile.
  template <class Body>
  auto retried(api::Phase phase, const std::string& what, Body&& body) -> decltype(body());

  const api::Spec& spec_;
  Servers& servers_;
  ProgressBoard& board_;
  const Until& until_;
  const Backoff::Limits& pauses_;
  api::Report report_;
  std::size_t settled_ = 0;  // of the findings: what another attempt does not find again
  bool roles_copied_ = false;
};

template <class Body>
auto Session::retried(api::Phase phase, const std::string& what, Body&& body) -> decltype(body()) {
  Backoff backoff{pauses_};
  const Deadline enough = Deadline::after(patience);
  while (true) {
    board_.enter(phase, what);
    auto result = body();
    if (result || result.error().fault != Fault::transient || enough.passed()) return result;
    const Milliseconds pause = backoff.next();
    log::warn("retrying", {{"step", what}, {"error", describe(result.error())}, {"after_ms", pause.count()}});
    board_.enter(api::Phase::waiting, describe(result.error()));
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
  if (report_.reason.empty()) report_.reason = reason_of(error.fault);
  report_.message = error.what;
  report_.hint = error.hint;
}

Result<void> Session::check() {
  std::vector<api::Finding> findings;
  const Result<void> verdict = retried(api::Phase::validating, "checking both ends", [&]() -> Result<void> {
    findings.clear();
    findings = TRY(servers_.preflight(until_));
    if (const api::Finding* error = first_error(findings)) return refusal(*error);
    return {};
  });
  add(findings);
  if (const api::Finding* error = first_error(findings)) report_.reason = error->code;
  return verdict;
}

Result<void> Session::snapshot() {
  TRY(check());
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
  return retried(api::Phase::preparing, "preparing database " + pair.source, [&] {
    report_.findings.resize(settled_);
    return attempt(pair);
  });
}

Result<void> Session::attempt(const DatabasePair& pair) {
  const std::unique_ptr<Link> link = TRY(servers_.link(pair, until_));
  const SourceIdentity identity = TRY(link->source().identity(until_));
  const Claim claim = TRY(link->target().claim(identity, until_));
  if (claim.standing == Standing::complete) {
    already_complete(pair, claim);
    return {};
  }
  TRY(copy_roles(*link));
  Contents contents;
  contents.snapshot = TRY(link->source().open_snapshot(until_));
  contents.tables = TRY(link->source().tables(until_));
  contents.schema = TRY(link->source().schema(until_));
  const TableRecords kept = TRY(link->target().prepare(contents, until_));
  return fill(*link, pair, contents, kept);
}

// Once for all databases, since roles belong to the server.
Result<void> Session::copy_roles(Link& link) {
  if (!spec_.snapshot.roles || roles_copied_) return {};
  board_.say("copying roles");
  add(TRY(link.copy_roles(until_)));
  roles_copied_ = true;
  settled_ = report_.findings.size();
  return {};
}

Result<void> Session::fill(Link& link, const DatabasePair& pair, Contents& contents, const TableRecords& kept) {
  Source& source = link.source();
  Target& target = link.target();
  const Pulse pulse(target, board_, pulse_period(spec_.snapshot.stall_timeout));
  add(TRY(target.run_in_order(contents.schema, Stage::before_data, until_)));
  TRY(link.agree_on_formats(contents.tables, until_));
  const int streams = TRY(servers_.parallelism(until_));
  TRY(copy_rows(link, contents, pair, kept, streams));
  board_.enter(api::Phase::finishing, "setting sequences of " + pair.source);
  const std::vector<SequenceValue> sequences = TRY(source.sequences(until_));
  TRY(target.set_sequences(sequences, until_));
  board_.say("triggers, rules and views of " + pair.source);
  add(TRY(target.run_in_order(contents.schema, Stage::after_data, until_)));
  board_.say("gathering statistics of " + pair.source);
  TRY(target.analyze(contents.tables, streams, until_));
  add(TRY(link.describe_database(until_)));
  const TableRecords records = TRY(target.complete(contents.tables, until_));
  add(source.findings());
  if (!kept.empty()) report_.consistency = api::Consistency::per_table;
  conclude(pair, contents.snapshot.position.value == 0 ? "" : to_string(contents.snapshot.position), records);
  return {};
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
    if (spec_.snapshot.large_objects) TRY(link.copy_objects(until));
    return {};
  };
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
  if (claim.consistency == api::Consistency::per_table) report_.consistency = claim.consistency;
  conclude(pair, claim.position.value == 0 ? "" : to_string(claim.position), claim.tables);
}

void Session::conclude(const DatabasePair& pair, const std::string& position, const TableRecords& records) {
  const PartCount sum = sum_of(records);
  report_.databases.push_back({pair.source, pair.target, records.size(), sum.rows, sum.bytes, position});
  log::info("database complete", {{"database", pair.source}, {"tables", records.size()}, {"rows", sum.rows}});
}

void Session::succeed() {
  std::uint64_t tables = 0;
  std::uint64_t rows = 0;
  for (const api::DatabaseReport& database : report_.databases) {
    tables += database.tables;
    rows += database.rows;
  }
  report_.reason = "SnapshotComplete";
  report_.message = "copied " + counted(rows, "row") + " in " + counted(tables, "table") + " of " +
                    counted(report_.databases.size(), "database");
}

}  // namespace

api::Report run_snapshot(const api::Spec& spec, Servers& servers, ProgressBoard& board, const Until& until,
                         const Backoff::Limits& pauses) {
  return Session(spec, servers, board, until, pauses).run();
}

}  // namespace tributary::pipeline

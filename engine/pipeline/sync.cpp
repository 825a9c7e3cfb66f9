#include "engine/pipeline/sync.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/counted.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/patience.h"
#include "engine/pipeline/reason.h"
#include "engine/pipeline/selection.h"

namespace tributary::pipeline {
namespace {

constexpr Milliseconds ask_every{1'000};

// The databases' threads, and the first failure among them.
class Followers {
 public:
  Followers(SyncServers& servers, Manner manner, ProgressBoard& board, const Until& until,
            const Backoff::Limits& pauses)
      : servers_(servers), manner_(manner), board_(board), until_(until), pauses_(pauses) {}

  Result<void> run(const std::vector<DatabasePair>& pairs) {
    const std::stop_callback pass_on(until_.stop, [this] { stop_.request_stop(); });
    {
      std::vector<std::jthread> threads;
      for (const DatabasePair& pair : pairs) board_.stream_of(pair.source);  // all, before one says anything
      for (const DatabasePair& pair : pairs)
        threads.emplace_back([this, &pair, ends = servers_.ends(pair)] { follow_one(pair, *ends); });
    }
    if (failure_) return *failure_;
    return {};
  }

 private:
  void follow_one(const DatabasePair& pair, StreamEnds& ends) {
    StreamMeter& meter = board_.stream_of(pair.source);
    const Until until{until_.deadline, stop_.get_token()};
    const Result<void> ended = contain([&] {
      return manner_ == Manner::hold ? hold(ends, meter, until, pauses_) : follow(ends, meter, until, {}, pauses_);
    });
    if (ended) return;
    {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = within("database " + pair.source, ended.error());
    }
    stop_.request_stop();
  }

  SyncServers& servers_;
  const Manner manner_;
  ProgressBoard& board_;
  const Until& until_;
  const Backoff::Limits pauses_;
  std::stop_source stop_;
  std::mutex mutex_;  // guards failure_
  std::optional<Error> failure_;
};

// Again and again while the fault may pass; what it waits for is on the board.
template <class Body>
auto patiently(Body&& body, ProgressBoard& board, const Until& until, const Backoff::Limits& pauses)
    -> decltype(body()) {
  Backoff backoff{pauses};
  while (true) {
    auto result = body();
    if (result || result.error().fault != Fault::transient) return result;
    log::warn("retrying", {{"error", describe(result.error())}});
    board.show(api::Phase::waiting, describe(result.error()));
    const bool go_on = pause_for(std::min(backoff.next(), until.deadline.left()), until.stop);
    if (!go_on || until.deadline.passed()) return result;
  }
}

Result<void> sync_all(SyncServers& servers, Manner manner, ProgressBoard& board, const Until& until,
                      const Backoff::Limits& pauses) {
  board.enter(api::Phase::preparing, "listing databases");
  const std::vector<DatabasePair> pairs =
      TRY(patiently([&] { return servers.databases(until); }, board, until, pauses));
  board.enter(api::Phase::following,
              (manner == Manner::hold ? "holding " : "following ") + counted(pairs.size(), "database"));
  return Followers(servers, manner, board, until, pauses).run(pairs);
}

Result<void> release_all(SyncServers& servers, Keep keep, std::vector<api::Finding>& findings, ProgressBoard& board,
                         const Until& until, const Backoff::Limits& pauses) {
  board.enter(api::Phase::preparing, "listing databases");
  std::vector<DatabasePair> left = TRY(patiently([&] { return servers.databases(until); }, board, until, pauses));
  Result<void> first;
  // What one waits for keeps none of the others.
  const auto release_left = [&]() -> Result<void> {
    Result<void> waiting;
    std::erase_if(left, [&](const DatabasePair& pair) {
      board.enter(api::Phase::finishing, "releasing database " + pair.source);
      const Result<std::vector<api::Finding>> released = servers.release(pair, keep, until);
      if (released) {
        findings.insert(findings.end(), released->begin(), released->end());
        return true;
      }
      const Error error = within("database " + pair.source, released.error());
      const bool passes = error.fault == Fault::transient;
      Result<void>& told = passes ? waiting : first;
      if (told) told = error;
      return !passes;
    });
    return waiting;
  };
  const Result<void> waited = patiently(release_left, board, until, pauses);
  return first ? waited : first;
}

std::string words_of_release(Keep keep, std::size_t left) {
  const std::string words = "the source keeps nothing for this replication any more";
  if (keep != Keep::nothing) return words;
  return words + (left == 0 ? ", and the target nothing of what it copied"
                            : ", and what it copied is gone from the target but for " + counted(left, "object"));
}

struct Asked {
  DatabasePair databases;
  std::vector<AskedTable> tables;
};

struct Standing {
  std::uint64_t asked = 0;
  std::uint64_t waiting = 0;
  std::uint64_t stopped = 0;
  bool is_followed = true;      // all that wait are of databases that an engine follows
  std::string first_stopped{};  // and why
  std::string wait{};           // of one of those that wait
};

Result<Standing> look_at(SyncServers& servers, const std::vector<Asked>& asked, const Until& until) {
  Standing sum;
  for (const Asked& each : asked) {
    const RecopyStanding standing = TRY(servers.look_at_recopy(each.databases, each.tables, until));
    const std::string& database = each.databases.source;
    if (!standing.problem.empty() && standing.request.waiting > 0)
      return Error{Fault::lost, "database " + database + ": " + standing.problem, standing.hint};
    sum.asked += each.tables.size();
    sum.waiting += standing.request.waiting;
    sum.stopped += standing.request.stopped;
    if (standing.request.waiting > 0) sum.is_followed = sum.is_followed && standing.is_followed;
    if (standing.request.waiting > 0 && sum.wait.empty()) sum.wait = standing.wait;
    if (sum.first_stopped.empty() && !standing.request.reasons.empty())
      sum.first_stopped = database + "." + standing.request.reasons.front();
  }
  return sum;
}

// Before anything is asked: the databases look at the entries of their own names only.
Result<void> require_databases(const std::vector<std::string>& entries, const std::vector<DatabasePair>& databases) {
  for (const std::string& entry : entries) {
    const NamePattern pattern = TRY(NamePattern::parse(entry, NamePattern::Kind::table));
    if (std::none_of(databases.begin(), databases.end(),
                     [&](const DatabasePair& pair) { return pattern.matches_database(pair.source); }))
      return Error{Fault::invalid, "'" + entry + "' is in no selected database", "name tables like db.schema.table"};
  }
  return {};
}

Result<std::vector<Asked>> ask(SyncServers& servers, const std::vector<std::string>& entries, const Until& until) {
  std::vector<Asked> asked;
  const std::vector<DatabasePair> databases = TRY(servers.databases(until));
  TRY(require_databases(entries, databases));
  for (const DatabasePair& pair : databases) {
    std::vector<AskedTable> tables = TRY(servers.ask_for_recopy(pair, entries, until));
    if (!tables.empty()) asked.push_back({pair, std::move(tables)});
  }
  if (asked.empty())
    return Error{Fault::invalid, "none of these tables is in a selected database", "name tables like db.schema.table"};
  return asked;
}

// What is said at the end, where it is no Error.
Result<std::string> recopy_all(SyncServers& servers, const std::vector<std::string>& entries, ProgressBoard& board,
                               const Until& until, Seconds patience, const Backoff::Limits& pauses) {
  board.enter(api::Phase::preparing, "asking for tables to be copied again");
  const std::vector<Asked> asked = TRY(patiently([&] { return ask(servers, entries, until); }, board, until, pauses));
  Deadline enough = Deadline::after(patience);
  while (true) {
    const Standing standing = TRY(patiently([&] { return look_at(servers, asked, until); }, board, until, pauses));
    const std::string all = counted(standing.asked, "table");
    if (standing.waiting == 0 && standing.stopped == 0) return all + " copied again";
    if (standing.waiting == 0)
      return Error{Fault::failed,
                   "could not be copied again: " + standing.first_stopped +
                       (standing.stopped > 1 ? "; and " + std::to_string(standing.stopped - 1) + " more" : ""),
                   "tributary status lists those that stopped"};
    if (standing.is_followed) enough = Deadline::after(patience);
    if (!standing.is_followed && enough.passed())
      return "no engine follows now; the next sync copies " + all + " again";
    board.enter(api::Phase::copying, std::to_string(standing.asked - standing.waiting) + " of " + all +
                                         " copied again" +
                                         (standing.wait.empty() ? "" : "; waiting: " + standing.wait));
    if (!pause_for(ask_every, until.stop))
      return Error{Fault::cancelled, "stopped; the engine goes on with what it was asked for"};
  }
}

api::Report begin_report(const char* verb, const api::Spec& spec) {
  api::Report report;
  report.verb = verb;
  report.replication = spec.replication;
  report.started = rfc3339(std::chrono::system_clock::now());
  return report;
}

void blame(api::Report& report, const Error& error, const char* reason) {
  report.exit_code = api::exit_code_of(error.fault);
  report.reason = reason_of(error.fault, reason);
  report.message = error.what;
  report.hint = error.hint;
}

api::Report end_report(api::Report report, ProgressBoard& board) {
  board.enter(report.exit_code == api::ExitCode::done ? api::Phase::done : api::Phase::failed, report.message);
  report.finished = rfc3339(std::chrono::system_clock::now());
  return report;
}

}  // namespace

api::Report run_sync(const api::Spec& spec, SyncServers& servers, Manner manner, ProgressBoard& board,
                     const Until& until, const Backoff::Limits& pauses) {
  api::Report report = begin_report("sync", spec);
  const Result<void> ended = contain([&] { return sync_all(servers, manner, board, until, pauses); });
  if (ended || until.stop.stop_requested()) {
    report.reason = "Stopped";
    report.message = "stopped; the next sync goes on from here";
  } else {
    blame(report, ended.error(), "SyncFailed");
  }
  return end_report(std::move(report), board);
}

api::Report run_release(const api::Spec& spec, SyncServers& servers, Keep keep, ProgressBoard& board,
                        const Until& until, const Backoff::Limits& pauses) {
  api::Report report = begin_report("release", spec);
  const Until enough = is_declared(spec) ? until : until.within(patience_by_hand);
  const Result<void> ended =
      contain([&] { return release_all(servers, keep, report.findings, board, enough, pauses); });
  if (ended) {
    report.reason = "Released";
    report.message = words_of_release(keep, report.findings.size());
  } else {
    blame(report, ended.error(), "ReleaseFailed");
  }
  return end_report(std::move(report), board);
}

api::Report run_recopy(const api::Spec& spec, const std::vector<std::string>& entries, SyncServers& servers,
                       ProgressBoard& board, const Until& until, Seconds patience, const Backoff::Limits& pauses) {
  api::Report report = begin_report("recopy", spec);
  const Result<std::string> ended =
      contain([&] { return recopy_all(servers, entries, board, until, patience, pauses); });
  if (ended) {
    report.reason = "Recopied";
    report.message = *ended;
  } else {
    blame(report, ended.error(), "RecopyFailed");
  }
  return end_report(std::move(report), board);
}

}  // namespace tributary::pipeline

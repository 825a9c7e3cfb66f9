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

namespace tributary::pipeline {
namespace {

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

Result<void> release_all(SyncServers& servers, Remember remember, ProgressBoard& board, const Until& until,
                         const Backoff::Limits& pauses) {
  board.enter(api::Phase::preparing, "listing databases");
  const std::vector<DatabasePair> pairs =
      TRY(patiently([&] { return servers.databases(until); }, board, until, pauses));
  Result<void> first;
  for (const DatabasePair& pair : pairs) {
    board.enter(api::Phase::finishing, "releasing database " + pair.source);
    const Result<void> released =
        patiently([&] { return servers.release(pair, remember, until); }, board, until, pauses);
    if (!released && first) first = within("database " + pair.source, released.error());
  }
  return first;
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

api::Report run_release(const api::Spec& spec, SyncServers& servers, Remember remember, ProgressBoard& board,
                        const Until& until, const Backoff::Limits& pauses) {
  api::Report report = begin_report("release", spec);
  const Until enough = is_declared(spec) ? until : until.within(patience_by_hand);
  const Result<void> ended = contain([&] { return release_all(servers, remember, board, enough, pauses); });
  if (ended) {
    report.reason = "Released";
    report.message = "the source keeps nothing for this replication any more";
  } else {
    blame(report, ended.error(), "ReleaseFailed");
  }
  return end_report(std::move(report), board);
}

}  // namespace tributary::pipeline

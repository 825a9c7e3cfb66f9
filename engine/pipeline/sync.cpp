#include "engine/pipeline/sync.h"

#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "engine/base/contain.h"
#include "engine/base/counted.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/reason.h"

namespace tributary::pipeline {
namespace {

// The databases' threads, and the first failure among them.
class Followers {
 public:
  Followers(SyncServers& servers, ProgressBoard& board, const Until& until, const Backoff::Limits& pauses)
      : servers_(servers), board_(board), until_(until), pauses_(pauses) {}

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
    const Result<void> ended = contain(
        [&] { return follow(ends, board_.stream_of(pair.source), {until_.deadline, stop_.get_token()}, {}, pauses_); });
    if (ended) return;
    {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = within("database " + pair.source, ended.error());
    }
    stop_.request_stop();
  }

  SyncServers& servers_;
  ProgressBoard& board_;
  const Until& until_;
  const Backoff::Limits pauses_;
  std::stop_source stop_;
  std::mutex mutex_;  // guards failure_
  std::optional<Error> failure_;
};

Result<std::vector<DatabasePair>> list_databases(SyncServers& servers, ProgressBoard& board, const Until& until,
                                                 const Backoff::Limits& pauses) {
  Backoff backoff{pauses};
  while (true) {
    Result<std::vector<DatabasePair>> pairs = servers.databases(until);
    if (pairs || pairs.error().fault != Fault::transient) return pairs;
    board.show(api::Phase::waiting, describe(pairs.error()));
    if (!pause_for(backoff.next(), until.stop)) return Error{Fault::cancelled, "stopped while listing databases"};
  }
}

Result<void> sync_all(SyncServers& servers, ProgressBoard& board, const Until& until, const Backoff::Limits& pauses) {
  board.enter(api::Phase::preparing, "listing databases");
  const std::vector<DatabasePair> pairs = TRY(list_databases(servers, board, until, pauses));
  board.enter(api::Phase::following, "following " + counted(pairs.size(), "database"));
  return Followers(servers, board, until, pauses).run(pairs);
}

}  // namespace

api::Report run_sync(const api::Spec& spec, SyncServers& servers, ProgressBoard& board, const Until& until,
                     const Backoff::Limits& pauses) {
  api::Report report;
  report.verb = "sync";
  report.replication = spec.replication;
  report.started = rfc3339(std::chrono::system_clock::now());
  const Result<void> ended = contain([&] { return sync_all(servers, board, until, pauses); });
  if (ended || until.stop.stop_requested()) {
    report.reason = "Stopped";
    report.message = "stopped with everything that was applied on the target's disk";
  } else {
    report.exit_code = api::exit_code_of(ended.error().fault);
    report.reason = reason_of(ended.error().fault, "SyncFailed");
    report.message = ended.error().what;
    report.hint = ended.error().hint;
  }
  board.enter(ended ? api::Phase::done : api::Phase::failed, report.message);
  report.finished = rfc3339(std::chrono::system_clock::now());
  return report;
}

}  // namespace tributary::pipeline

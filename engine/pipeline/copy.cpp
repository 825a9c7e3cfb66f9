#include "engine/pipeline/copy.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/base/log.h"
#include "engine/pipeline/relay.h"
#include "engine/pipeline/schedule.h"

namespace tributary::pipeline {
namespace {

// One worker's two connections. The reader goes as soon as no rows are left to read.
struct Worker {
  std::unique_ptr<SourceReader> reader;
  std::unique_ptr<TargetWriter> writer;
};

class Copy {
 public:
  Copy(Source& source, const CopyRequest& request, ProgressBoard& board, const Until& until)
      : source_(source),
        request_(request),
        board_(board),
        until_{until.deadline, stop_.get_token()},
        outer_(until.stop, [this] { stop_.request_stop(); }),
        schedule_(request.contents.tables, request.contents.schema,
                  plan_copy(request.contents.tables, request.kept, request.limits), request.kept) {}

  Result<std::vector<api::Finding>> run(Target& target);

 private:
  Result<std::vector<Worker>> connect(Target& target);
  Result<void> work_beside();
  void serve(Worker& worker);
  std::optional<Work> take(Worker& worker);
  Result<std::vector<api::Finding>> perform(const Work& work, Worker& worker);
  void finish(const Work& work, std::vector<api::Finding> findings);
  void fail(const Error& error);
  void fail_locked(const Error& error);
  void tell_phase();

  Source& source_;
  const CopyRequest& request_;
  ProgressBoard& board_;
  std::stop_source stop_;
  const Until until_;
  std::stop_callback<std::function<void()>> outer_;

  std::mutex mutex_;  // guards everything below
  std::condition_variable_any changed_;
  Schedule schedule_;
  std::optional<Error> error_;
  std::vector<api::Finding> findings_;
  int readers_ = 0;  // open
  int idle_ = 0;     // workers that wait
  std::uint64_t generation_ = 0;
  api::Phase phase_ = api::Phase::copying;
};

Result<std::vector<Worker>> Copy::connect(Target& target) {
  std::vector<Worker> workers;
  for (int number = 0; number < request_.streams; ++number) {
    Worker worker;
    if (!schedule_.rows_handed_out()) worker.reader = TRY(source_.reader(until_));
    worker.writer = TRY(target.writer(until_));
    if (worker.reader) ++readers_;
    workers.push_back(std::move(worker));
  }
  return workers;
}

// The first failure is the one to tell: what follows it are workers that were stopped.
void Copy::fail_locked(const Error& error) {
  if (!error_) error_ = error;
  stop_.request_stop();
  changed_.notify_all();
}

void Copy::fail(const Error& error) {
  const std::lock_guard lock(mutex_);
  fail_locked(error);
}

void Copy::tell_phase() {
  if (phase_ == api::Phase::copying && schedule_.rows_done()) {
    phase_ = api::Phase::indexing;
    board_.enter(phase_);
  }
  if (phase_ == api::Phase::indexing && schedule_.steps_done()) {
    phase_ = api::Phase::finishing;
    board_.enter(phase_);
  }
}

std::optional<Work> Copy::take(Worker& worker) {
  std::unique_lock lock(mutex_);
  while (!error_ && !schedule_.finished()) {
    std::optional<Work> work = schedule_.next(idle_);
    if (worker.reader && schedule_.rows_handed_out() && (!work || work->kind != Work::Kind::rows)) {
      worker.reader.reset();
      --readers_;
      changed_.notify_all();
    }
    if (work) return work;
    if (const auto step = schedule_.blocked()) {
      const std::string& object = request_.contents.schema.steps[*step].object;
      fail_locked({Fault::failed, object + " waits for something that never comes"});
      break;
    }
    ++idle_;
    const bool woken = changed_.wait(lock, until_.stop, [&, seen = generation_] { return generation_ != seen; });
    --idle_;
    if (!woken) fail_locked({Fault::cancelled, "stopped during the copy"});
  }
  return std::nullopt;
}

Result<std::vector<api::Finding>> Copy::perform(const Work& work, Worker& worker) {
  const Contents& contents = request_.contents;
  switch (work.kind) {
    case Work::Kind::rows:
      TRY(relay(*worker.reader, *worker.writer, work.batch, contents.tables, request_.meters, board_, until_));
      return std::vector<api::Finding>{};
    case Work::Kind::steps:
    case Work::Kind::add_foreign_keys:
      return worker.writer->run(contents.schema, work.steps, work.effort, until_);
    case Work::Kind::validate:
      return worker.writer->validate(contents.schema, work.steps, until_);
  }
  std::abort();
}

void Copy::finish(const Work& work, std::vector<api::Finding> findings) {
  const std::lock_guard lock(mutex_);
  for (const std::size_t table : schedule_.finish(work)) board_.done(*request_.meters[table]);
  for (api::Finding& finding : findings) findings_.push_back(std::move(finding));
  board_.moved();
  tell_phase();
  ++generation_;
  changed_.notify_all();
}

void Copy::serve(Worker& worker) {
  while (const std::optional<Work> work = take(worker)) {
    Result<std::vector<api::Finding>> findings = perform(*work, worker);
    if (!findings) {
      fail(findings.error());
      break;
    }
    finish(*work, std::move(findings).value());
  }
  const std::lock_guard lock(mutex_);
  if (worker.reader) --readers_;
  worker.reader.reset();
  changed_.notify_all();
}

Result<void> Copy::work_beside() {
  TRY(request_.beside(until_));
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return readers_ == 0; });
  if (!error_) source_.close_snapshot();
  return {};
}

Result<std::vector<api::Finding>> Copy::run(Target& target) {
  board_.enter(phase_);
  tell_phase();
  std::vector<Worker> workers = TRY(connect(target));
  {
    std::vector<std::jthread> threads;
    for (Worker& worker : workers) threads.emplace_back([this, &worker] { serve(worker); });
    const Result<void> beside = work_beside();
    if (!beside) fail(beside.error());
  }
  if (error_) return *error_;
  return std::move(findings_);
}

}  // namespace

Result<std::vector<api::Finding>> copy_database(Source& source, Target& target, const CopyRequest& request,
                                                ProgressBoard& board, const Until& until) {
  return Copy(source, request, board, until).run(target);
}

}  // namespace tributary::pipeline

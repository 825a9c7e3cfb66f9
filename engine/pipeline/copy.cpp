#include "engine/pipeline/copy.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "engine/base/contain.h"
#include "engine/pipeline/relay.h"
#include "engine/pipeline/schedule.h"

namespace tributary::pipeline {
namespace {

struct Worker {
  std::unique_ptr<TargetWriter> writer;
  std::unique_ptr<SourceReader> reader;  // while it copies rows
};

class Copy {
 public:
  Copy(Source& source, const CopyRequest& request, const std::vector<Sample>& samples, ProgressBoard& board,
       const Until& until)
      : source_(source),
        request_(request),
        samples_(samples),
        board_(board),
        until_{until.deadline, stop_.get_token()},
        outer_(until.stop, [this] { stop_.request_stop(); }),
        schedule_(request.contents.tables, request.contents.schema,
                  plan_copy(request.contents.tables, request.kept, request.limits), request.kept, samples) {
    if (request.before_keys) schedule_.hold_keys();
  }

  Result<std::vector<api::Finding>> run(Target& target);

 private:
  Result<std::vector<Worker>> connect(Target& target);
  Result<void> work_beside();
  Result<void> work_before_keys();
  Result<void> serve(Worker& worker);
  std::optional<Work> take(Worker& worker);
  Result<std::vector<api::Finding>> perform(const Work& work, Worker& worker);
  std::vector<Sample> samples_of(const Work& work) const;
  void finish(const Work& work, Worker& worker, std::vector<api::Finding> findings);
  void put_back(std::unique_ptr<SourceReader> reader);
  void close_readers();
  void fail(Error error);
  void fail_locked(Error error);
  void tell_phase();

  Source& source_;
  const CopyRequest& request_;
  const std::vector<Sample>& samples_;
  ProgressBoard& board_;
  std::stop_source stop_;
  const Until until_;
  std::stop_callback<std::function<void()>> outer_;

  std::mutex mutex_;  // guards everything below
  std::condition_variable_any changed_;
  Schedule schedule_;
  std::optional<Error> error_;
  std::vector<api::Finding> findings_;
  // Readers belong to no worker while no rows pass through them: an index build must not keep the source's view open.
  std::vector<std::unique_ptr<SourceReader>> readers_;
  std::size_t open_readers_ = 0;  // these and those of workers
  int idle_ = 0;                  // workers that wait
  std::uint64_t generation_ = 0;
  api::Phase phase_ = api::Phase::copying;
};

Result<std::vector<Worker>> Copy::connect(Target& target) {
  std::vector<Worker> workers;
  for (int number = 0; number < request_.streams; ++number) {
    if (!schedule_.rows_handed_out()) readers_.push_back(TRY(source_.reader(until_)));
    workers.push_back({TRY(target.writer(until_)), nullptr});
  }
  open_readers_ = readers_.size();
  return workers;
}

void Copy::put_back(std::unique_ptr<SourceReader> reader) {
  readers_.push_back(std::move(reader));
  close_readers();
}

// The source may vacuum again once the last row was read.
void Copy::close_readers() {
  if (!schedule_.rows_handed_out() || readers_.empty()) return;
  open_readers_ -= readers_.size();
  readers_.clear();
  changed_.notify_all();
}

// The first failure is the one to tell: what follows it are workers that were stopped.
void Copy::fail_locked(Error error) {
  if (!error_) error_ = std::move(error);
  stop_.request_stop();
  changed_.notify_all();
}

void Copy::fail(Error error) {
  const std::lock_guard lock(mutex_);
  fail_locked(std::move(error));
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
    if (work && work->kind == Work::Kind::rows) {
      worker.reader = std::move(readers_.back());
      readers_.pop_back();
    }
    close_readers();
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

std::vector<Sample> Copy::samples_of(const Work& work) const {
  std::vector<Sample> samples;
  for (const std::size_t sample : work.samples) samples.push_back(samples_[sample]);
  return samples;
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
    case Work::Kind::statistics:
      return worker.writer->analyze(samples_of(work), until_);
  }
  std::abort();
}

void Copy::finish(const Work& work, Worker& worker, std::vector<api::Finding> findings) {
  const std::lock_guard lock(mutex_);
  if (worker.reader) put_back(std::move(worker.reader));
  for (const std::size_t table : schedule_.finish(work)) board_.done(*request_.meters[table]);
  for (api::Finding& finding : findings) findings_.push_back(std::move(finding));
  board_.moved();
  tell_phase();
  ++generation_;
  changed_.notify_all();
}

Result<void> Copy::serve(Worker& worker) {
  while (const std::optional<Work> work = take(worker)) finish(*work, worker, TRY(perform(*work, worker)));
  return {};
}

Result<void> Copy::work_beside() {
  TRY(request_.beside(until_));
  {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, request_.watch_period, [&] { return open_readers_ == 0 || error_; })) {
      lock.unlock();
      TRY(source_.watch(until_));
      lock.lock();
    }
    if (error_) return {};
  }
  source_.close_snapshot();
  return request_.before_keys ? work_before_keys() : Result<void>{};
}

Result<void> Copy::work_before_keys() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return schedule_.is_held() || error_; });
    if (error_) return {};
  }
  TRY(request_.before_keys(until_));
  const std::lock_guard lock(mutex_);
  schedule_.let_go_of_keys();
  ++generation_;
  changed_.notify_all();
  return {};
}

Result<std::vector<api::Finding>> Copy::run(Target& target) {
  board_.enter(phase_);
  tell_phase();
  std::vector<Worker> workers = TRY(connect(target));
  {
    std::vector<std::jthread> threads;
    const Result<void> beside = contain([&]() -> Result<void> {
      for (Worker& worker : workers)
        threads.emplace_back([this, &worker] {
          const Result<void> served = contain([&] { return serve(worker); });
          if (!served) fail(served.error());
        });
      return work_beside();
    });
    if (!beside) fail(beside.error());
  }
  if (error_) return *error_;
  return std::move(findings_);
}

}  // namespace

Result<std::vector<api::Finding>> copy_database(Source& source, Target& target, const CopyRequest& request,
                                                ProgressBoard& board, const Until& until) {
  StatisticsPlan statistics = TRY(target.plan_statistics(request.contents.tables, until));
  std::vector<api::Finding> findings = std::move(statistics.findings);
  for (api::Finding& finding : TRY(Copy(source, request, statistics.samples, board, until).run(target)))
    findings.push_back(std::move(finding));
  return findings;
}

}  // namespace tributary::pipeline

#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/api/progress.h"
#include "engine/base/clock.h"
#include "engine/pipeline/stream_board.h"

// Where the copy writes down what it does, and where terminal, /status, metrics and the stall watchdog read it.
namespace tributary::pipeline {

// The counters of one table. Workers add from several threads, without a lock.
class TableMeter {
 public:
  TableMeter(std::string name, std::uint64_t bytes_total) : name_(std::move(name)), bytes_total_(bytes_total) {}

 private:
  friend class ProgressBoard;
  const std::string name_;
  const std::uint64_t bytes_total_;
  std::atomic<std::uint64_t> rows_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<int> running_{0};
  std::atomic<bool> done_{false};
};

// All members may be called from any thread. Meters stay valid as long as the board.
class ProgressBoard {
 public:
  // `replication` is what Progress names; may be empty.
  explicit ProgressBoard(std::string replication);

  // `message` is one line for a person; with Phase::waiting the error that is being retried.
  void enter(api::Phase phase, std::string message = {});
  // The same without a sign of life: what is waited for, or tried once more.
  void show(api::Phase phase, std::string message);
  // Not called: unknown.
  void tell_checks(api::Checks checks);
  // What happens inside the phase, e.g. "building index public.orders_pkey".
  void say(std::string message);

  // Replaces the database's tables: a repeated attempt counts from zero again. Meters of the former attempt stay
  // valid and count for nothing. The result has the order of `tables`.
  struct TableSize {
    std::string name;
    std::uint64_t bytes = 0;
  };
  std::vector<TableMeter*> begin_database(const std::string& database, const std::vector<TableSize>& tables);

  void started(TableMeter& meter);  // a part of it is being copied from here on
  void add(TableMeter& meter, std::uint64_t rows, std::uint64_t bytes);
  void stopped(TableMeter& meter);
  void done(TableMeter& meter);  // all its rows are committed
  // Of one database that is followed; the same one for every call with its name.
  StreamMeter& stream_of(const std::string& database);
  // A sign of life that no counter shows: a statement finished.
  void moved();

  // When a byte, a step or a phase last moved; for the stall watchdog.
  SteadyTime last_movement() const;

  api::Progress snapshot() const;

 private:
  struct Database {
    std::string name;
    std::vector<TableMeter*> meters = {};
    std::unique_ptr<StreamMeter> stream = {};
  };
  Database& database_of(const std::string& name);
  api::DatabaseProgress database_progress(const Database& database) const;
  std::optional<api::RecopyRequest> request() const;

  const std::string replication_;
  const WallTime started_;
  std::atomic<SteadyTime::rep> moved_;
  std::atomic<WallTime::rep> updated_;  // the same moment, for people
  mutable std::mutex mutex_;            // guards everything below
  api::Phase phase_ = api::Phase::starting;
  api::Checks checks_ = api::Checks::unknown;
  std::string message_;
  std::deque<TableMeter> meters_;
  std::deque<Database> databases_;
};

}  // namespace tributary::pipeline

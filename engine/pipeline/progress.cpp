#include "engine/pipeline/progress.h"

#include <algorithm>
#include <utility>

namespace tributary::pipeline {
namespace {

constexpr std::size_t most_active = 20;
constexpr std::size_t most_failures = 20;

// Copied bytes never pass what a table was thought to hold, and a finished table counts whole: the sizes are
// estimates in another encoding than what travels.
std::uint64_t share_done(const api::TableProgress& table) {
  return table.done ? table.bytes_total : std::min(table.bytes, table.bytes_total);
}

}  // namespace

ProgressBoard::ProgressBoard(std::string replication)
    : replication_(std::move(replication)),
      started_(std::chrono::system_clock::now()),
      moved_(SteadyClock::now().time_since_epoch().count()),
      updated_(started_.time_since_epoch().count()) {}

void ProgressBoard::enter(api::Phase phase, std::string message) {
  moved();
  show(phase, std::move(message));
}

void ProgressBoard::show(api::Phase phase, std::string message) {
  const std::lock_guard lock(mutex_);
  phase_ = phase;
  message_ = std::move(message);
}

void ProgressBoard::tell_checks(api::Checks checks) {
  const std::lock_guard lock(mutex_);
  checks_ = checks;
}

void ProgressBoard::say(std::string message) {
  moved();
  const std::lock_guard lock(mutex_);
  message_ = std::move(message);
}

std::vector<TableMeter*> ProgressBoard::begin_database(const std::string& database,
                                                       const std::vector<TableSize>& tables) {
  moved();
  const std::lock_guard lock(mutex_);
  std::vector<TableMeter*> meters;
  for (const TableSize& table : tables) meters.push_back(&meters_.emplace_back(table.name, table.bytes));
  database_of(database).meters = meters;
  return meters;
}

// Call with the mutex held.
ProgressBoard::Database& ProgressBoard::database_of(const std::string& name) {
  const auto known =
      std::find_if(databases_.begin(), databases_.end(), [&](const Database& each) { return each.name == name; });
  return known == databases_.end() ? databases_.emplace_back(Database{name}) : *known;
}

StreamMeter& ProgressBoard::stream_of(const std::string& database) {
  const std::lock_guard lock(mutex_);
  Database& found = database_of(database);
  if (!found.stream) found.stream = std::make_unique<StreamMeter>();
  return *found.stream;
}

void ProgressBoard::started(TableMeter& meter) {
  meter.running_.fetch_add(1, std::memory_order_relaxed);
  moved();
}

void ProgressBoard::add(TableMeter& meter, std::uint64_t rows, std::uint64_t bytes) {
  meter.rows_.fetch_add(rows, std::memory_order_relaxed);
  meter.bytes_.fetch_add(bytes, std::memory_order_relaxed);
  moved();
}

void ProgressBoard::stopped(TableMeter& meter) {
  meter.running_.fetch_sub(1, std::memory_order_relaxed);
  moved();
}

void ProgressBoard::done(TableMeter& meter) {
  meter.done_.store(true, std::memory_order_relaxed);
  moved();
}

void ProgressBoard::moved() {
  moved_.store(SteadyClock::now().time_since_epoch().count(), std::memory_order_relaxed);
  updated_.store(std::chrono::system_clock::now().time_since_epoch().count(), std::memory_order_relaxed);
}

SteadyTime ProgressBoard::last_movement() const {
  return SteadyTime{SteadyClock::duration{moved_.load(std::memory_order_relaxed)}};
}

api::DatabaseProgress ProgressBoard::database_progress(const Database& database) const {
  api::DatabaseProgress progress;
  progress.name = database.name;
  progress.tables_total = database.meters.size();
  for (const TableMeter* meter : database.meters) {
    const bool done = meter->done_.load(std::memory_order_relaxed);
    const api::TableProgress table{meter->name_, meter->rows_.load(std::memory_order_relaxed),
                                   meter->bytes_.load(std::memory_order_relaxed), meter->bytes_total_, done};
    progress.tables_done += done ? 1U : 0U;
    progress.rows_copied += table.rows;
    progress.bytes_copied += table.bytes;
    progress.bytes_total += table.bytes_total;
    const bool running = meter->running_.load(std::memory_order_relaxed) > 0;
    if (running && !done && progress.active.size() < most_active) progress.active.push_back(table);
  }
  if (database.stream) progress.stream = database.stream->snapshot(std::chrono::system_clock::now());
  return progress;
}

// Nothing before every database has said what it knows of the request. What none of them knows is no table at all.
std::optional<api::RecopyRequest> ProgressBoard::request() const {
  std::optional<api::RecopyRequest> sum;
  std::vector<std::string> unknown;
  for (const Database& database : databases_) {
    if (!database.stream) continue;
    const std::optional<RequestStanding> each = database.stream->request();
    if (!each) return std::nullopt;
    if (!sum) unknown = each->unknown;
    if (!sum) sum.emplace().request_id = each->request_id;
    sum->tables += each->tables;
    sum->copied += each->tables - each->waiting - each->stopped;
    sum->stopped += each->stopped;
    for (const std::string& reason : each->reasons) sum->failures.push_back(database.name + "." + reason);
    std::erase_if(unknown, [&](const std::string& entry) {
      return std::find(each->unknown.begin(), each->unknown.end(), entry) == each->unknown.end();
    });
  }
  for (const std::string& entry : unknown) sum->failures.push_back("'" + entry + "' is no table of this replication");
  if (sum && sum->failures.size() > most_failures) sum->failures.resize(most_failures);
  return sum;
}

api::Progress ProgressBoard::snapshot() const {
  const std::lock_guard lock(mutex_);
  api::Progress progress;
  progress.replication = replication_;
  progress.phase = phase_;
  progress.checks = checks_;
  progress.message = message_;
  progress.started = rfc3339(started_);
  progress.updated = rfc3339(WallTime{WallTime::duration{updated_.load(std::memory_order_relaxed)}});
  std::uint64_t total = 0;
  std::uint64_t copied = 0;
  for (const Database& database : databases_) {
    progress.databases.push_back(database_progress(database));
    total += progress.databases.back().bytes_total;
    for (const TableMeter* meter : database.meters)
      copied += share_done({{}, 0, meter->bytes_, meter->bytes_total_, meter->done_});
  }
  if (total > 0) progress.percent = static_cast<int>(std::min<std::uint64_t>(99, copied * 100 / total));
  if (phase_ == api::Phase::done) progress.percent = 100;
  progress.request = request();
  return progress;
}

}  // namespace tributary::pipeline

#include "engine/pipeline/schedule.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace tributary::pipeline {
namespace {

// Steps of small tables share a transaction: what a statement costs is then mostly its round trip and its commit.
constexpr std::uint64_t small_table = 16U << 20;
constexpr std::uint64_t shared_bytes = 32U << 20;
constexpr std::size_t shared_steps = 64;
// Each holds a lock on two tables until its transaction ends.
constexpr std::size_t added_keys = 200;

void take_out(std::vector<std::size_t>& from, const std::vector<std::size_t>& taken) {
  std::erase_if(from, [&](std::size_t one) { return std::find(taken.begin(), taken.end(), one) != taken.end(); });
}

}  // namespace

Schedule::Schedule(const std::vector<model::Table>& tables, const Schema& schema, std::vector<Batch> batches,
                   const std::vector<bool>& kept, const std::vector<Sample>& samples)
    : schema_(schema),
      samples_(samples),
      batches_(std::move(batches)),
      tables_(tables.size()),
      states_(schema.steps.size()),
      open_samples_(samples.size()) {
  for (std::size_t table = 0; table < tables.size(); ++table) {
    index_.emplace(tables[table].name, table);
    table_bytes_.push_back(tables[table].bytes);
    tables_[table].parts_left = kept[table] ? 0 : 1;  // a table that no batch holds never completes
  }
  for (const Batch& batch : batches_)
    for (const model::CopyPart& part : batch.parts) tables_[part.table].parts_left = static_cast<std::size_t>(part.of);
  std::map<model::Name, std::size_t> routes;
  for (std::size_t table = 0; table < tables.size(); ++table) {
    tables_[table].route = parts_left_on_.size();
    if (tables[table].route)
      tables_[table].route = routes.emplace(*tables[table].route, parts_left_on_.size()).first->second;
    if (tables_[table].route == parts_left_on_.size()) parts_left_on_.push_back(0);
    parts_left_on_[tables_[table].route] += tables_[table].parts_left;
  }
  for (std::size_t step = 0; step < schema.steps.size(); ++step) {
    const Stage stage = schema.steps[step].stage;
    if (stage == Stage::before_data) states_[step] = State::done;
    if (stage == Stage::with_table) open_steps_.push_back(step);
    if (stage == Stage::foreign_key) open_keys_.push_back(step);
  }
  // The biggest table's first, so that no long build is left for the end.
  std::stable_sort(open_steps_.begin(), open_steps_.end(),
                   [&](std::size_t left, std::size_t right) { return bytes_of(left) > bytes_of(right); });
  for (const std::size_t step : open_steps_) ++steps_left_beside(step);
  steps_left_ = open_steps_.size();
  keys_left_ = open_keys_.size();
  std::iota(open_samples_.begin(), open_samples_.end(), 0);
  std::stable_sort(open_samples_.begin(), open_samples_.end(),
                   [&](std::size_t left, std::size_t right) { return samples[left].bytes > samples[right].bytes; });
}

Schedule::TableState* Schedule::table_state(std::size_t step) {
  return const_cast<TableState*>(std::as_const(*this).table_state(step));
}

const Schedule::TableState* Schedule::table_state(std::size_t step) const {
  const auto& table = schema_.steps[step].table;
  if (!table) return nullptr;
  const auto known = index_.find(*table);
  return known == index_.end() ? nullptr : &tables_[known->second];  // a partitioned parent has no rows to wait for
}

std::size_t& Schedule::steps_left_beside(std::size_t step) {
  TableState* state = table_state(step);
  return state == nullptr ? steps_without_table_left_ : state->steps_left;
}

std::uint64_t Schedule::bytes_of(std::size_t step) const {
  const TableState* state = table_state(step);
  return state == nullptr ? 0 : table_bytes_[static_cast<std::size_t>(state - tables_.data())];
}

bool Schedule::small(std::size_t step) const {
  return bytes_of(step) < small_table;
}

bool Schedule::ready_after(std::size_t step, const std::vector<std::size_t>& chosen) const {
  const std::vector<std::size_t>& after = schema_.steps[step].after;
  return std::all_of(after.begin(), after.end(), [&](std::size_t earlier) {
    return states_[earlier] == State::done || std::find(chosen.begin(), chosen.end(), earlier) != chosen.end();
  });
}

bool Schedule::ready(std::size_t step) const {
  const TableState* state = table_state(step);
  return (state == nullptr || whole(*state)) && ready_after(step, {});
}

// CREATE INDEX lets others of its kind run on the same table; everything else waits for all of them.
bool Schedule::table_free(std::size_t step) const {
  const TableState* state = table_state(step);
  if (state == nullptr) return true;
  if (state->exclusive) return false;
  return schema_.steps[step].kind == "INDEX" || state->sharing == 0;
}

std::optional<Work> Schedule::next(int idle) {
  std::optional<Work> work = next_steps(idle);
  if (!work && !rows_handed_out()) {
    work = Work{};
    work->batch = batches_[next_batch_++];
  }
  if (!work && !holds_keys_ && rows_done() && steps_done()) work = next_validation();
  if (!work && !holds_keys_ && rows_done() && steps_done()) work = next_foreign_keys();
  if (!work && !holds_keys_) work = next_statistics();
  if (work) {
    mark(*work, State::running);
    ++running_;
  }
  return work;
}

std::optional<Work> Schedule::next_steps(int idle) {
  Work work;
  work.kind = Work::Kind::steps;
  for (const std::size_t step : open_steps_) {
    const bool first = work.steps.empty();
    if (!first && !small(step)) continue;
    const TableState* state = table_state(step);
    if (state != nullptr && !whole(*state)) continue;
    if (!ready_after(step, work.steps) || !table_free(step)) continue;
    work.steps.push_back(step);
    work.effort.table_bytes += bytes_of(step);
    if (!small(step) || work.steps.size() == shared_steps || work.effort.table_bytes > shared_bytes) break;
  }
  if (work.steps.empty()) return std::nullopt;
  take_out(open_steps_, work.steps);
  if (!small(work.steps.front()) && rows_handed_out()) {
    const bool others = std::any_of(open_steps_.begin(), open_steps_.end(),
                                    [&](std::size_t step) { return ready(step) && !small(step); });
    // Who still runs when all rows are there is done soon, or looks for work in vain.
    if (!others) work.effort.parallel_workers = rows_done() ? idle + static_cast<int>(running_) : idle;
  }
  return work;
}

// One worker adds keys while nobody validates: adding locks both tables of a key, so two at once could deadlock.
std::optional<Work> Schedule::next_foreign_keys() {
  if (adding_keys_ || validating_ > 0 || !unvalidated_.empty()) return std::nullopt;
  Work work;
  work.kind = Work::Kind::add_foreign_keys;
  for (const std::size_t step : open_keys_) {
    if (work.steps.size() == added_keys) break;
    if (ready_after(step, {})) work.steps.push_back(step);
  }
  if (work.steps.empty()) return std::nullopt;
  take_out(open_keys_, work.steps);
  return work;
}

// Validation locks the referencing table against its own kind only: all keys of one table, or of several small ones.
std::optional<Work> Schedule::next_validation() {
  if (adding_keys_ || unvalidated_.empty()) return std::nullopt;
  Work work;
  work.kind = Work::Kind::validate;
  for (const std::size_t step : unvalidated_) {
    const bool same = !work.steps.empty() && schema_.steps[step].table == schema_.steps[work.steps.back()].table;
    const bool shares = work.steps.empty() || (small(work.steps.front()) && work.steps.size() < shared_steps);
    if (!same && !shares) break;
    work.steps.push_back(step);
  }
  take_out(unvalidated_, work.steps);
  return work;
}

// Not while a step without a table may run: what attaches an index to that of a partitioned table locks both of their
// tables, as gathering does.
bool Schedule::ready_for_statistics(const Sample& sample) const {
  return steps_without_table_left_ == 0 &&
         std::all_of(sample.tables.begin(), sample.tables.end(), [&](std::size_t table) {
           return (whole(tables_[table]) || rows_done()) && tables_[table].steps_left == 0;
         });
}

std::optional<Work> Schedule::next_statistics() {
  Work work;
  work.kind = Work::Kind::statistics;
  std::uint64_t bytes = 0;
  for (const std::size_t sample : open_samples_) {
    if (!ready_for_statistics(samples_[sample])) continue;
    work.samples.push_back(sample);
    bytes += samples_[sample].bytes;
    if (bytes > shared_bytes || work.samples.size() == shared_steps) break;
  }
  if (work.samples.empty()) return std::nullopt;
  take_out(open_samples_, work.samples);
  return work;
}

void Schedule::mark(const Work& work, State state) {
  const bool starts = state == State::running;
  if (work.kind == Work::Kind::add_foreign_keys) adding_keys_ = starts;
  if (work.kind == Work::Kind::validate) validating_ += starts ? 1 : -1;
  for (const std::size_t step : work.steps) {
    states_[step] = state;
    TableState* table = table_state(step);
    if (work.kind != Work::Kind::steps || table == nullptr) continue;
    if (schema_.steps[step].kind == "INDEX") {
      table->sharing += starts ? 1 : -1;
    } else {
      table->exclusive = starts;
    }
  }
}

std::vector<std::size_t> Schedule::finish(const Work& work) {
  --running_;
  std::vector<std::size_t> complete;
  switch (work.kind) {
    case Work::Kind::rows:
      ++batches_done_;
      for (const model::CopyPart& part : work.batch.parts) {
        --parts_left_on_[tables_[part.table].route];
        if (--tables_[part.table].parts_left == 0) complete.push_back(part.table);
      }
      break;
    case Work::Kind::steps:
      mark(work, State::done);
      steps_left_ -= work.steps.size();
      for (const std::size_t step : work.steps) --steps_left_beside(step);
      break;
    case Work::Kind::add_foreign_keys:
      mark(work, State::added);
      for (const std::size_t step : work.steps) {
        if (!schema_.steps[step].validate.empty()) {
          unvalidated_.push_back(step);
          continue;
        }
        states_[step] = State::done;
        --keys_left_;
      }
      // The biggest first, and the keys of one table side by side.
      std::stable_sort(unvalidated_.begin(), unvalidated_.end(), [&](std::size_t left, std::size_t right) {
        const auto& left_table = schema_.steps[left].table;
        const auto& right_table = schema_.steps[right].table;
        return std::tuple(bytes_of(right), left_table) < std::tuple(bytes_of(left), right_table);
      });
      break;
    case Work::Kind::validate:
      mark(work, State::done);
      keys_left_ -= work.steps.size();
      break;
    case Work::Kind::statistics:
      break;
  }
  return complete;
}

bool Schedule::finished() const {
  return !holds_keys_ && running_ == 0 && rows_done() && steps_left_ == 0 && keys_left_ == 0 && open_samples_.empty();
}

std::optional<std::size_t> Schedule::blocked() const {
  if (running_ > 0) return std::nullopt;
  if (!open_steps_.empty()) return open_steps_.front();
  if (!open_keys_.empty() && !is_held()) return open_keys_.front();
  return std::nullopt;
}

}  // namespace tributary::pipeline

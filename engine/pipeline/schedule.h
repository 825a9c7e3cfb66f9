#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/model/table.h"
#include "engine/pipeline/plan.h"
#include "engine/pipeline/schema.h"
#include "engine/pipeline/target.h"

// What may run next: rows, then with each finished table its indexes and constraints, then foreign keys, and statistics
// where nothing else is to be done. Pure and not thread-safe; copy.cpp asks it under a lock.
namespace tributary::pipeline {

// What one worker does in one go.
struct Work {
  enum class Kind { rows, steps, add_foreign_keys, validate, statistics };
  Kind kind = Kind::rows;
  Batch batch;                       // rows
  std::vector<std::size_t> steps;    // steps, foreign keys and their validation: indexes into the schema, in order
  TargetWriter::Effort effort;       // steps
  std::vector<std::size_t> samples;  // statistics
};

class Schedule {
 public:
  // `kept` marks tables that hold their rows already. Schema and samples must outlive the schedule.
  Schedule(const std::vector<model::Table>& tables, const Schema& schema, std::vector<Batch> batches,
           const std::vector<bool>& kept, const std::vector<Sample>& samples);

  // Ready steps before rows: their table is still in memory. Nothing when all that is left waits for running work.
  // `idle` workers have nothing to do: the last large index build may then use their share of the machine, and that of
  // the others, too, once all rows are there.
  std::optional<Work> next(int idle);
  // To be called before the first next(): rows and their steps alone are handed out, until the keys are let go.
  void hold_keys() { holds_keys_ = true; }
  void let_go_of_keys() { holds_keys_ = false; }
  // Nothing runs, and all that is left waits for the keys to be let go.
  bool is_held() const { return holds_keys_ && running_ == 0 && rows_done() && steps_done(); }
  // The tables that hold all their rows through this work.
  std::vector<std::size_t> finish(const Work& work);

  bool rows_handed_out() const { return next_batch_ == batches_.size(); }
  bool rows_done() const { return batches_done_ == batches_.size(); }
  bool steps_done() const { return steps_left_ == 0; }  // all steps with a table
  // Nothing is left and nothing runs. Steps whose conditions can never be met are left for ever: blocked() names one.
  bool finished() const;
  std::optional<std::size_t> blocked() const;

 private:
  enum class State { waiting, running, added, done };
  struct TableState {
    std::size_t parts_left = 0;
    std::size_t route = 0;  // whose tables are whole together
    std::size_t steps_left = 0;
    int sharing = 0;         // running index builds
    bool exclusive = false;  // a running step that locks the table against them
  };
  bool ready(std::size_t step) const;
  bool ready_after(std::size_t step, const std::vector<std::size_t>& chosen) const;
  bool table_free(std::size_t step) const;
  bool small(std::size_t step) const;
  std::uint64_t bytes_of(std::size_t step) const;
  std::optional<Work> next_steps(int idle);
  std::optional<Work> next_foreign_keys();
  std::optional<Work> next_validation();
  std::optional<Work> next_statistics();
  bool whole(const TableState& table) const { return parts_left_on_[table.route] == 0; }
  bool ready_for_statistics(const Sample& sample) const;
  void mark(const Work& work, State state);
  TableState* table_state(std::size_t step);
  std::size_t& steps_left_beside(std::size_t step);  // of its table, itself included; or of all that have none
  const TableState* table_state(std::size_t step) const;

  const Schema& schema_;
  const std::vector<Sample>& samples_;
  std::vector<Batch> batches_;
  std::vector<TableState> tables_;
  std::vector<std::size_t> parts_left_on_;  // per route; most have one table
  std::vector<std::uint64_t> table_bytes_;
  std::map<model::Name, std::size_t> index_;
  std::vector<State> states_;             // per step
  std::vector<std::size_t> open_steps_;   // with_table, waiting
  std::vector<std::size_t> open_keys_;    // foreign_key, waiting
  std::vector<std::size_t> unvalidated_;  // foreign_key, added
  std::vector<std::size_t> open_samples_;
  std::size_t next_batch_ = 0;
  std::size_t batches_done_ = 0;
  std::size_t steps_left_ = 0;
  std::size_t steps_without_table_left_ = 0;
  std::size_t keys_left_ = 0;
  std::size_t running_ = 0;
  bool holds_keys_ = false;
  bool adding_keys_ = false;
  int validating_ = 0;
};

}  // namespace tributary::pipeline

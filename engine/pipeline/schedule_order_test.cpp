#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "engine/pipeline/schedule.h"

// Random databases, copied by random workers that finish in any order: what must hold in each of them.
namespace tributary::pipeline {
namespace {

using Kind = Work::Kind;

constexpr std::uint64_t mib = 1U << 20;
constexpr int rounds = 300;

class AnySchedule : public ::testing::Test {
 protected:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }

  void draw() {
    tables_.clear();
    kept_.clear();
    schema_.steps.clear();
    for (std::size_t number = below(20) + 1; number > 0; --number) {
      model::Table table;
      table.name = {"public", "t" + std::to_string(number)};
      table.bytes = below(std::size_t{1} << below(28));
      table.pages = table.bytes / 8192;
      tables_.push_back(table);
      kept_.push_back(below(6) == 0);
    }
    for (std::size_t number = below(200); number > 0; --number) schema_.steps.push_back(any_step());
    samples_.clear();
    for (std::size_t table = 0; table < tables_.size(); ++table)
      samples_.push_back({"", {table}, tables_[table].bytes});
    samples_.push_back({"", {below(tables_.size()), below(tables_.size())}, below(mib)});
    sampled_.assign(samples_.size(), false);
    done_.assign(schema_.steps.size(), false);
    added_ = done_;
    for (std::size_t step = 0; step < done_.size(); ++step)
      done_[step] = schema_.steps[step].stage == Stage::before_data;
    copied_.assign(tables_.size(), 0);
  }

  SchemaStep any_step() {
    SchemaStep step;
    step.stage = below(8) == 0 ? Stage::before_data : below(3) == 0 ? Stage::foreign_key : Stage::with_table;
    step.kind = below(2) == 0 ? "INDEX" : "CONSTRAINT";
    step.object = "step " + std::to_string(schema_.steps.size());
    if (below(10) != 0) step.table = tables_[below(tables_.size())].name;
    if (step.stage == Stage::foreign_key && below(4) != 0) step.validate = "VALIDATE";
    for (std::size_t earlier = 0; earlier < schema_.steps.size(); ++earlier) {
      const Stage stage = schema_.steps[earlier].stage;
      const bool possible = stage != Stage::foreign_key || step.stage == Stage::foreign_key;
      if (step.stage != Stage::before_data && possible && below(12) == 0) step.after.push_back(earlier);
    }
    return step;
  }

  PlanLimits any_limits(int streams) {
    PlanLimits limits;
    limits.streams = streams;
    limits.splits_tables = below(2) == 0;
    limits.smallest_part = mib;
    return limits;
  }

  std::size_t index_of(const model::Name& name) const {
    return static_cast<std::size_t>(
        std::find_if(tables_.begin(), tables_.end(), [&](const model::Table& each) { return each.name == name; }) -
        tables_.begin());
  }

  bool complete(std::size_t table) const { return kept_[table] || complete_.count(table) != 0; }

  bool built(std::size_t table) const {
    for (std::size_t step = 0; step < done_.size(); ++step)
      if (schema_.steps[step].table == tables_[table].name && schema_.steps[step].stage == Stage::with_table &&
          !done_[step])
        return false;
    return true;
  }

  void expect_may_start(const Work& work) const {
    for (const std::size_t sample : work.samples) {
      EXPECT_EQ(work.kind, Kind::statistics);
      EXPECT_FALSE(sampled_[sample]);
      for (const std::size_t table : samples_[sample].tables) EXPECT_TRUE(complete(table) && built(table));
    }
    if (work.kind == Kind::rows) {
      for (const model::CopyPart& part : work.batch.parts) {
        EXPECT_FALSE(kept_[part.table]);
        for (const Work& other : running_) expect_apart(part, other);
      }
      return;
    }
    std::set<std::size_t> before;
    for (const std::size_t index : work.steps) {
      const SchemaStep& step = schema_.steps[index];
      SCOPED_TRACE(step.object);
      EXPECT_FALSE(done_[index]) << "done twice";
      for (const std::size_t earlier : step.after)
        EXPECT_TRUE(done_[earlier] || before.count(earlier) != 0) << "before step " << earlier;
      before.insert(index);
      if (work.kind == Kind::steps) expect_table_free(step);
      if (work.kind != Kind::steps) expect_only_keys_are_left();
      if (work.kind == Kind::validate) expect_no_other_validates(step);
      EXPECT_EQ(added_[index], work.kind == Kind::validate);
    }
  }

  void expect_apart(const model::CopyPart& part, const Work& other) const {
    for (const model::CopyPart& running : other.batch.parts) {
      if (running.table != part.table) continue;
      EXPECT_GT(part.of, 1) << "two batches hold the same whole table";
      EXPECT_NE(running.number, part.number);
    }
  }

  void expect_table_free(const SchemaStep& step) const {
    if (!step.table) return;
    EXPECT_TRUE(complete(index_of(*step.table))) << "its table does not hold all rows";
    for (const Work& other : running_) {
      for (const std::size_t running : other.steps) {
        if (schema_.steps[running].table != step.table) continue;
        EXPECT_TRUE(step.kind == "INDEX" && schema_.steps[running].kind == "INDEX") << "they lock each other out";
      }
    }
  }

  void expect_no_other_validates(const SchemaStep& step) const {
    for (const Work& other : running_)
      for (const std::size_t running : other.steps)
        EXPECT_TRUE(!step.table || schema_.steps[running].table != step.table) << "they wait for each other";
  }

  void expect_only_keys_are_left() const {
    for (std::size_t table = 0; table < tables_.size(); ++table) EXPECT_TRUE(complete(table));
    for (std::size_t step = 0; step < done_.size(); ++step)
      EXPECT_TRUE(done_[step] || schema_.steps[step].stage == Stage::foreign_key) << "step " << step;
    for (const Work& other : running_)
      EXPECT_TRUE(other.kind == Kind::validate || other.kind == Kind::statistics) << "keys are added alone";
  }

  void finish_one(Schedule& schedule) {
    const std::size_t which = below(running_.size());
    const Work work = running_[which];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(which));
    const std::vector<std::size_t> complete = schedule.finish(work);
    std::vector<std::size_t> expected;
    for (const model::CopyPart& part : work.batch.parts)
      if (++copied_[part.table] == part.of) expected.push_back(part.table);
    EXPECT_EQ(complete, expected) << "a table is complete with its last part";
    complete_.insert(complete.begin(), complete.end());
    for (const std::size_t sample : work.samples) sampled_[sample] = true;
    for (const std::size_t step : work.steps) {
      const bool more = work.kind == Kind::add_foreign_keys && !schema_.steps[step].validate.empty();
      (more ? added_ : done_)[step] = true;
    }
  }

  void copy_all(int streams) {
    running_.clear();
    complete_.clear();
    Schedule schedule(tables_, schema_, plan_copy(tables_, kept_, any_limits(streams)), kept_, samples_);
    while (!schedule.finished() && !HasFailure()) {
      const int idle = streams - static_cast<int>(running_.size());
      std::optional<Work> work;
      if (idle > 0 && below(3) != 0) work = schedule.next(idle - 1);
      if (work) {
        expect_may_start(*work);
        running_.push_back(*work);
      } else if (!running_.empty()) {
        finish_one(schedule);
      } else {
        work = schedule.next(0);
        ASSERT_TRUE(work) << "nothing runs and nothing may run";
        expect_may_start(*work);
        running_.push_back(*work);
      }
    }
  }

  const std::uint64_t seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
  std::vector<model::Table> tables_;
  std::vector<bool> kept_;
  Schema schema_;
  std::vector<Sample> samples_;
  std::vector<bool> done_, added_;  // per step
  std::vector<bool> sampled_;
  std::vector<int> copied_;  // parts, per table
  std::set<std::size_t> complete_;
  std::vector<Work> running_;
};

TEST_F(AnySchedule, does_everything_once_and_in_an_order_that_the_target_can_carry_out) {
  SCOPED_TRACE("seed " + std::to_string(seed_));
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    draw();
    copy_all(static_cast<int>(below(8)) + 1);
    EXPECT_TRUE(std::all_of(done_.begin(), done_.end(), [](bool done) { return done; }));
    EXPECT_TRUE(std::all_of(sampled_.begin(), sampled_.end(), [](bool done) { return done; }));
    for (std::size_t table = 0; table < tables_.size(); ++table) EXPECT_TRUE(complete(table));
  }
}

}  // namespace
}  // namespace tributary::pipeline

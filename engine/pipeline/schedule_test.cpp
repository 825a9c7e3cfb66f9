#include "engine/pipeline/schedule.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>
#include <set>

namespace tributary::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = Work::Kind;

constexpr std::uint64_t mib = 1U << 20;
const std::vector<Sample> no_samples;

model::Table table(const std::string& name, std::uint64_t bytes) {
  model::Table made;
  made.name = {"public", name};
  made.bytes = bytes;
  made.pages = bytes / 8192;
  return made;
}

SchemaStep step(Stage stage, const std::string& kind, const std::string& table, std::vector<std::size_t> after = {}) {
  SchemaStep made;
  made.stage = stage;
  made.kind = kind;
  made.object = kind + " of " + table;
  if (!table.empty()) made.table = model::Name{"public", table};
  made.after = std::move(after);
  if (stage == Stage::foreign_key) made.validate = "VALIDATE";
  return made;
}

SchemaStep index_of(const std::string& table) {
  return step(Stage::with_table, "INDEX", table);
}

SchemaStep key_of(const std::string& table) {
  return step(Stage::with_table, "CONSTRAINT", table);
}

SchemaStep reference_of(const std::string& table, std::vector<std::size_t> after = {}) {
  return step(Stage::foreign_key, "FK CONSTRAINT", table, std::move(after));
}

// A schedule with what it borrows. Tables are copied whole, one batch each, unless `parts` says otherwise.
struct Copying {
  Copying(std::vector<model::Table> of_tables, std::vector<SchemaStep> steps, int parts = 1,
          std::vector<Sample> of_samples = {})
      : tables(std::move(of_tables)),
        schema{{}, std::move(steps)},
        samples(std::move(of_samples)),
        schedule(tables, schema, batches(parts), kept(), samples) {}

  std::vector<bool> kept() const { return std::vector<bool>(tables.size()); }
  std::vector<Batch> batches(int parts) const {
    std::vector<Batch> made;
    for (std::size_t index = 0; index < tables.size(); ++index)
      for (int number = 0; number < parts; ++number) made.push_back({{{index, number, parts}}, tables[index].bytes});
    return made;
  }
  Work take(int idle = 0) {
    const std::optional<Work> work = schedule.next(idle);
    EXPECT_TRUE(work.has_value());
    return work.value_or(Work{});
  }
  void do_next(Kind kind) {
    const Work work = take();
    EXPECT_EQ(work.kind, kind);
    schedule.finish(work);
  }

  std::vector<model::Table> tables;
  Schema schema;
  std::vector<Sample> samples;
  Schedule schedule;
};

TEST(Schedule, builds_no_index_before_the_last_part_of_its_table) {
  Copying copying({table("a", 64 * mib)}, {index_of("a")}, 3);
  const Work first = copying.take();
  const Work second = copying.take();
  const Work third = copying.take();
  EXPECT_THAT(copying.schedule.finish(third), IsEmpty());
  EXPECT_THAT(copying.schedule.finish(first), IsEmpty());
  EXPECT_FALSE(copying.schedule.next(0)) << "a part is still being copied";
  EXPECT_THAT(copying.schedule.finish(second), ElementsAre(0));
  EXPECT_THAT(copying.take().steps, ElementsAre(0));
}

TEST(Schedule, builds_no_index_while_rows_of_another_table_may_fall_into_its_table) {
  const model::Name above{"public", "above"};
  std::vector<model::Table> tables{table("a", 64 * mib), table("b", 32 * mib), table("c", 16 * mib)};
  tables[0].route = tables[1].route = above;
  Copying copying(tables, {index_of("a"), index_of("c")});
  const Work first = copying.take();
  const Work second = copying.take();
  const Work third = copying.take();
  EXPECT_THAT(copying.schedule.finish(first), ElementsAre(0));
  EXPECT_FALSE(copying.schedule.next(0)) << "rows of b may belong to a";
  copying.schedule.finish(third);
  EXPECT_THAT(copying.take().steps, ElementsAre(1));
  copying.schedule.finish(second);
  EXPECT_THAT(copying.take().steps, ElementsAre(0));
}

TEST(Schedule, builds_the_indexes_of_a_finished_table_before_it_copies_the_next) {
  Copying copying({table("a", 64 * mib), table("b", 32 * mib)}, {index_of("b"), index_of("a")});
  copying.do_next(Kind::rows);
  const Work work = copying.take();
  EXPECT_EQ(work.kind, Kind::steps);
  EXPECT_THAT(work.steps, ElementsAre(1));
}

TEST(Schedule, builds_several_indexes_of_a_table_at_once_but_a_constraint_alone) {
  Copying copying({table("a", 64 * mib)}, {index_of("a"), index_of("a"), key_of("a")});
  copying.do_next(Kind::rows);
  const Work one = copying.take();
  const Work two = copying.take();
  EXPECT_THAT(one.steps, ElementsAre(0));
  EXPECT_THAT(two.steps, ElementsAre(1));
  EXPECT_FALSE(copying.schedule.next(0)) << "a constraint locks the table against index builds";
  copying.schedule.finish(two);
  EXPECT_FALSE(copying.schedule.next(0));
  copying.schedule.finish(one);
  EXPECT_THAT(copying.take().steps, ElementsAre(2));
}

TEST(Schedule, gives_the_steps_of_small_tables_to_one_worker_in_one_transaction) {
  Copying copying({table("a", mib), table("b", mib)}, {index_of("a"), key_of("b"), key_of("a")});
  const Work first = copying.take();
  const Work second = copying.take();
  copying.schedule.finish(first);
  copying.schedule.finish(second);
  EXPECT_THAT(copying.take().steps, ElementsAre(0, 1, 2));
}

TEST(Schedule, a_step_waits_for_those_it_depends_on) {
  Copying copying({table("a", 64 * mib)}, {index_of("a"), step(Stage::with_table, "INDEX ATTACH", "", {0})});
  copying.do_next(Kind::rows);
  const Work index = copying.take();
  EXPECT_FALSE(copying.schedule.next(0));
  copying.schedule.finish(index);
  EXPECT_THAT(copying.take().steps, ElementsAre(1));
}

TEST(Schedule, the_last_big_index_takes_the_share_of_all_workers_once_all_rows_are_there) {
  Copying copying({table("a", 64 * mib)}, {index_of("a"), index_of("a")});
  const Work rows = copying.take();
  copying.schedule.finish(rows);
  EXPECT_EQ(copying.take(3).effort.parallel_workers, 0) << "another index is ready for them";
  EXPECT_EQ(copying.take(2).effort.parallel_workers, 3) << "two of those that are idle, one of the other index";
}

TEST(Schedule, gathers_statistics_of_a_finished_table_where_nothing_else_is_to_be_done) {
  Copying copying({table("a", 64 * mib), table("b", 32 * mib)}, {index_of("a"), index_of("b")}, 1,
                  {{"b", {1}, 32 * mib}, {"a", {0}, 64 * mib}, {"both", {0, 1}, 96 * mib}});
  copying.do_next(Kind::rows);
  copying.do_next(Kind::steps);
  const Work rows_of_b = copying.take();
  EXPECT_EQ(rows_of_b.kind, Kind::rows);
  EXPECT_THAT(copying.take().samples, ElementsAre(1));
  EXPECT_FALSE(copying.schedule.next(0));
  copying.schedule.finish(rows_of_b);
  const Work index = copying.take();
  EXPECT_FALSE(copying.schedule.next(0)) << "its index is being built";
  copying.schedule.finish(index);
  EXPECT_THAT(copying.take().samples, ElementsAre(2));
  EXPECT_THAT(copying.take().samples, ElementsAre(0));
  EXPECT_FALSE(copying.schedule.finished());
}

TEST(Schedule, gathers_statistics_of_small_tables_together) {
  Copying copying({table("a", mib), table("b", mib)}, {}, 1, {{"a", {0}, mib}, {"b", {1}, mib}});
  copying.do_next(Kind::rows);
  copying.do_next(Kind::rows);
  EXPECT_THAT(copying.take().samples, ElementsAre(0, 1));
}

TEST(Schedule, gathers_no_statistics_while_an_index_of_no_table_is_missing) {
  Copying copying({table("a", 64 * mib)}, {index_of("a"), step(Stage::with_table, "INDEX ATTACH", "", {0})}, 1,
                  {{"a", {0}, 64 * mib}});
  copying.do_next(Kind::rows);
  copying.do_next(Kind::steps);
  const Work attach = copying.take();
  EXPECT_FALSE(copying.schedule.next(0));
  copying.schedule.finish(attach);
  EXPECT_THAT(copying.take().samples, ElementsAre(0));
}

TEST(Schedule, adds_foreign_keys_when_everything_else_is_done_and_validates_them_after) {
  Copying copying({table("a", 64 * mib), table("b", 64 * mib)}, {reference_of("a"), key_of("b"), reference_of("b")});
  copying.do_next(Kind::rows);
  const Work last_rows = copying.take();
  EXPECT_FALSE(copying.schedule.next(0)) << "table b holds no rows yet";
  copying.schedule.finish(last_rows);
  const Work key = copying.take();
  EXPECT_THAT(key.steps, ElementsAre(1));
  EXPECT_FALSE(copying.schedule.next(0)) << "a key is still being built";
  copying.schedule.finish(key);
  const Work added = copying.take();
  EXPECT_EQ(added.kind, Kind::add_foreign_keys);
  EXPECT_THAT(added.steps, ElementsAre(0, 2));
  EXPECT_FALSE(copying.schedule.next(0)) << "adding locks both tables of a key";
  copying.schedule.finish(added);
  const Work one = copying.take();
  const Work two = copying.take();
  EXPECT_EQ(one.kind, Kind::validate);
  EXPECT_EQ(two.kind, Kind::validate);
  EXPECT_FALSE(copying.schedule.finished());
  copying.schedule.finish(one);
  copying.schedule.finish(two);
  EXPECT_TRUE(copying.schedule.finished());
}

// Two transactions that validate keys of the same tables wait for each other.
TEST(Schedule, validates_all_keys_of_a_table_in_one_go_however_they_are_mixed_with_others) {
  for (const std::uint64_t bytes : {mib, 64 * mib}) {
    SCOPED_TRACE(bytes);
    std::vector<SchemaStep> steps;
    for (int number = 0; number < 80; ++number) steps.push_back(reference_of(number % 2 == 0 ? "a" : "b"));
    Copying copying({table("a", bytes), table("b", bytes)}, steps);
    while (!copying.schedule.steps_done() || !copying.schedule.rows_done()) copying.do_next(Kind::rows);
    copying.do_next(Kind::add_foreign_keys);
    std::set<std::string> begun;
    while (const std::optional<Work> work = copying.schedule.next(0)) {
      std::set<std::string> tables;
      for (const std::size_t key : work->steps) tables.insert(copying.schema.steps[key].table->name);
      for (const std::string& name : tables) EXPECT_TRUE(begun.insert(name).second) << name << " is validated already";
    }
    EXPECT_EQ(begun.size(), 2U);
  }
}

// The parent of a partitioned table's key comes after its leaves.
TEST(Schedule, a_foreign_key_waits_for_the_validation_of_those_it_depends_on) {
  Copying copying({table("leaf", mib)}, {reference_of("leaf"), reference_of("parent", {0})});
  copying.do_next(Kind::rows);
  const Work leaf = copying.take();
  EXPECT_THAT(leaf.steps, ElementsAre(0));
  copying.schedule.finish(leaf);
  copying.do_next(Kind::validate);
  EXPECT_THAT(copying.take().steps, ElementsAre(1));
}

TEST(Schedule, a_foreign_key_without_a_validation_of_its_own_is_done_when_it_is_added) {
  Copying copying({table("a", mib)}, {reference_of("a")});
  copying.schema.steps[0].validate.clear();
  copying.do_next(Kind::rows);
  copying.do_next(Kind::add_foreign_keys);
  EXPECT_TRUE(copying.schedule.finished());
}

TEST(Schedule, names_the_step_that_waits_for_something_that_never_comes) {
  Copying copying({table("a", mib)},
                  {step(Stage::with_table, "INDEX", "a", {1}), step(Stage::after_data, "RULE", "a")});
  copying.do_next(Kind::rows);
  EXPECT_FALSE(copying.schedule.next(0));
  EXPECT_EQ(copying.schedule.blocked(), 0U);
  EXPECT_FALSE(copying.schedule.finished());
}

TEST(Schedule, a_table_that_no_batch_holds_never_counts_as_complete) {
  const std::vector<model::Table> tables{table("a", mib)};
  const Schema schema{{}, {index_of("a")}};
  Schedule schedule(tables, schema, {}, {false}, no_samples);
  EXPECT_FALSE(schedule.next(0));
  EXPECT_EQ(schedule.blocked(), 0U);
}

TEST(Schedule, a_kept_table_needs_no_rows_but_the_steps_that_are_left) {
  const std::vector<model::Table> tables{table("a", mib)};
  const Schema schema{{}, {index_of("a")}};
  Schedule schedule(tables, schema, {}, {true}, no_samples);
  EXPECT_TRUE(schedule.rows_done());
  const std::optional<Work> work = schedule.next(0);
  ASSERT_TRUE(work);
  EXPECT_EQ(work->kind, Kind::steps);
  schedule.finish(*work);
  EXPECT_TRUE(schedule.finished());
}

TEST(Schedule, a_database_without_tables_and_steps_is_finished_at_once) {
  Copying copying({}, {});
  EXPECT_TRUE(copying.schedule.finished());
  EXPECT_FALSE(copying.schedule.blocked());
  EXPECT_FALSE(copying.schedule.next(0));
}

}  // namespace
}  // namespace tributary::pipeline

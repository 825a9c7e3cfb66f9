#include "engine/postgres/sync/parent_plan.h"

#include <gtest/gtest.h>

#include "engine/postgres/schema/shape_change.h"

namespace tributary::postgres::sync {
namespace {

using Names = std::vector<model::Name>;

// A target, and what the source has made of it since.
class TablesAboveLeaves : public ::testing::Test {
 protected:
  void leaf(std::uint32_t id, const Names& there, const Names& now, const std::string& bound = "FOR VALUES IN (1)") {
    const model::Name name{"s", "leaf" + std::to_string(id)};
    TableShape shape;
    shape.id = id;
    shape.name = name;
    shape.above = there.front();
    shape.bound = "FOR VALUES IN (1)";
    known_.push_back({{name, FollowedTable::State::followed, {}, ""}, shape});
    there_.above[name] = there;
    there_.partitioned.insert(there.begin(), there.end());
    SourceTable table;
    table.catalog.partition_of = now;
    table.shape = shape;
    table.shape.above.reset();
    if (!now.empty()) table.shape.above = now.front();
    table.shape.bound = bound;
    now_.tables.emplace(id, table);
    for (const model::Name& each : now) now_.parents.emplace(each, 100 + now_.parents.size());
  }
  std::string planned(const ParentIds& ids = {}) const {
    std::string all;
    for (const RenamedParents& each : plan_parents(known_, now_, there_, ids))
      all += script_of(each.statements) + " (" + std::to_string(each.leaves.size()) + ") ";
    return all;
  }

  const model::Name p_{"s", "p"};
  const model::Name m_{"s", "m"};
  const model::Name q_{"s", "q"};
  const model::Name r_{"s", "r"};
  std::vector<KnownTable> known_;
  SourceSight now_;
  TargetTree there_;
};

TEST_F(TablesAboveLeaves, are_renamed_where_the_source_has_them_no_more) {
  leaf(1, {p_}, {q_});
  leaf(2, {m_, p_}, {m_, q_});
  leaf(3, {p_}, {});
  EXPECT_EQ(planned(), R"(ALTER TABLE "s"."p" RENAME TO "q"; (2) )");
}

TEST_F(TablesAboveLeaves, are_renamed_at_every_level) {
  leaf(1, {m_, p_}, {r_, q_});
  EXPECT_EQ(planned(), R"(ALTER TABLE "s"."m" RENAME TO "r"; (1) ALTER TABLE "s"."p" RENAME TO "q"; (1) )");
}

TEST_F(TablesAboveLeaves, are_others_where_the_source_has_both_and_nobody_knows_which_is_which) {
  leaf(1, {p_}, {q_});
  now_.parents[p_] = 7;
  EXPECT_EQ(planned(), "");
  EXPECT_EQ(planned({{p_, 7}}), "");
  EXPECT_EQ(planned({{p_, now_.parents.at(q_)}}), R"(ALTER TABLE "s"."p" RENAME TO "q"; (1) )");
}

TEST_F(TablesAboveLeaves, are_others_where_partitions_of_one_went_to_several_or_those_of_several_to_one) {
  leaf(1, {p_}, {q_});
  leaf(2, {p_}, {r_});
  EXPECT_EQ(planned(), "");
  known_.pop_back();
  leaf(3, {m_}, {q_});
  EXPECT_EQ(planned(), "");
}

TEST_F(TablesAboveLeaves, are_others_where_the_bound_or_the_depth_is_another_or_the_target_has_both) {
  leaf(1, {p_}, {q_}, "FOR VALUES IN (2)");
  leaf(2, {p_}, {m_, q_});
  EXPECT_EQ(planned(), "");
  leaf(3, {p_}, {q_});
  EXPECT_NE(planned(), "");
  there_.partitioned.insert(q_);
  EXPECT_EQ(planned(), "");
}

TEST_F(TablesAboveLeaves, change_names_with_each_other) {
  leaf(1, {p_}, {q_});
  leaf(2, {q_}, {p_});
  EXPECT_EQ(planned(), "");
  EXPECT_EQ(planned({{p_, now_.parents.at(q_)}, {q_, now_.parents.at(p_)}}),
            R"(ALTER TABLE "s"."p" RENAME TO "tributary 100"; ALTER TABLE "s"."q" RENAME TO "tributary 101"; )"
            R"(ALTER TABLE "s"."tributary 100" RENAME TO "q"; ALTER TABLE "s"."tributary 101" RENAME TO "p"; (2) )");
}

TEST_F(TablesAboveLeaves, that_somebody_has_renamed_are_recorded) {
  leaf(1, {q_}, {q_});
  EXPECT_EQ(planned(), "");
  EXPECT_EQ(ids_of_parents(known_, now_, there_), (ParentIds{{q_, 100}}));
  known_[0].shape->above = p_;
  EXPECT_EQ(planned(), " (1) ");
}

}  // namespace
}  // namespace tributary::postgres::sync

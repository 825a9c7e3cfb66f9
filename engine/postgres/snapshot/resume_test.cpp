#include "engine/postgres/snapshot/resume.h"

#include <gmock/gmock.h>

#include "engine/postgres/snapshot/stream_start.h"

namespace tributary::postgres {
namespace {

using ::testing::HasSubstr;
using State = FollowedTable::State;

const model::Name orders{"public", "orders"};
const model::Name lines{"public", "lines"};

TableShape shape_of(const model::Name& name) {
  TableShape shape;
  shape.name = name;
  shape.storage = "16400";
  shape.columns.emplace_back();
  shape.columns.back().number = 3;
  return shape;
}

model::Table table_of(const model::Name& name) {
  model::Table table;
  table.name = name;
  table.shape = words_of(shape_of(name));
  return table;
}

// Two tables that were finished at 100, and a snapshot at 200.
class TablesToResume : public ::testing::Test {
 protected:
  TablesToResume() {
    contents.snapshot.position = model::Lsn{200};
    contents.snapshot.stream.emplace();
    contents.snapshot.stream->from = model::Lsn{100};
    contents.snapshot.stream->streamed = {orders, lines};
    contents.tables = {table_of(orders), table_of(lines)};
    for (const model::Table& table : contents.tables) {
      former.records[table.name] = {true, {5, 50}};
      former.followed.push_back({table.name, State::followed, model::Lsn{100}, ""});
      former.shapes[table.name] = shape_of(table.name);
      former.existing.insert(table.name);
      former.filled.insert(table.name);
    }
  }
  std::set<model::Name> kept() const {
    std::set<model::Name> names;
    for (const auto& [name, record] : tables_to_resume(contents, former)) names.insert(name);
    return names;
  }

  pipeline::Contents contents;
  FormerTables former;
};

TEST_F(TablesToResume, are_those_that_are_finished_and_followed) {
  EXPECT_EQ(kept(), (std::set{orders, lines}));
}

TEST_F(TablesToResume, lack_what_is_half_copied) {
  former.records[orders].done = false;
  EXPECT_EQ(kept(), std::set{lines});
}

TEST_F(TablesToResume, lack_what_has_stopped_or_is_not_streamed) {
  former.followed[0].state = State::stopped;
  former.followed[1].state = State::not_streamed;
  EXPECT_TRUE(kept().empty());
}

TEST_F(TablesToResume, lack_what_is_not_streamed_any_more) {
  contents.snapshot.stream->streamed = {lines};
  EXPECT_EQ(kept(), std::set{lines});
}

TEST_F(TablesToResume, lack_what_was_rewritten_on_the_source) {
  former.shapes[orders].storage = "16999";
  EXPECT_EQ(kept(), std::set{lines});
}

TEST_F(TablesToResume, lack_what_has_a_column_made_anew) {
  former.shapes[orders].columns[0].number = 2;
  EXPECT_EQ(kept(), std::set{lines});
}

TEST_F(TablesToResume, lack_what_nobody_knows_the_former_shape_of) {
  former.shapes.erase(orders);
  EXPECT_EQ(kept(), std::set{lines});
}

TEST_F(TablesToResume, lack_what_was_emptied_or_dropped_on_the_target) {
  former.filled.erase(orders);
  EXPECT_EQ(kept(), std::set{lines});
  former.records[orders].count.rows = 0;
  EXPECT_EQ(kept(), (std::set{orders, lines})) << "it was empty when it was copied";
  former.existing.erase(orders);
  EXPECT_EQ(kept(), std::set{lines});
}

TEST_F(TablesToResume, are_all_or_none_of_a_route) {
  for (model::Table& table : contents.tables) table.route = model::Name{"public", "all"};
  EXPECT_EQ(kept(), (std::set{orders, lines}));
  former.filled.clear();
  EXPECT_EQ(kept(), (std::set{orders, lines})) << "their rows lie wherever the target puts them";
  former.records[orders].done = false;
  EXPECT_TRUE(kept().empty());
}

// A stream from 100 that has come to 150, and tables up to 180; the source is at 300.
class AFormerStream : public ::testing::Test {
 protected:
  AFormerStream() {
    former.slot = former.publication = "tributary_shop";
    former.timeline = 1;
    former.from = model::Lsn{100};
    former.applied = model::Lsn{150};
    former.copied = model::Lsn{180};
    now.system = {"7311", 1, model::Lsn{300}};
    now.slot.emplace();
    now.slot->plugin = "pgoutput";
    now.slot->database = "shop";
    now.slot->confirmed_flush = model::Lsn{150};
    now.slot->restart = model::Lsn{90};
    now.publication.emplace();
    now.publication->tables = {lines, orders};
    now.wanted.published = {orders, lines};
  }
  std::string why() const { return why_not_resume(former, {"7311", "shop"}, now); }

  pipeline::FormerStream former;
  ResumeFacts now;
};

TEST_F(AFormerStream, leads_on_where_all_is_as_it_was) {
  EXPECT_EQ(why(), "");
  now.slot->confirmed_flush = model::Lsn{100};
  EXPECT_EQ(why(), "") << "less was confirmed than applied";
}

TEST_F(AFormerStream, does_not_without_its_slot) {
  now.slot.reset();
  EXPECT_THAT(why(), HasSubstr("does not exist"));
}

TEST_F(AFormerStream, does_not_with_a_slot_that_was_invalidated) {
  now.slot->wal_status = "lost";
  EXPECT_THAT(why(), HasSubstr("was invalidated"));
}

TEST_F(AFormerStream, does_not_where_more_was_confirmed_than_is_applied) {
  now.slot->confirmed_flush = model::Lsn{151};
  EXPECT_THAT(why(), HasSubstr("not sent any more"));
}

TEST_F(AFormerStream, does_not_with_a_slot_that_is_older_than_the_stream) {
  now.slot->confirmed_flush = model::Lsn{99};
  EXPECT_THAT(why(), HasSubstr("below where the stream began"));
}

TEST_F(AFormerStream, does_not_with_a_slot_of_another_kind_or_database) {
  now.slot->plugin = "test_decoding";
  EXPECT_THAT(why(), HasSubstr("test_decoding"));
  now.slot->plugin = "pgoutput";
  now.slot->database = "stock";
  EXPECT_THAT(why(), HasSubstr("stock"));
}

TEST_F(AFormerStream, does_not_on_another_system_or_timeline) {
  now.system.timeline = 2;
  EXPECT_THAT(why(), HasSubstr("timeline 2"));
  now.system = {"8000", 1, model::Lsn{300}};
  EXPECT_THAT(why(), HasSubstr("another system"));
}

TEST_F(AFormerStream, does_not_where_the_source_was_set_back_below_a_table) {
  now.system.end = model::Lsn{179};
  EXPECT_THAT(why(), HasSubstr("at which tables were copied"));
}

TEST_F(AFormerStream, does_not_where_its_publication_is_not_what_it_was) {
  now.publication->tables = {orders};
  EXPECT_THAT(why(), HasSubstr("is not what the selected tables need"));
  now.publication->tables = {orders, lines};
  now.publication->truncate = false;
  EXPECT_THAT(why(), HasSubstr("is not what the selected tables need"));
  now.publication.reset();
  EXPECT_THAT(why(), HasSubstr("does not exist"));
}

TEST_F(AFormerStream, minds_not_what_else_somebodys_own_publication_carries) {
  former.owns_publication = false;
  now.publication->tables.push_back({"public", "other"});
  EXPECT_EQ(why(), "");
}

TEST(ASlotThatACopyCanDoWithout, is_made_where_the_source_has_room_for_it) {
  Server source;
  source.wal_level = "logical";
  source.max_replication_slots = source.max_wal_senders = 2;
  source.used_replication_slots = source.used_wal_senders = 1;
  EXPECT_EQ(why_no_slot(source, true), "");
  EXPECT_THAT(why_no_slot(source, false), HasSubstr("REPLICATION"));
  source.used_replication_slots = 2;
  EXPECT_THAT(why_no_slot(source, true), HasSubstr("all 2 replication slots"));
  source.used_replication_slots = 1;
  source.used_wal_senders = 2;
  EXPECT_THAT(why_no_slot(source, true), HasSubstr("all 2 walsenders"));
  source.wal_level = "replica";
  EXPECT_THAT(why_no_slot(source, true), HasSubstr("wal_level"));
  source.in_recovery = true;
  EXPECT_THAT(why_no_slot(source, true), HasSubstr("standby"));
}

}  // namespace
}  // namespace tributary::postgres

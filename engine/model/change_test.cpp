#include "engine/model/change.h"

#include <gtest/gtest.h>

namespace tributary::model {
namespace {

TEST(ABatch, owns_what_its_events_refer_to) {
  Batch batch;
  auto table = std::make_shared<const LogTable>(LogTable{7, {"public", "orders"}, LogTable::Identity::primary_key, {}});
  {
    std::string text = "a value longer than what a string keeps inside itself";
    const std::span<Value> row = batch.row(2);
    row[0] = {Value::Kind::text, batch.keep(text)};
    Event insert;
    insert.kind = Event::Kind::insert;
    insert.table = batch.keep(table);
    insert.new_row = row;
    batch.add(insert);
    text.assign(text.size(), 'x');
  }
  table.reset();

  const Event& insert = batch.events().front();
  EXPECT_EQ(insert.table->name.name, "orders");
  EXPECT_EQ(insert.new_row[0].bytes, "a value longer than what a string keeps inside itself");
  EXPECT_EQ(insert.new_row[1].kind, Value::Kind::null);
}

TEST(ABatch, keeps_earlier_rows_in_place_while_it_grows) {
  Batch batch;
  const std::span<Value> first = batch.row(1);
  first[0] = {Value::Kind::text, batch.keep("first")};
  for (int more = 0; more < 10'000; ++more) batch.row(3)[0] = {Value::Kind::text, batch.keep("another")};
  EXPECT_EQ(first[0].bytes, "first");
  EXPECT_GT(batch.bytes(), 10'000 * 3 * sizeof(Value));
}

TEST(ABatch, counts_a_table_once) {
  Batch batch;
  const LogTable wide{1, {"public", "wide"}, {}, std::vector<LogTable::Column>(1000)};
  const auto one = std::make_shared<const LogTable>(wide);
  const auto two = std::make_shared<const LogTable>(wide);
  batch.keep(one);
  const std::size_t bytes = batch.bytes();
  EXPECT_GT(bytes, 1000 * sizeof(LogTable::Column));
  batch.keep(two);
  EXPECT_EQ(batch.bytes(), 2 * bytes);
  batch.keep(one);
  batch.keep(two);
  EXPECT_EQ(batch.bytes(), 2 * bytes);
  EXPECT_EQ(two.use_count(), 2);
}

TEST(ABatch, keeps_a_list_of_tables) {
  Batch batch;
  const auto one = std::make_shared<const LogTable>(LogTable{1, {"public", "one"}, {}, {}});
  const auto two = std::make_shared<const LogTable>(LogTable{2, {"public", "two"}, {}, {}});
  std::span<const LogTable* const> kept;
  {
    const std::vector<const LogTable*> listed{batch.keep(one), batch.keep(two)};
    kept = batch.keep(listed);
  }
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[1]->name.name, "two");
}

}  // namespace
}  // namespace tributary::model

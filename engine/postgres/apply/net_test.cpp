#include "engine/postgres/apply/net.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>

#include "engine/postgres/apply/testing/change_log.h"

namespace tributary::postgres::apply {
namespace {

using model::Event;
using model::LogTable;
using model::Row;
using model::Value;
using testbed::Cell;
using testbed::Cells;
using testbed::ChangeLog;

const Cell same = Cell::same();

// Key columns first, then two others.
testbed::LogTablePtr table_of(std::size_t key) {
  auto table = std::make_shared<LogTable>();
  table->identity = key == 0 ? LogTable::Identity::none : LogTable::Identity::primary_key;
  for (std::size_t at = 0; at < key; ++at) table->columns.push_back({"k" + std::to_string(at), 25, -1, true});
  table->columns.push_back({"a", 25, -1, false});
  table->columns.push_back({"b", 25, -1, false});
  return table;
}

std::string text_of(Row row) {
  std::string text;
  for (const Value& value : row) {
    text += text.empty() ? "" : " ";
    text += value.kind == Value::Kind::null        ? "-"
            : value.kind == Value::Kind::unchanged ? "~"
                                                   : std::string(value.bytes);
  }
  return text;
}

// "D key; U key: row; I row", or "in order" where there is no sum.
std::string sum_of(const ChangeLog& log, std::size_t key = 1, bool may_move_rows = true) {
  NetShape shape;
  for (std::size_t at = 0; at < key; ++at) shape.key.push_back(at);
  shape.may_move_rows = may_move_rows;
  Net net(shape);
  for (const Event& event : log.batch().events()) {
    if (!net.add(event)) return "in order";
  }
  std::string sum;
  for (const Row row : net.removed()) sum += "D " + text_of(row.subspan(0, key)) + "; ";
  for (const Net::Update& update : net.updated())
    sum += "U " + text_of(update.key.subspan(0, key)) + ": " + text_of(update.row) + "; ";
  for (const Row row : net.inserted()) sum += "I " + text_of(row) + "; ";
  return sum;
}

const testbed::LogTablePtr t = table_of(1);

TEST(ANet, of_an_insert_and_updates_is_an_insert) {
  EXPECT_EQ(sum_of(ChangeLog().insert(t, {"1", "a", "b"}).update(t, {"1", "c", same}).update(t, {"1", nullptr, same})),
            "I 1 - b; ");
}

TEST(ANet, of_an_insert_and_a_delete_is_nothing) {
  EXPECT_EQ(sum_of(ChangeLog().insert(t, {"1", "a", "b"}).remove(t, {"1", nullptr, nullptr})), "");
  EXPECT_EQ(
      sum_of(ChangeLog().insert(t, {"1", "a", "b"}).remove(t, {"1", nullptr, nullptr}).insert(t, {"1", "c", "d"})),
      "I 1 c d; ");
}

TEST(ANet, of_updates_is_an_update_that_leaves_out_what_none_tells) {
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"1", "a", same}).update(t, {"1", "b", same})), "U 1: 1 b ~; ");
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"1", same, "x"}).update(t, {"1", "b", same})), "U 1: 1 b x; ");
}

TEST(ANet, of_an_update_and_a_delete_is_a_delete) {
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"1", "a", "b"}).remove(t, {"1", nullptr, nullptr})), "D 1; ");
}

TEST(ANet, of_a_delete_and_an_insert_is_both) {
  EXPECT_EQ(
      sum_of(ChangeLog().remove(t, {"1", nullptr, nullptr}).insert(t, {"1", "a", "b"}).update(t, {"1", "c", same})),
      "D 1; I 1 c b; ");
  EXPECT_EQ(
      sum_of(
          ChangeLog().remove(t, {"1", nullptr, nullptr}).insert(t, {"1", "a", "b"}).remove(t, {"1", nullptr, nullptr})),
      "D 1; ");
}

TEST(ANet, of_a_changed_key_is_a_delete_and_an_insert) {
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"2", "a", "b"}, {"1", nullptr, nullptr})), "D 1; I 2 a b; ");
  EXPECT_EQ(sum_of(ChangeLog().insert(t, {"1", "a", "b"}).update(t, {"2", "c", same}, {"1", nullptr, nullptr})),
            "I 2 c b; ");
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"1", "a", "b"}).update(t, {"2", same, same}, {"1", nullptr, nullptr})),
            "D 1; I 2 a b; ");
}

TEST(ANet, of_swapped_keys_exchanges_the_rows) {
  EXPECT_EQ(sum_of(ChangeLog()
                       .update(t, {"9", "a", "b"}, {"1", nullptr, nullptr})
                       .update(t, {"1", "c", "d"}, {"2", nullptr, nullptr})
                       .update(t, {"2", "a", "b"}, {"9", nullptr, nullptr})),
            "D 1; D 2; I 1 c d; I 2 a b; ");
}

TEST(ANet, takes_an_old_row_with_the_same_key_for_a_plain_update) {
  EXPECT_EQ(sum_of(ChangeLog().update(t, {same, "a", same}, {"1", nullptr, nullptr})), "U 1: ~ a ~; ");
}

TEST(ANet, is_none_where_the_changes_do_not_tell_enough) {
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"2", "a", same}, {"1", nullptr, nullptr})), "in order");
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"2", "a", "b"}, {"1", nullptr, nullptr}), 1, false), "in order");
  EXPECT_EQ(sum_of(ChangeLog().remove(t, {nullptr, nullptr, nullptr})), "in order");
  EXPECT_EQ(sum_of(ChangeLog().remove(t, {"1", "a", "b"}), 0), "in order");
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"1", "a", "b"}), 0), "in order");
}

TEST(ANet, is_none_where_the_changes_do_not_fit_each_other) {
  EXPECT_EQ(sum_of(ChangeLog().insert(t, {"1", "a", "b"}).insert(t, {"1", "a", "b"})), "in order");
  EXPECT_EQ(sum_of(ChangeLog().update(t, {"1", "a", "b"}).insert(t, {"1", "a", "b"})), "in order");
  const Cells gone{"1", nullptr, nullptr};
  EXPECT_EQ(sum_of(ChangeLog().remove(t, gone).remove(t, gone)), "in order");
  EXPECT_EQ(sum_of(ChangeLog().remove(t, gone).update(t, {"1", "a", "b"})), "in order");
}

TEST(ANet, without_a_key_is_all_inserts) {
  EXPECT_EQ(sum_of(ChangeLog().insert(t, {"1", "a", "b"}).insert(t, {"1", "a", "b"}), 0), "I 1 a b; I 1 a b; ");
}

TEST(ANet, tells_keys_of_several_columns_apart_by_each_of_them) {
  const testbed::LogTablePtr two = table_of(2);
  EXPECT_EQ(sum_of(ChangeLog().insert(two, {"1", "11", "a", "b"}).insert(two, {"11", "1", "a", "b"}), 2),
            "I 1 11 a b; I 11 1 a b; ");
  EXPECT_EQ(sum_of(ChangeLog().insert(two, {"1", "", "a", "b"}).update(two, {"1", "", "c", same}), 2), "I 1  c b; ");
}

// A table as a map, which takes each change by itself.
class Model {
 public:
  explicit Model(std::uint32_t seed) : random_(seed) {}

  // Carries out a random change that fits, and logs it.
  void change(ChangeLog& log) {
    const std::string key = pick();
    const auto row = rows.find(key);
    if (row == rows.end()) {
      rows[key] = {value(), value()};
      log.insert(t, {key, rows[key].first, rows[key].second});
    } else if (chance(3)) {
      rows.erase(row);
      log.remove(t, {key, nullptr, nullptr});
    } else if (const std::string other = pick(); chance(3) && rows.count(other) == 0) {
      rows[other] = {value(), row->second.second};
      const bool told = !chance(4);
      log.update(t, {other, rows[other].first, told ? Cell(rows[other].second) : same}, {key, nullptr, nullptr});
      rows.erase(row);
    } else {
      row->second.first = value();
      const bool told = chance(2);
      if (told) row->second.second = value();
      log.update(t, {key, row->second.first, told ? Cell(row->second.second) : same});
    }
  }

  std::map<std::string, std::pair<std::string, std::string>> rows;

 private:
  bool chance(unsigned in) { return random_() % in == 0; }
  std::string pick() { return std::to_string(random_() % 12); }
  std::string value() { return "v" + std::to_string(++values_); }
  std::mt19937 random_;
  int values_ = 0;
};

// Carries out a sum; false where a row is not as it must be.
bool carry_out(const Net& net, std::map<std::string, std::pair<std::string, std::string>>& rows) {
  for (const Row key : net.removed()) {
    if (rows.erase(std::string(key[0].bytes)) != 1) return false;
  }
  for (const Net::Update& update : net.updated()) {
    const auto row = rows.find(std::string(update.key[0].bytes));
    if (row == rows.end()) return false;
    if (update.row[1].kind == Value::Kind::text) row->second.first = update.row[1].bytes;
    if (update.row[2].kind == Value::Kind::text) row->second.second = update.row[2].bytes;
  }
  for (const Row row : net.inserted()) {
    if (!rows.emplace(row[0].bytes, std::pair(row[1].bytes, row[2].bytes)).second) return false;
  }
  return true;
}

TEST(ANet, leads_where_the_changes_lead_one_by_one) {
  const std::uint32_t first = std::random_device{}();
  int summed = 0;
  for (std::uint32_t seed = first; seed != first + 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed);
    ChangeLog before;
    for (int change = 0; change < 30; ++change) model.change(before);
    auto rows = model.rows;
    ChangeLog log;
    for (int change = 0; change < 25; ++change) model.change(log);
    Net net({{0}, true});
    bool has_sum = true;
    for (const Event& event : log.batch().events()) has_sum = has_sum && net.add(event);
    if (!has_sum) continue;
    ++summed;
    ASSERT_TRUE(carry_out(net, rows));
    ASSERT_EQ(rows, model.rows);
  }
  EXPECT_GT(summed, 200);
}

}  // namespace
}  // namespace tributary::postgres::apply

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>

#include "engine/postgres/apply/testing/change_log.h"
#include "engine/postgres/apply/testing/replica.h"

// Random transactions, applied in order to one database and by sums to another, and carried out in memory by the
// test's own rules: all three end with the same rows.
namespace tributary::postgres::apply {
namespace {

using pipeline::ApplyMode;
using testbed::Cell;
using testbed::Cells;
using testbed::ChangeLog;
using testbed::LogTablePtr;
using testbed::Replica;

const char* const tables_sql =
    "CREATE TABLE plain (id int PRIMARY KEY, a text, big text, n numeric(8,3), ok bool);"
    "CREATE TABLE two (a text, b int, at timestamptz, big text, PRIMARY KEY (a, b));"
    "CREATE TABLE whole (n numeric, j json, x text, big text); ALTER TABLE whole REPLICA IDENTITY FULL;"
    "CREATE TABLE history (id int, what text);"
    "CREATE TABLE codes (id int PRIMARY KEY, code int UNIQUE, x text);"
    "CREATE TABLE numbers (k numeric PRIMARY KEY, a text, big text);"
    "CREATE TABLE always (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text,"
    "  n int GENERATED ALWAYS AS IDENTITY (START 5), big text);"
    "CREATE TABLE padded (k char(3) PRIMARY KEY, a varchar(40), twice text GENERATED ALWAYS AS (a || a) STORED)";

// One table and its rows as the source would have them.
class ModelTable {
 public:
  // What makes a new value of each column; columns named big may be left out of an update.
  using Maker = std::function<Cell(std::mt19937&)>;

  ModelTable(LogTablePtr log, std::vector<Maker> makers) : log_(std::move(log)), makers_(std::move(makers)) {}

  void change(ChangeLog& out, std::mt19937& random) {
    const bool only_inserts = log_->identity == model::LogTable::Identity::none;
    if (rows_.empty() || only_inserts || random() % 3 == 0) return insert(out, random);
    if (random() % 4 == 0) return remove(out, random);
    if (!is_whole() && rows_.size() > 1 && random() % 6 == 0) return swap(out, random);
    update(out, random);
  }
  void empty() { rows_.clear(); }
  const LogTablePtr& log() const { return log_; }

  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const Cells& row : rows_) {
      std::string line;
      for (const Cell& cell : row) line += (cell.kind == model::Value::Kind::null ? "-" : cell.text) + "|";
      lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  std::string select() const {
    std::string columns;
    for (const auto& column : log_->columns) columns += (columns.empty() ? "" : ", ") + column.name;
    return "SELECT " + columns + " FROM " + log_->name.name;
  }

 private:
  bool is_whole() const { return log_->identity == model::LogTable::Identity::whole_row; }
  bool is_key(std::size_t at) const { return log_->columns[at].identifies && !is_whole(); }
  std::size_t pick(std::mt19937& random) const { return random() % rows_.size(); }

  // Numbers that differ in their zeros are one key, and the codes are unique.
  static std::string value_of(const Cell& cell) {
    const std::size_t dot = cell.text.find('.');
    return cell.text.substr(0, dot);
  }
  bool fits(const Cells& row, std::size_t but) const {
    for (std::size_t other = 0; other < rows_.size(); ++other) {
      if (other == but || is_whole() || log_->identity == model::LogTable::Identity::none) continue;
      bool same_key = true;
      for (std::size_t at = 0; at < row.size(); ++at)
        same_key = same_key && (!is_key(at) || value_of(row[at]) == value_of(rows_[other][at]));
      const bool same_code =
          log_->name.name == "codes" && row[1].kind == model::Value::Kind::text && row[1].text == rows_[other][1].text;
      if (same_key || same_code) return false;
    }
    return true;
  }
  Cells key_of(const Cells& row) const {
    Cells key = row;
    for (std::size_t at = 0; at < key.size(); ++at) {
      if (!is_key(at) && !is_whole()) key[at] = Cell(nullptr);
    }
    return key;
  }
  // Of a changed row, as the log tells it.
  Cells told(const Cells& before, Cells after, std::mt19937& random) const {
    for (std::size_t at = 0; at < after.size(); ++at) {
      const bool as_it_was = before[at].kind == after[at].kind && before[at].text == after[at].text;
      if (as_it_was && log_->columns[at].name == "big" && random() % 3 != 0) after[at] = Cell::same();
    }
    return after;
  }

  void insert(ChangeLog& out, std::mt19937& random) {
    Cells row;
    for (const Maker& make : makers_) row.push_back(make(random));
    if (!fits(row, rows_.size())) return;
    rows_.push_back(row);
    out.insert(log_, row);
  }
  void remove(ChangeLog& out, std::mt19937& random) {
    const std::size_t at = pick(random);
    out.remove(log_, key_of(rows_[at]));
    rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void update(ChangeLog& out, std::mt19937& random) {
    const std::size_t which = pick(random);
    Cells row = rows_[which];
    bool moves = false;
    for (std::size_t at = 0; at < row.size(); ++at) {
      if (random() % (is_key(at) ? 6 : 2) != 0) continue;
      const std::string before = row[at].text;
      row[at] = makers_[at](random);
      moves = moves || (is_key(at) && row[at].text != before);
    }
    if (fits(row, which)) replace(out, random, which, row, moves);
  }
  void replace(ChangeLog& out, std::mt19937& random, std::size_t which, const Cells& row, bool moves) {
    out.update(log_, told(rows_[which], row, random), moves || is_whole() ? key_of(rows_[which]) : Cells{});
    rows_[which] = row;
  }
  // Two rows exchange their keys by way of a third.
  void swap(ChangeLog& out, std::mt19937& random) {
    const std::size_t one = pick(random);
    const std::size_t other = pick(random);
    Cells aside = rows_[one];
    for (std::size_t at = 0; at < aside.size(); ++at) {
      if (is_key(at)) aside[at] = makers_[at](random);
    }
    if (one == other || !fits(aside, rows_.size())) return;
    const Cells first = rows_[one];
    const Cells second = rows_[other];
    replace(out, random, one, aside, true);
    replace(out, random, other, with_key(second, first), true);
    replace(out, random, one, with_key(aside, second), true);
  }
  Cells with_key(Cells row, const Cells& key) const {
    for (std::size_t at = 0; at < row.size(); ++at) {
      if (is_key(at)) row[at] = key[at];
    }
    return row;
  }

  LogTablePtr log_;
  std::vector<Maker> makers_;
  std::vector<Cells> rows_;
};

ModelTable::Maker number(unsigned below) {
  return [below](std::mt19937& random) { return Cell(std::to_string(random() % below)); };
}
ModelTable::Maker word(const char* start, unsigned below) {
  return [start, below](std::mt19937& random) { return Cell(start + std::to_string(random() % below)); };
}
ModelTable::Maker or_null(ModelTable::Maker make) {
  return [make](std::mt19937& random) { return random() % 5 == 0 ? Cell(nullptr) : make(random); };
}
Cell large(std::mt19937& random) {
  return Cell(std::string(random() % 6000, static_cast<char>('a' + random() % 26)));
}
Cell scaled(std::mt19937& random) {
  static const char* const ends[] = {"", ".0", ".00"};
  return Cell(std::to_string(random() % 15) + ends[random() % 3]);
}

std::vector<ModelTable> model_of(const Replica& replica) {
  const auto log = [&](const char* table) { return testbed::described(replica.database(), table); };
  const auto choice = [](std::vector<const char*> of) {
    return [of](std::mt19937& random) { return Cell(of[random() % of.size()]); };
  };
  const auto moments = choice({"2024-02-29 12:00:00+00", "infinity", "0044-03-15 12:00:00+00 BC"});
  return {
      {log("plain"),
       {number(40), or_null(word("a", 1000)), or_null(large), choice({"1.000", "2.500"}), choice({"t", "f"})}},
      {log("two"), {word("x\\'\"{,", 6), number(6), or_null(moments), large}},
      {log("whole"),
       {or_null(scaled), or_null(choice({"{\"a\": 1}", "[]"})), or_null(word("x", 2)), choice({"", "long"})}},
      {log("history"), {number(1000000), or_null(word("", 5))}},
      {log("codes"), {number(15), or_null(number(20)), word("x", 100)}},
      {log("numbers"), {scaled, word("a", 100), large}},
      {log("always"), {number(25), or_null(word("a", 100)), number(1000), large}},
      {log("padded"), {choice({"a  ", "b  ", "cc ", "ddd", "   "}), or_null(word("a ", 100))}},
  };
}

std::vector<std::string> lines_of(const Replica& replica, const std::string& select) {
  std::vector<std::string> lines;
  for (const auto& row : replica.database().query(select)) {
    std::string line;
    for (const auto& value : row) line += value.value_or("-") + "|";
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// One group: transactions in batches that begin and end anywhere.
std::vector<std::shared_ptr<const model::Batch>> group(std::vector<ModelTable>& tables, ChangeLog& log,
                                                       std::mt19937& random) {
  std::vector<std::shared_ptr<const model::Batch>> batches;
  for (auto transactions = 1 + random() % 12; transactions > 0; --transactions) {
    log.begin();
    for (auto changes = random() % 8; changes > 0; --changes) {
      tables[random() % tables.size()].change(log, random);
      if (random() % 20 == 0) batches.push_back(log.cut());
    }
    if (random() % 40 == 0) {
      ModelTable& one = tables[random() % tables.size()];
      ModelTable& other = tables[random() % tables.size()];
      one.empty();
      other.empty();
      log.truncate({one.log(), other.log()}, true);
    }
    log.commit();
  }
  batches.push_back(log.cut());
  return batches;
}

void carry(pipeline::Applier& applier, const std::vector<std::shared_ptr<const model::Batch>>& batches,
           ApplyMode mode) {
  const Until soon{Deadline::after(Seconds{60}), {}};
  for (const auto& batch : batches) {
    const Result<void> applied = applier.apply(*batch, mode, soon);
    ASSERT_TRUE(applied) << describe(applied.error());
  }
  const Result<void> committed = applier.commit(false, soon);
  ASSERT_TRUE(committed) << describe(committed.error());
}

class RandomChanges : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Majors, RandomChanges, ::testing::Values(13, 15, 17, 18));

TEST_P(RandomChanges, lead_to_the_same_rows_in_order_by_sums_and_in_memory) {
  const std::uint32_t first = std::random_device{}();
  for (std::uint32_t seed = first; seed != first + 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Replica ordered(testbed::server(GetParam()), tables_sql);
    Replica coalesced(testbed::server(GetParam()), tables_sql);
    std::vector<ModelTable> tables = model_of(ordered);
    const auto in_order = ordered.open();
    const auto by_sums = coalesced.open();
    ChangeLog log;
    for (int groups = 0; groups < 60; ++groups) {
      const auto batches = group(tables, log, random);
      ASSERT_NO_FATAL_FAILURE(carry(*in_order, batches, ApplyMode::ordered));
      ASSERT_NO_FATAL_FAILURE(carry(*by_sums, batches, random() % 5 == 0 ? ApplyMode::ordered : ApplyMode::coalesced));
    }
    for (const ModelTable& table : tables) {
      EXPECT_EQ(lines_of(ordered, table.select()), table.lines()) << table.log()->name.name;
      EXPECT_EQ(lines_of(coalesced, table.select()), table.lines()) << table.log()->name.name;
    }
    EXPECT_EQ(ordered.ledger(), coalesced.ledger());
  }
}

}  // namespace
}  // namespace tributary::postgres::apply

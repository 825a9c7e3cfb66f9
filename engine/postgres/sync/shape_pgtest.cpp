#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Tables of the source that are defined anew while a stream follows them: the target is equal in the end, or the ledger
// says that the table is not.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::StreamPair;
using testbed::wait_until;
using ::testing::HasSubstr;

constexpr Milliseconds often{50};

struct Case {
  const char* change;  // of table $
  const char* write;   // goes by it
  const char* state;   // "" followed, else "recopy" or "stopped", and
  const char* words;   // of the reason
};

const Case cases[] = {
    {"ALTER TABLE $ ADD COLUMN more text", "UPDATE $ SET more = 'x' WHERE id % 2 = 0", "", ""},
    {"ALTER TABLE $ ADD COLUMN more text NOT NULL DEFAULT 'it''s'", "INSERT INTO $ VALUES (1001, 'w', 1, 'own')", "",
     ""},
    {"ALTER TABLE $ ADD COLUMN more timestamptz DEFAULT now()", "INSERT INTO $ VALUES (1001, 'w', 1)", "", ""},
    {"ALTER TABLE $ ADD COLUMN more int[] DEFAULT '{1,NULL,3}'; ALTER TABLE $ ALTER more SET DEFAULT '{}'",
     "INSERT INTO $ VALUES (1001, 'w', 1)", "", ""},
    {"ALTER TABLE $ ADD COLUMN a int DEFAULT 1, ADD COLUMN b numeric(6,2) DEFAULT 2.50; ALTER TABLE $ ADD COLUMN c "
     "bytea DEFAULT '\\x00ff'",
     "DELETE FROM $ WHERE id = 5", "", ""},
    {"ALTER TABLE $ ADD COLUMN more float8 DEFAULT random()", "INSERT INTO $ VALUES (1001, 'w', 1)", "recopy",
     "column \"more\" was added and the rows were rewritten"},
    {"ALTER TABLE $ ADD COLUMN more serial", "INSERT INTO $ VALUES (1001, 'w', 1)", "recopy", "column \"more\""},
    {"ALTER TABLE $ DROP COLUMN word", "INSERT INTO $ VALUES (1001, 1)", "recopy", "column \"word\" was dropped"},
    {"ALTER TABLE $ ALTER COLUMN n TYPE bigint", "INSERT INTO $ VALUES (1001, 'w', 5000000000)", "recopy",
     "column \"n\" was changed from integer to bigint"},
    {"ALTER TABLE $ ALTER COLUMN word TYPE varchar(40)", "INSERT INTO $ VALUES (1001, repeat('w', 33), 1)", "", ""},
    {"ALTER TABLE $ ALTER COLUMN n TYPE int USING n * 2", "INSERT INTO $ VALUES (1001, 'w', 1)", "recopy",
     "its rows were rewritten by ALTER TABLE"},
    {"ALTER TABLE $ RENAME COLUMN word TO term", "UPDATE $ SET term = 'x' WHERE id = 1", "recopy",
     "column \"word\" was renamed to \"term\""},
    {"ALTER TABLE $ RENAME COLUMN word TO other; ALTER TABLE $ RENAME COLUMN n TO word; ALTER TABLE $ RENAME COLUMN "
     "other TO n",
     "UPDATE $ SET n = 'x' WHERE id = 1", "recopy", "was renamed"},
    {"ALTER TABLE $ ADD COLUMN gone int; INSERT INTO $ VALUES (1001, 'w', 1, 2); ALTER TABLE $ DROP COLUMN gone",
     "DELETE FROM $ WHERE id = 1", "recopy", "taken the change back"},
    {"VACUUM FULL $", "UPDATE $ SET n = 7 WHERE id = 1", "", ""},
    {"CLUSTER $ USING $_pkey", "UPDATE $ SET n = 7 WHERE id = 1", "", ""},
    {"TRUNCATE $", "INSERT INTO $ VALUES (1, 'after', 1)", "", ""},
    {"ALTER TABLE $ ALTER COLUMN n SET DEFAULT 5, ALTER COLUMN n SET NOT NULL",
     "INSERT INTO $ (id, word) VALUES (1001, 'w')", "", ""},
    {"ALTER TABLE $ ALTER COLUMN word DROP NOT NULL", "INSERT INTO $ VALUES (1001, NULL, 1)", "", ""},
    {"ALTER TABLE $ DROP CONSTRAINT $_pkey, ADD PRIMARY KEY (id, n)", "UPDATE $ SET n = n + 1 WHERE id < 5", "", ""},
    {"ALTER TABLE $ REPLICA IDENTITY FULL", "UPDATE $ SET n = n + 1 WHERE id < 5", "", ""},
    {"ALTER TABLE $ DROP CONSTRAINT $_pkey", "INSERT INTO $ VALUES (1001, 'w', 1)", "not_streamed", "no primary key"},
    {"DROP TABLE $", "SELECT 1", "stopped", "the source has dropped it"},
    {"DROP TABLE $; CREATE TABLE $ (id int PRIMARY KEY, word text, n int)", "INSERT INTO $ VALUES (1, 'new', 1)",
     "recopy", "it was dropped and made anew"},
};

std::string named(const std::string& sql, const std::string& table) {
  std::string text = sql;
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at)) text.replace(at, 1, table);
  return text;
}

std::string table_of(std::size_t at) {
  return "t" + std::to_string(at);
}

void make_tables(const StreamPair& pair) {
  for (std::size_t at = 0; at < std::size(cases); ++at)
    pair.source.exec(
        named("CREATE TABLE $ (id int PRIMARY KEY, word varchar(20) NOT NULL, n int);"
              "INSERT INTO $ SELECT i, 'word ' || i, i FROM generate_series(1, 20) i",
              table_of(at)));
}

// VACUUM will not be one statement of several.
void exec(const StreamPair& pair, const std::string& sql, std::size_t at) {
  pair.source.exec(named(sql, table_of(at)));
}

std::string state_of(const StreamPair& pair, const std::string& table) {
  return pair.target.scalar(
      "SELECT CASE stream WHEN 'followed' THEN '' ELSE stream || ': ' || reason END"
      " FROM _tributary.table_state WHERE table_name = '" +
      table + "'");
}

void expect_equal_or_told(const StreamPair& pair) {
  const auto source = testbed::fingerprint(pair.source.uri());
  const auto target = testbed::fingerprint(pair.target.uri());
  for (std::size_t at = 0; at < std::size(cases); ++at) {
    const Case& each = cases[at];
    const std::string state = state_of(pair, table_of(at));
    if (*each.state == '\0') {
      EXPECT_EQ(state, "") << each.change;
      EXPECT_EQ(target.at("public." + table_of(at)), source.at("public." + table_of(at))) << each.change;
    } else {
      EXPECT_THAT(state, ::testing::StartsWith(std::string(each.state) + ": ")) << each.change;
      EXPECT_THAT(state, HasSubstr(each.words)) << each.change;
    }
  }
}

class ChangedTables : public ::testing::TestWithParam<std::pair<int, int>> {};

INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, ChangedTables,
                         ::testing::Values(std::pair{13, 15}, std::pair{15, 15}, std::pair{17, 18}, std::pair{18, 18}),
                         [](const auto& each) {
                           return std::to_string(each.param.first) + "_to_" + std::to_string(each.param.second);
                         });

TEST_P(ChangedTables, are_equal_or_told_of_while_a_stream_follows) {
  StreamPair pair("shape", GetParam().first, GetParam().second);
  make_tables(pair);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  for (std::size_t at = 0; at < std::size(cases); ++at) {
    exec(pair, "INSERT INTO $ VALUES (501, 'before', 1); UPDATE $ SET n = -n WHERE id = 3", at);
    exec(pair, cases[at].change, at);
    exec(pair, cases[at].write, at);
  }
  pair.wait_until_applied();
  wait_until("the last change is noticed", [&] { return state_of(pair, table_of(22)) != ""; });
  wait_until("rewritten rows are noticed", [&] { return state_of(pair, table_of(10)) != ""; });
  pair.wait_until_applied();
  expect_equal_or_told(pair);
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST_P(ChangedTables, are_equal_or_told_of_when_a_stream_comes_to_them_late) {
  StreamPair pair("shape_late", GetParam().first, GetParam().second);
  make_tables(pair);
  ASSERT_TRUE(done(pair.init()));
  for (std::size_t at = 0; at < std::size(cases); ++at) {
    exec(pair, "INSERT INTO $ VALUES (501, 'before', 1); UPDATE $ SET n = -n WHERE id = 3", at);
    exec(pair, cases[at].change, at);
    exec(pair, cases[at].write, at);
  }
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  expect_equal_or_told(pair);
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

}  // namespace
}  // namespace tributary::postgres::sync

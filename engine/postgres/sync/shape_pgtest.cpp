#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/ledger/session_lock.h"
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
  const char* state;   // "" followed, maybe after it was copied again; else "not_streamed" or "stopped", and
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
    {"ALTER TABLE $ ADD COLUMN more float8 DEFAULT random()", "INSERT INTO $ VALUES (1001, 'w', 1)", "", ""},
    {"ALTER TABLE $ ADD COLUMN more serial", "INSERT INTO $ VALUES (1001, 'w', 1)", "", ""},
    {"ALTER TABLE $ DROP COLUMN word", "INSERT INTO $ VALUES (1001, 1)", "", ""},
    {"ALTER TABLE $ ALTER COLUMN n TYPE bigint", "INSERT INTO $ VALUES (1001, 'w', 5000000000)", "", ""},
    {"ALTER TABLE $ ALTER COLUMN word TYPE varchar(40)", "INSERT INTO $ VALUES (1001, repeat('w', 33), 1)", "", ""},
    {"ALTER TABLE $ ALTER COLUMN n TYPE int USING n * 2", "INSERT INTO $ VALUES (1001, 'w', 1)", "", ""},
    {"ALTER TABLE $ RENAME COLUMN word TO term", "UPDATE $ SET term = 'x' WHERE id = 1", "", ""},
    {"ALTER TABLE $ RENAME COLUMN word TO other; ALTER TABLE $ RENAME COLUMN n TO word; ALTER TABLE $ RENAME COLUMN "
     "other TO n",
     "UPDATE $ SET n = 'x' WHERE id = 1", "", ""},
    {"ALTER TABLE $ ADD COLUMN gone int; INSERT INTO $ VALUES (1001, 'w', 1, 2); ALTER TABLE $ DROP COLUMN gone",
     "DELETE FROM $ WHERE id = 1", "", ""},
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
    {"DROP TABLE $; CREATE TABLE $ (id int PRIMARY KEY, word text, n int)", "INSERT INTO $ VALUES (1, 'new', 1)", "",
     ""},
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

std::string standing_of(const StreamPair& pair, const std::string& table) {
  return pair.target.scalar(
      "SELECT COALESCE(max(CASE stream WHEN 'followed' THEN '' ELSE stream || ': ' || reason END), '')"
      " FROM _tributary.table_state WHERE table_name = '" +
      table + "'");
}

// Those that are copied again meanwhile come back.
bool are_equal_or_told(const StreamPair& pair) {
  const auto source = testbed::fingerprint(pair.source.uri());
  const auto target = testbed::fingerprint(pair.target.uri());
  for (std::size_t at = 0; at < std::size(cases); ++at) {
    const std::string state = standing_of(pair, table_of(at));
    const std::string table = "public." + table_of(at);
    const bool is_equal = state.empty() && target.contains(table) && target.at(table) == source.at(table);
    const bool is_told = *cases[at].state != '\0' && state.starts_with(cases[at].state);
    if (*cases[at].state == '\0' ? !is_equal : !is_told) return false;
  }
  return true;
}

void expect_equal_or_told(const StreamPair& pair) {
  const auto source = testbed::fingerprint(pair.source.uri());
  const auto target = testbed::fingerprint(pair.target.uri());
  for (std::size_t at = 0; at < std::size(cases); ++at) {
    const Case& each = cases[at];
    const std::string state = standing_of(pair, table_of(at));
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
  wait_until("all tables are equal or told of", [&] { return are_equal_or_told(pair); });
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
  wait_until("all tables are equal or told of", [&] { return are_equal_or_told(pair); });
  pair.wait_until_applied();
  expect_equal_or_told(pair);
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// The statements are carried out before the copy, and again after it where the rows may be older.
TEST_P(ChangedTables, are_equal_or_told_of_when_they_are_to_be_copied_again) {
  StreamPair pair("copied", GetParam().first, GetParam().second);
  make_tables(pair);
  pair.source.exec(
      "CREATE TABLE computed (id int PRIMARY KEY, g bigint GENERATED ALWAYS AS (id * 2) STORED);"
      "INSERT INTO computed VALUES (1), (2)");
  ASSERT_TRUE(done(pair.init()));
  testbed::ask_for(pair, "computed");
  pair.source.exec("ALTER TABLE computed ALTER g DROP EXPRESSION; INSERT INTO computed VALUES (3, 7)");
  for (std::size_t at = 0; at < std::size(cases); ++at) {
    testbed::ask_for(pair, table_of(at));
    exec(pair, cases[at].change, at);
    exec(pair, cases[at].write, at);
  }
  for (int copy = 0; copy < 2; ++copy) {
    Following following(pair.spec(api::Mode::sync), often);
    testbed::wait_until_back(pair, "computed");
    wait_until("the tables are equal or told of", [&] { return are_equal_or_told(pair); });
    EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  }
  expect_equal_or_told(pair);
  EXPECT_EQ(standing_of(pair, "computed"), "");
  EXPECT_EQ(pair.target.query("SELECT * FROM computed ORDER BY id"),
            pair.source.query("SELECT * FROM computed ORDER BY id"));
}

TEST_P(ChangedTables, go_on_under_their_new_names) {
  StreamPair pair("renamed", GetParam().first, GetParam().second);
  pair.source.exec(
      "CREATE SCHEMA s; CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a VALUES (1, 1);"
      "CREATE TABLE old (id int PRIMARY KEY); CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec(
      "UPDATE a SET n = 2; ALTER TABLE a RENAME TO b; ALTER TABLE b SET SCHEMA s; INSERT INTO s.b VALUES (2, 2)");
  pair.source.exec("ALTER TABLE old RENAME TO older; ALTER TABLE fresh RENAME TO old");
  pair.source.exec("INSERT INTO old VALUES (2); INSERT INTO older VALUES (7); UPDATE s.b SET n = n + 1");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_EQ(testbed::fingerprint(pair.target.uri()), testbed::fingerprint(pair.source.uri()));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.table_state WHERE stream <> 'followed'"), "0");
}

TEST_P(ChangedTables, are_attached_and_detached_as_on_the_source) {
  StreamPair pair("attached", GetParam().first, GetParam().second);
  pair.source.exec(
      "CREATE TABLE p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);"
      "CREATE TABLE p3 (id int, k int NOT NULL, PRIMARY KEY (id, k)); INSERT INTO p3 VALUES (3, 3), (4, 4);"
      "INSERT INTO p VALUES (1, 1), (2, 2)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec("DELETE FROM p3 WHERE k = 4; ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3)");
  pair.source.exec("ALTER TABLE p DETACH PARTITION p2; INSERT INTO p2 VALUES (9, 9); INSERT INTO p VALUES (5, 3)");
  pair.source.exec("ALTER TABLE p ADD COLUMN more text DEFAULT 'x'; INSERT INTO p VALUES (6, 1, 'y'), (7, 3, 'z')");
  const char* const partitions =
      "SELECT string_agg(inhrelid::regclass::text, ',' ORDER BY 1) FROM pg_inherits i JOIN"
      " pg_class c ON c.oid = i.inhparent AND c.relname = 'p'";
  wait_until("the partitions are those of the source",
             [&] { return pair.target.scalar(partitions) == pair.source.scalar(partitions); });
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_EQ(testbed::fingerprint(pair.target.uri()), testbed::fingerprint(pair.source.uri()));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.table_state WHERE stream <> 'followed'"), "0");
}

TEST_P(ChangedTables, that_are_new_are_created_copied_and_followed) {
  StreamPair pair("new", GetParam().first, GetParam().second);
  pair.source.exec("CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec(
      "CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE child (id serial PRIMARY KEY, parent int REFERENCES parent,"
      " m mood DEFAULT 'fine'); CREATE INDEX ON child (parent); INSERT INTO child (parent) VALUES (1);"
      "CREATE TABLE q (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
      "CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1)");
  wait_until("they are followed", [&] {
    return pair.target.scalar(
               "SELECT count(*) FROM _tributary.table_state WHERE table_name IN ('child', 'q1')"
               " AND stream = 'followed'") == "2";
  });
  pair.source.exec("INSERT INTO child (parent) VALUES (1); INSERT INTO q VALUES (1, 1)");
  pair.wait_until_applied();
  EXPECT_EQ(testbed::fingerprint(pair.target.uri()), testbed::fingerprint(pair.source.uri()));
  const char* const definition =
      "SELECT string_agg(pg_get_constraintdef(oid), '; ' ORDER BY contype) FROM pg_constraint WHERE conrelid ="
      " 'child'::regclass AND contype IN ('p', 'f')";
  EXPECT_EQ(pair.target.scalar(definition), pair.source.scalar(definition));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM pg_indexes WHERE tablename = 'child'"), "2");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM pg_inherits WHERE inhparent = 'q'::regclass"), "1");
  EXPECT_EQ(pair.source.scalar("SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_publication_tables"
                               " WHERE pubname LIKE 'tributary%' AND tablename IN ('child', 'q1')"),
            "child,q1");
}

TEST(TablesThatChange, are_attached_where_they_came_after_the_copy) {
  StreamPair pair("new_leaf", 15, 18);
  pair.source.exec(
      "CREATE TABLE p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1, 1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec("CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2); INSERT INTO p VALUES (2, 2)");
  wait_until("its rows are those of the table above",
             [&] { return pair.target.scalar("SELECT count(*) FROM p") == "2"; });
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_EQ(testbed::fingerprint(pair.target.uri()), testbed::fingerprint(pair.source.uri()));
}

// Whoever writes on the target one day goes on where the source has come to.
TEST(TablesThatChange, get_the_sequence_of_a_serial_column) {
  StreamPair pair("serial", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec("ALTER TABLE t ADD COLUMN n serial; INSERT INTO t VALUES (3)");
  testbed::wait_until("the target has its default", [&] {
    return pair.target.scalar(
               "SELECT count(*) FROM pg_attrdef WHERE adrelid = 't'::regclass AND"
               " pg_get_expr(adbin, adrelid) = 'nextval(''t_n_seq''::regclass)'") == "1";
  });
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_EQ(pair.target.scalar("INSERT INTO t VALUES (4) RETURNING n"), "4");
}

TEST(TablesThatChange, stop_with_the_statements_to_run_where_that_is_asked_for) {
  StreamPair pair("policy", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.sync.schema_changes = api::SchemaChanges::stop;
  Following following(spec, often);
  pair.source.exec("ALTER TABLE t ADD COLUMN more text DEFAULT 'x'; CREATE TABLE v (id int); INSERT INTO u VALUES (1)");
  pair.wait_until_applied();
  wait_until("both are noticed", [&] { return standing_of(pair, "t") != "" && standing_of(pair, "v") != ""; });
  EXPECT_EQ(standing_of(pair, "t"),
            "stopped: the source has changed it: column \"more\" was added; run on the target: ALTER TABLE "
            "\"public\".\"t\" ADD COLUMN \"more\" text DEFAULT 'x'::text; then copy it again");
  EXPECT_THAT(standing_of(pair, "v"), HasSubstr("stopped: it came after the copy; create it on the target"));
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM u"), "1") << "the others go on";
}

TEST(TablesThatChange, are_copied_again_where_they_are_not_streamed_and_their_rows_are_old) {
  StreamPair pair("aged", 15, 18);
  pair.source.exec("CREATE TABLE t (n int)");
  ASSERT_TRUE(done(pair.init()));
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.sync.refresh_interval = Seconds{1};
  Following following(spec, often);
  pair.wait_until_applied();
  pair.source.exec("INSERT INTO t VALUES (1)");
  wait_until("its new row has come", [&] { return pair.target.scalar("SELECT count(*) FROM t") == "1"; });
  wait_until("it says again why it is not streamed",
             [&] { return standing_of(pair, "t").find("no identity") != std::string::npos; });
}

TEST(TablesThatChange, come_back_where_the_source_makes_them_anew_after_their_drop_was_seen) {
  StreamPair pair("anew", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec("DROP TABLE t");
  const auto aside = [&] { return following.stream(pair.source.name()).aside.value_or(api::TablesAside{}); };
  wait_until("its drop is told of", [&] { return aside().tables.size() == 1; });
  EXPECT_EQ(aside().tables[0].state, "dropped");
  EXPECT_EQ(aside().stopped, 0u) << "nothing is missing";
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM t"), "1");
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (5, 5)");
  wait_until("it is followed again", [&] { return aside() == api::TablesAside{}; });
  pair.source.exec("UPDATE t SET n = 6");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT string_agg(t::text, ' ') FROM t"), "(5,6)");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(TablesThatChange, are_forgotten_when_they_are_gone_on_both_sides) {
  StreamPair pair("forgotten", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec("DROP TABLE t, u");
  for (const char* each : {"t", "u"})
    wait_until("it is seen", [&] { return standing_of(pair, each).find("has dropped it") != std::string::npos; });
  pair.target.exec("DROP TABLE t");
  const auto known = [&](const std::string& table) {
    return pair.target.scalar("SELECT count(*) FROM _tributary.table_state WHERE table_name = '" + table + "'");
  };
  wait_until("it is forgotten", [&] { return known("t") == "0"; });
  EXPECT_EQ(known("u"), "1");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// ------------------------------------------------------------------------------------------- locks of the target

constexpr const char* needs_value =
    "SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'n'";

// The copy waits for a row of the target, which stands for hours.
TEST(AChangeOfATable, that_is_being_copied_again_keeps_nobody_waiting) {
  StreamPair pair("kept", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 1), (2, 2)");
  ASSERT_TRUE(done(pair.init()));
  testbed::Session reader(pair.target.uri());
  reader.exec("BEGIN; SELECT FROM t WHERE id = 1 FOR UPDATE");
  testbed::ask_for(pair, "t");
  pair.source.exec("ALTER TABLE t ALTER n DROP NOT NULL");
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  EXPECT_EQ(following.stream(pair.source.name()).error, "");
  EXPECT_EQ(testbed::state_of(pair, "t"), "recopy");
  EXPECT_EQ(pair.target.scalar(needs_value), "t");
  reader.exec("COMMIT");
  testbed::wait_until_back(pair, "t");
  wait_until("it is changed", [&] { return pair.target.scalar(needs_value) == "f"; });
  pair.source.exec("UPDATE t SET n = NULL WHERE id = 1");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
}

// A session that is called like one stands for a recopy of a partition beside it.
TEST(AChangeOfATable, that_a_recopy_of_another_keeps_from_it_has_it_copied_again) {
  StreamPair pair("kept_aside", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 1), (2, 2)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  testbed::Session recopy(pair.target.uri());
  const std::string key = pair.target.scalar("SELECT key FROM _tributary.replication");
  recopy.exec("SET application_name = '" + session_prefix(key) + "recopy-writer'");
  recopy.exec("BEGIN; LOCK TABLE t IN ROW EXCLUSIVE MODE");
  pair.source.exec("ALTER TABLE t ALTER n DROP NOT NULL");
  wait_until("it is set aside", [&] {
    return standing_of(pair, "t").find("while rows of a table that is altered with it") != std::string::npos;
  });
  pair.wait_until_applied();
  recopy.exec("COMMIT");
  testbed::wait_until_back(pair, "t");
  wait_until("it is changed", [&] { return pair.target.scalar(needs_value) == "f"; });
  pair.source.exec("UPDATE t SET n = NULL WHERE id = 2");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
}

// On the source somebody waits for a table of his own, and nobody may even look at it.
TEST(AChangeOfATable, that_waits_on_the_source_keeps_nobody_waiting) {
  StreamPair pair("kept_there", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  testbed::Session owner(pair.source.uri());
  owner.exec("BEGIN; LOCK TABLE t");
  pair.wait_until_applied();
  wait_until("the look waits", [&] {
    return pair.source.scalar(
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
               " AND application_name = 'tributary/sync' AND wait_event_type = 'Lock'") != "0";
  });
  pair.wait_until_applied();
  EXPECT_EQ(following.stream(pair.source.name()).error, "");
  owner.exec("COMMIT");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

constexpr Seconds seldom{3'600};

TEST(TablesThatChange, are_seen_within_seconds_where_nothing_else_happens) {
  StreamPair pair("seen", 15, 18);
  pair.source.exec("CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'old')");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.source.exec("CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)");
  wait_until("the new table is there",
             [&] { return testbed::fingerprint(pair.target.uri()).contains("public.fresh"); });
  pair.source.exec(
      "CREATE TABLE a_new (id int PRIMARY KEY, v text); DROP TABLE a; ALTER TABLE a_new RENAME TO a;"
      "INSERT INTO a VALUES (2, 'new'); ALTER TABLE fresh ALTER id SET DEFAULT 7");
  wait_until("the tables are equal",
             [&] { return testbed::fingerprint(pair.target.uri()) == testbed::fingerprint(pair.source.uri()); });
  wait_until("its default has come", [&] {
    return pair.target.scalar("SELECT count(*) FROM pg_attrdef WHERE adrelid = 'fresh'::regclass") == "1";
  });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(TablesThatChange, are_told_of_when_the_stream_is_stopped) {
  StreamPair pair("told", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), seldom);
  pair.wait_until_applied();
  pair.source.exec("CREATE TABLE fresh (id int PRIMARY KEY); INSERT INTO fresh VALUES (1)");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
  EXPECT_THAT(standing_of(pair, "fresh"), HasSubstr("recopy: it came after the copy"));
}

}  // namespace
}  // namespace tributary::postgres::sync

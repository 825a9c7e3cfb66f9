#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Names of tables that the source gives to others while a stream follows them, or while nobody does.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::StreamPair;
using testbed::wait_until;
using ::testing::HasSubstr;

constexpr Milliseconds often{50};

const char* const tables =
    "CREATE SCHEMA s; CREATE SCHEMA aside;"
    "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'a');"
    "CREATE TABLE b (id int PRIMARY KEY, v text, n int); INSERT INTO b VALUES (1, 'b');"
    "CREATE TABLE c (id int PRIMARY KEY, v text); INSERT INTO c VALUES (1, 'c');"
    "CREATE TABLE s.c (id int PRIMARY KEY, v text, w text); INSERT INTO s.c VALUES (1, 's.c')";
const char* const swap =
    "BEGIN; ALTER TABLE a RENAME TO t; ALTER TABLE b RENAME TO a; ALTER TABLE t RENAME TO b; COMMIT;"
    "UPDATE a SET v = 'b2'; INSERT INTO b VALUES (2, 'a2')";
const char* const chain =
    "BEGIN; ALTER TABLE c RENAME TO d; ALTER TABLE b RENAME TO c; ALTER TABLE a RENAME TO b; COMMIT;"
    "UPDATE d SET v = 'c2'; INSERT INTO b VALUES (2, 'a2'); INSERT INTO c VALUES (2, 'b2', 2)";
const char* const swap_of_schemas =
    "BEGIN; ALTER TABLE c SET SCHEMA aside; ALTER TABLE s.c SET SCHEMA public; ALTER TABLE aside.c SET SCHEMA s; "
    "COMMIT;"
    "UPDATE c SET w = 'x'; INSERT INTO s.c VALUES (2, 'c2')";
const char* const to_the_name_of_a_dropped_one =
    "DROP TABLE b; ALTER TABLE a RENAME TO b; INSERT INTO b VALUES (2, 'a2')";

std::string tables_aside(const StreamPair& pair) {
  return pair.target.scalar(
      "SELECT COALESCE(string_agg(table_name || ' ' || stream || ': ' || reason, '; '), '')"
      " FROM _tributary.table_state WHERE stream <> 'followed'");
}

// All of the source's.
bool are_equal(const StreamPair& pair) {
  const auto target = testbed::fingerprint(pair.target.uri());
  for (const auto& [table, rows] : testbed::fingerprint(pair.source.uri()))
    if (!target.contains(table) || target.at(table) != rows) return false;
  return true;
}

class TablesThatChangeNames : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

INSTANTIATE_TEST_SUITE_P(InOneGo, TablesThatChangeNames,
                         ::testing::Values(std::pair{"swap", swap}, std::pair{"chain", chain},
                                           std::pair{"schemas", swap_of_schemas}),
                         [](const auto& each) { return std::string(each.param.first); });

TEST_P(TablesThatChangeNames, are_followed_under_their_new_ones) {
  StreamPair pair("names", 15, 18);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(GetParam().second);
  pair.wait_until_applied();
  EXPECT_TRUE(are_equal(pair));
  EXPECT_EQ(tables_aside(pair), "");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST_P(TablesThatChangeNames, are_followed_under_their_new_ones_where_nobody_followed_meanwhile) {
  StreamPair pair("names_late", 13, 15);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec(GetParam().second);
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  EXPECT_TRUE(are_equal(pair));
  EXPECT_EQ(tables_aside(pair), "");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(TablesThatChangeNames, stop_together_where_the_target_refuses_one_of_them) {
  StreamPair pair("names_refused", 15, 18);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("CREATE TABLE d (theirs int)");
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(chain);
  pair.source.exec("UPDATE s.c SET w = 'others go on'");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT w FROM s.c"), "others go on");
  EXPECT_THAT(tables_aside(pair), HasSubstr("a stopped: the source has changed it: it was renamed to public.b; the "
                                            "target refused the same: relation \"d\" already exists"));
  EXPECT_THAT(tables_aside(pair), HasSubstr("RENAME TO \"d\"; then copy it again"));
  EXPECT_EQ(pair.target.scalar("SELECT string_agg(v, ',') FROM (SELECT v FROM a UNION SELECT v FROM b UNION SELECT v"
                               " FROM c) AS t"),
            "a,b,c");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(TablesThatChangeNames, give_their_rows_to_the_table_whose_name_they_have_now) {
  StreamPair pair("names_heir", 15, 18);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(to_the_name_of_a_dropped_one);
  wait_until("the table is that of the source", [&] { return are_equal(pair); });
  wait_until("it is followed", [&] {
    return pair.target.scalar("SELECT stream FROM _tributary.table_state WHERE table_name = 'b'") == "followed";
  });
  pair.source.exec("UPDATE b SET v = 'a3'");
  pair.wait_until_applied();
  EXPECT_TRUE(are_equal(pair));
  EXPECT_THAT(tables_aside(pair), ::testing::StartsWith("a stopped: the source has dropped it under this name"));
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// Its rows are locked on the target, as by a copy that takes hours, and the source has another table under its name.
TEST(ATableThatIsToBeCopiedAgain, keeps_its_name_while_somebody_keeps_it_and_nobody_waiting) {
  StreamPair pair("names_kept", 15, 18);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  testbed::Session reader(pair.target.uri());
  reader.exec("BEGIN; SELECT FROM a FOR UPDATE");
  testbed::ask_for(pair, "a");
  pair.source.exec(swap);
  Following following(pair.spec(api::Mode::sync), often);
  for (int mark = 0; mark < 3; ++mark) {
    pair.source.exec("UPDATE a SET n = n + 1; UPDATE s.c SET w = w || '!'");
    pair.wait_until_applied();
    EXPECT_EQ(following.stream(pair.source.name()).error, "");
  }
  EXPECT_EQ(pair.target.scalar("SELECT v FROM b"), "b2") << "under the name that it has there";
  EXPECT_EQ(testbed::state_of(pair, "a"), "recopy");
  EXPECT_EQ(pair.target.scalar("SELECT string_agg(v, ' ') FROM a"), "a");
  reader.exec("COMMIT");
  wait_until("all are followed under their names", [&] { return tables_aside(pair).empty() && are_equal(pair); });
  pair.source.exec("UPDATE a SET n = 5; INSERT INTO b VALUES (7, 'last')");
  pair.wait_until_applied();
  EXPECT_TRUE(are_equal(pair));
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// A query on the target that takes long.
TEST(ATableThatSomebodyReads, is_followed_under_its_former_name_meanwhile) {
  StreamPair pair("names_read", 15, 18);
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  testbed::Session reader(pair.target.uri());
  reader.exec("BEGIN; SELECT FROM c");
  pair.source.exec(
      "ALTER TABLE c RENAME TO d; CREATE TABLE c (other int PRIMARY KEY); INSERT INTO c VALUES (9);"
      "INSERT INTO d VALUES (2, 'd2')");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT string_agg(v, ' ' ORDER BY id) FROM c"), "c d2");
  EXPECT_EQ(following.stream(pair.source.name()).error, "");
  reader.exec("COMMIT");
  wait_until("all are followed under their names", [&] {
    return pair.target.scalar(
               "SELECT count(*) FROM _tributary.table_state WHERE table_name IN ('c', 'd')"
               " AND stream = 'followed'") == "3";
  });
  EXPECT_TRUE(are_equal(pair));
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// Another table under the name of one that was renamed.
struct Rotation {
  const char* name;
  const char* table;
  const char* before;  // the new one is made
};

const Rotation rotations[] = {
    {"plain", "(id int PRIMARY KEY, v text)", ""},
    {"serial", "(id serial PRIMARY KEY, v text UNIQUE)", ""},
    {"with_its_indexes", "(id int PRIMARY KEY, v text UNIQUE)",
     "ALTER INDEX log_pkey RENAME TO log_old_pkey; ALTER INDEX log_v_key RENAME TO log_old_v_key;"},
    {"without_its_constraint", "(id int PRIMARY KEY, v text UNIQUE)", "ALTER TABLE log_old DROP CONSTRAINT log_v_key;"},
};

std::string rotated(const Rotation& rotation) {
  const std::string make = std::string("CREATE TABLE log ") + rotation.table + ";";
  return std::string("BEGIN; ALTER TABLE log RENAME TO log_old;") + rotation.before + make +
         "COMMIT; INSERT INTO log VALUES (2, 'new'); UPDATE log_old SET v = 'old'";
}

class LogsThatAreRotated : public ::testing::TestWithParam<Rotation> {};

INSTANTIATE_TEST_SUITE_P(Each, LogsThatAreRotated, ::testing::ValuesIn(rotations),
                         [](const auto& each) { return std::string(each.param.name); });

void expect_rotated(const StreamPair& pair) {
  wait_until("both are followed", [&] {
    return pair.target.scalar(
               "SELECT count(*) FROM _tributary.table_state WHERE table_name LIKE 'log%'"
               " AND stream = 'followed'") == "2";
  });
  pair.source.exec("INSERT INTO log VALUES (3, 'newer'); INSERT INTO log_old VALUES (4, 'older')");
  pair.wait_until_applied();
  EXPECT_TRUE(are_equal(pair));
  const char* const constraints =
      "SELECT string_agg(pg_get_constraintdef(oid), '; ' ORDER BY 1) FROM pg_constraint"
      " WHERE conrelid = 'log'::regclass AND contype IN ('p', 'u')";
  EXPECT_EQ(pair.target.scalar(constraints), pair.source.scalar(constraints));
}

TEST_P(LogsThatAreRotated, are_followed_both) {
  StreamPair pair("rotated", 15, 18);
  pair.source.exec(std::string("CREATE TABLE log ") + GetParam().table + "; INSERT INTO log VALUES (1, 'first')");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(rotated(GetParam()));
  expect_rotated(pair);
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST_P(LogsThatAreRotated, are_followed_both_where_nobody_followed_meanwhile) {
  StreamPair pair("rotated_late", 13, 15);
  pair.source.exec(std::string("CREATE TABLE log ") + GetParam().table + "; INSERT INTO log VALUES (1, 'first')");
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec(rotated(GetParam()));
  Following following(pair.spec(api::Mode::sync), often);
  expect_rotated(pair);
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// ------------------------------------------------------------------------------------------- partitioned tables

const char* const partitioned =
    "CREATE SCHEMA s; CREATE SCHEMA aside;"
    "CREATE TABLE s.pp (id int, k int, j int, PRIMARY KEY (id, k, j)) PARTITION BY LIST (k);"
    "CREATE TABLE s.p1 PARTITION OF s.pp FOR VALUES IN (1);"
    "CREATE TABLE s.p2 PARTITION OF s.pp FOR VALUES IN (2) PARTITION BY LIST (j);"
    "CREATE TABLE s.p21 PARTITION OF s.p2 FOR VALUES IN (1);"
    "INSERT INTO s.pp VALUES (1, 1, 1), (2, 2, 1)";

struct NewParents {
  const char* name;
  const char* change;
  const char* root;
  const char* middle;
};

void PrintTo(const NewParents& parents, std::ostream* out) {
  *out << parents.name;
}

const NewParents new_parents[] = {
    {"root", "ALTER TABLE s.pp RENAME TO events", "s.events", "s.p2"},
    {"middle", "ALTER TABLE s.p2 RENAME TO m", "s.pp", "s.m"},
    {"moved", "ALTER TABLE s.pp SET SCHEMA aside; ALTER TABLE aside.pp RENAME TO events; ALTER TABLE s.p2 RENAME TO m",
     "aside.events", "s.m"},
    {"schema", "ALTER SCHEMA s RENAME TO s2", "s2.pp", "s2.p2"},
};

// The tree as a reader finds it, and the rows that he finds through it.
std::string seen_through(const testbed::Database& database, const NewParents& parents) {
  if (database.scalar(std::string("SELECT count(*) FROM pg_class WHERE oid IN (to_regclass('") + parents.root +
                      "'), to_regclass('" + parents.middle + "'))") != "2")
    return "none";
  return database.scalar(std::string("SELECT string_agg(relid::regclass || ' ' || level, ',' ORDER BY relid::regclass"
                                     "::text) FROM pg_partition_tree('") +
                         parents.root + "')") +
         ": " +
         database.scalar(std::string("SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM ") + parents.root + " t") +
         "; " +
         database.scalar(std::string("SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM ") + parents.middle + " t");
}

void expect_one_tree(const StreamPair& pair, const NewParents& parents) {
  const std::string root = parents.root;
  wait_until("the tree is that of the source",
             [&] { return seen_through(pair.target, parents) == seen_through(pair.source, parents); });
  const std::string schema = root.substr(0, root.find('.'));
  pair.source.exec("CREATE TABLE " + schema + ".p3 PARTITION OF " + root + " FOR VALUES IN (3); CREATE TABLE " +
                   schema + ".p22 PARTITION OF " + parents.middle + " FOR VALUES IN (2); INSERT INTO " + root +
                   " VALUES (3, 3, 1), (4, 2, 2)");
  wait_until("its new leaves are there and followed", [&] {
    return seen_through(pair.target, parents) == seen_through(pair.source, parents) && tables_aside(pair).empty();
  });
  pair.source.exec("ALTER TABLE " + root + " ADD COLUMN more text DEFAULT 'x'; UPDATE " + root + " SET more = 'y'");
  wait_until("its new column is there", [&] {
    return seen_through(pair.target, parents) == seen_through(pair.source, parents) && tables_aside(pair).empty();
  });
}

class PartitionedTablesThatChangeNames : public ::testing::TestWithParam<NewParents> {};

INSTANTIATE_TEST_SUITE_P(Each, PartitionedTablesThatChangeNames, ::testing::ValuesIn(new_parents),
                         [](const auto& each) { return std::string(each.param.name); });

TEST_P(PartitionedTablesThatChangeNames, keep_their_partitions) {
  StreamPair pair("parents", 15, 18);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(GetParam().change);
  pair.source.exec(std::string("INSERT INTO ") + GetParam().root + " VALUES (7, 1, 1), (8, 2, 1)");
  expect_one_tree(pair, GetParam());
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST_P(PartitionedTablesThatChangeNames, keep_their_partitions_where_nobody_followed_meanwhile) {
  StreamPair pair("parents_late", 13, 15);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec(GetParam().change);
  pair.source.exec(std::string("INSERT INTO ") + GetParam().root + " VALUES (7, 1, 1), (8, 2, 1)");
  Following following(pair.spec(api::Mode::sync), often);
  expect_one_tree(pair, GetParam());
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

const NewParents moved_root{"", "", "s.events", "s.p2"};

// A query on the target that takes long.
TEST(APartitionedTableThatSomebodyReads, is_renamed_when_he_has_ended) {
  StreamPair pair("parents_read", 15, 18);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  testbed::Session reader(pair.target.uri());
  reader.exec("BEGIN; SELECT FROM s.pp");
  pair.source.exec("ALTER TABLE s.pp RENAME TO events; INSERT INTO s.events VALUES (7, 1, 1)");
  pair.source.exec("CREATE TABLE s.p3 PARTITION OF s.events FOR VALUES IN (3); INSERT INTO s.events VALUES (3, 3, 1)");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM s.pp"), "3");
  EXPECT_EQ(following.stream(pair.source.name()).error, "");
  reader.exec("COMMIT");
  wait_until("the tree is that of the source",
             [&] { return seen_through(pair.target, moved_root) == seen_through(pair.source, moved_root); });
  wait_until("all are followed", [&] { return tables_aside(pair).empty(); });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(APartitionedTableThatDividesRowsInItsOwnWay, has_them_written_to_its_new_name) {
  StreamPair pair("parents_routed", 15, 18);
  pair.source.exec(
      "CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd', 'e');"
      "CREATE TABLE p (i int, k mood, PRIMARY KEY (i, k)) PARTITION BY HASH (k);"
      "CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "INSERT INTO p SELECT i, (enum_range(NULL::mood))[1 + i % 5] FROM generate_series(1, 20) i");
  ASSERT_TRUE(done(pair.init()));
  ASSERT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.table_state WHERE route_name = 'p'"), "2");
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec("ALTER TABLE p RENAME TO q; UPDATE q SET i = i + 100 WHERE i > 10; INSERT INTO q VALUES (7, 'e')");
  const char* const rows = "SELECT string_agg(q::text, ' ' ORDER BY i, k) FROM q";
  wait_until("it is renamed", [&] { return pair.target.scalar("SELECT to_regclass('q') IS NOT NULL") == "t"; });
  pair.source.exec("DELETE FROM q WHERE i < 5; INSERT INTO q VALUES (8, 'a')");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar(rows), pair.source.scalar(rows));
  EXPECT_EQ(tables_aside(pair), "");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// The new one has the old one's name and, as its indexes were renamed, theirs.
TEST(APartitionedTableThatIsRotated, is_followed_beside_the_new_one) {
  StreamPair pair("parents_rotated", 15, 18);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(
      "BEGIN; ALTER TABLE s.pp RENAME TO events; ALTER INDEX s.pp_pkey RENAME TO events_pkey;"
      "CREATE TABLE s.pp (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
      "CREATE TABLE s.q1 PARTITION OF s.pp FOR VALUES IN (1); COMMIT;"
      "INSERT INTO s.events VALUES (7, 1, 1); INSERT INTO s.pp VALUES (1, 1)");
  wait_until("the tree is that of the source",
             [&] { return seen_through(pair.target, moved_root) == seen_through(pair.source, moved_root); });
  wait_until("the new one has its row", [&] {
    return pair.target.scalar("SELECT count(*) FROM pg_class WHERE oid = to_regclass('s.pp')") == "1" &&
           pair.target.scalar("SELECT count(*) FROM s.pp") == "1";
  });
  wait_until("all are followed", [&] { return tables_aside(pair).empty(); });
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(APartitionedTableThatIsRenamed, stops_its_partitions_where_the_target_refuses_that) {
  StreamPair pair("parents_refused", 15, 18);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("CREATE TABLE s.events (theirs int)");
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec("ALTER TABLE s.pp RENAME TO events");
  wait_until("it is told of", [&] { return !tables_aside(pair).empty(); });
  EXPECT_THAT(tables_aside(pair),
              HasSubstr("p1 stopped: the source has changed it: s.pp above it was renamed to s.events; the target "
                        "refused the same: relation \"events\" already exists"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM s.pp"), "2");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(APartitionedTableThatIsRenamed, comes_back_where_somebody_renames_it_as_he_was_told) {
  StreamPair pair("parents_told", 15, 18);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.sync.schema_changes = api::SchemaChanges::stop;
  Following following(spec, often);
  pair.wait_until_applied();
  pair.source.exec("ALTER TABLE s.pp RENAME TO events; INSERT INTO s.events VALUES (7, 1, 1), (8, 2, 1)");
  wait_until("it is told of", [&] { return !tables_aside(pair).empty(); });
  EXPECT_THAT(tables_aside(pair), HasSubstr("run on the target: ALTER TABLE \"s\".\"pp\" RENAME TO \"events\"; then"));
  pair.target.exec("ALTER TABLE s.pp RENAME TO events");
  testbed::ask_for(pair, "p1");
  testbed::ask_for(pair, "p21");
  wait_until("all are followed", [&] { return tables_aside(pair).empty(); });
  EXPECT_EQ(seen_through(pair.target, moved_root), seen_through(pair.source, moved_root));
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(APartition, goes_to_another_table_that_the_target_does_not_have) {
  StreamPair pair("parents_other", 15, 18);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(
      "CREATE TABLE s.events (id int, k int, j int, PRIMARY KEY (id, k, j)) PARTITION BY LIST (k);"
      "ALTER TABLE s.pp DETACH PARTITION s.p1; ALTER TABLE s.events ATTACH PARTITION s.p1 FOR VALUES IN (1);"
      "INSERT INTO s.events VALUES (7, 1, 1)");
  wait_until("the trees are those of the source",
             [&] { return seen_through(pair.target, moved_root) == seen_through(pair.source, moved_root); });
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM s.pp"), "1");
  EXPECT_EQ(tables_aside(pair), "");
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST(APartition, stops_where_the_table_that_it_goes_to_cannot_be_created) {
  StreamPair pair("parents_none", 15, 18);
  pair.source.exec(partitioned);
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("CREATE TABLE s.theirs (id int); CREATE INDEX events_pkey ON s.theirs (id)");
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(
      "CREATE TABLE s.events (id int, k int, j int, PRIMARY KEY (id, k, j)) PARTITION BY LIST (k);"
      "ALTER TABLE s.pp DETACH PARTITION s.p1; ALTER TABLE s.events ATTACH PARTITION s.p1 FOR VALUES IN (1)");
  wait_until("it is told of", [&] { return !tables_aside(pair).empty(); });
  EXPECT_THAT(tables_aside(pair), ::testing::StartsWith("p1 stopped: "));
  EXPECT_THAT(tables_aside(pair), HasSubstr("the target refused the same: relation \"s.events\" does not exist"));
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

}  // namespace
}  // namespace tributary::postgres::sync

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/fidelity.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/testing/structure.h"
#include "engine/testing/session.h"

// A release that takes with it what was copied.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::Database;
using testbed::done;
using testbed::failed;
using testbed::Following;
using testbed::server;
using testbed::snapshot;
using testbed::StreamPair;
using testbed::wait_until;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr Milliseconds often{50};

api::Report undo(const api::Spec& spec, const Until& until = {Deadline::after(Seconds{120}), {}}) {
  const auto servers = make_sync_servers(spec);
  pipeline::ProgressBoard board("");
  return pipeline::run_release(spec, *servers, pipeline::Keep::nothing, board, until);
}

// A source and a target without a stream. The target may hold what others have.
struct Copied {
  explicit Copied(const std::string& name, int from = 15, int to = 18)
      : source(server(from).create_database(name)), target(server(to).create_database(name)) {}
  api::Spec spec() const {
    api::Spec made = testbed::spec_between(source.uri(), target.uri());
    made.replication = "uid of " + source.name();
    made.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
    return made;
  }
  std::string tables() const {
    return target.scalar(
        "SELECT COALESCE(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'");
  }
  Database source;
  Database target;
};

std::vector<std::string> told(const api::Report& report) {
  std::vector<std::string> words;
  for (const api::Finding& finding : report.findings) {
    EXPECT_EQ(finding.code, "TargetDataLeft");
    words.push_back(finding.subject + ": " + finding.message);
  }
  return words;
}

testing::AssertionResult gone(const api::Report& report) {
  if (report.exit_code == ExitCode::done && report.reason == "Released") return testing::AssertionSuccess();
  return testing::AssertionFailure() << api::to_json(report);
}

// --- everything

class EverythingThatWasCopied : public ::testing::TestWithParam<std::pair<int, int>> {};

INSTANTIATE_TEST_SUITE_P(OfSourceAndTarget, EverythingThatWasCopied,
                         ::testing::Values(std::pair{12, 12}, std::pair{13, 15}, std::pair{15, 18}, std::pair{18, 18}),
                         [](const auto& each) {
                           return std::to_string(each.param.first) + "_to_" + std::to_string(each.param.second);
                         });

// Notes and grants of what every database has are no objects: they stay.
bool is_of_the_database(const std::string& line) {
  return line.find("schema | public") != std::string::npos || line.find("schema public") != std::string::npos;
}

TEST_P(EverythingThatWasCopied, leaves_nothing_behind_whatever_it_was) {
  const Copied ends("all_undone", GetParam().first, GetParam().second);
  testbed::fill_with_everything(ends.source, GetParam().first);
  testbed::create_fidelity_roles(server(GetParam().second));
  std::vector<std::string> before = testbed::structure(ends.target.uri());
  ASSERT_TRUE(done(snapshot(ends.spec())));
  ASSERT_NE(ends.tables(), "");
  const api::Report report = undo(ends.spec());
  ASSERT_TRUE(gone(report));
  EXPECT_THAT(told(report), IsEmpty());
  EXPECT_THAT(report.message, HasSubstr("the target nothing of what it copied"));
  EXPECT_EQ(ends.tables(), "");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_namespace WHERE nspname = '_tributary'"), "0");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_largeobject_metadata"), "0");
  std::vector<std::string> after = testbed::structure(ends.target.uri());
  std::erase_if(before, is_of_the_database);
  std::erase_if(after, is_of_the_database);
  EXPECT_EQ(testbed::difference(before, after), "");
  EXPECT_TRUE(gone(undo(ends.spec()))) << "once more changes nothing";
}

TEST(WhatWasCopied, goes_also_where_its_tables_refer_to_each_other_in_a_circle) {
  const Copied ends("circle");
  ends.source.exec(
      "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);"
      "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; CREATE TABLE c (id int PRIMARY KEY, c int REFERENCES c);"
      "CREATE TABLE p (id int, k int REFERENCES a, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
      "CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE ref (id int, k int, FOREIGN KEY (id, k) "
      "REFERENCES p)");
  ASSERT_TRUE(done(snapshot(ends.spec())));
  const api::Report report = undo(ends.spec());
  ASSERT_TRUE(gone(report));
  EXPECT_THAT(told(report), IsEmpty());
  EXPECT_EQ(ends.tables(), "");
}

TEST(WhatWasCopied, goes_of_a_copy_that_never_ended) {
  const Copied ends("unfinished");
  ends.source.exec("CREATE TABLE t AS SELECT 1 AS i; CREATE TYPE mood AS ENUM ('fine')");
  ASSERT_TRUE(done(snapshot(ends.spec())));
  ends.target.exec("UPDATE _tributary.replication SET state = 'copying', completed = NULL");
  ASSERT_TRUE(gone(undo(ends.spec())));
  EXPECT_EQ(ends.tables(), "");
  EXPECT_EQ(ends.target.scalar("SELECT to_regtype('mood')"), "");
}

TEST(WhatWasCopied, of_a_database_that_is_gone_is_gone) {
  const Copied ends("database_gone");
  ends.source.exec("CREATE TABLE t AS SELECT 1 AS i");
  api::Spec spec = ends.spec();
  spec.target.database = "nobody made this";
  EXPECT_TRUE(gone(undo(spec)));
}

TEST(WhatWasCopied, by_hand_goes_without_a_stream) {
  const Copied ends("undone_by_hand");
  ends.source.exec("CREATE TABLE t AS SELECT 1 AS i");
  api::Spec spec = ends.spec();
  spec.replication.clear();
  EXPECT_TRUE(failed(undo(spec), ExitCode::bad_configuration, "knows nothing of a stream"));
  ASSERT_TRUE(done(snapshot(spec)));
  ASSERT_TRUE(gone(undo(spec)));
  EXPECT_EQ(ends.tables(), "");
  ASSERT_TRUE(done(snapshot(spec))) << "the target is as before";
}

// --- what stays

TEST(WhatWasCopied, leaves_tables_that_were_there_before) {
  const Copied ends("appended");
  ends.source.exec(
      "CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE notes (id int PRIMARY KEY, t text, o int REFERENCES "
      "other);"
      "INSERT INTO other VALUES (1); INSERT INTO notes VALUES (1, 'copied', 1);"
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TRIGGER ours BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION f()");
  ends.target.exec("CREATE TABLE notes (id int PRIMARY KEY, t text, o int); CREATE TABLE mine AS SELECT 7 AS i");
  ASSERT_TRUE(done(snapshot(ends.spec())));
  ends.target.exec("INSERT INTO notes VALUES (2, 'mine', 1)");
  const api::Report report = undo(ends.spec());
  ASSERT_TRUE(gone(report));
  EXPECT_THAT(told(report), ElementsAre("table public.notes: left on the target: it was there before this replication, "
                                        "and keeps the rows that were copied"));
  EXPECT_EQ(ends.tables(), "mine notes");
  EXPECT_EQ(ends.target.scalar("SELECT string_agg(t, ',' ORDER BY id) FROM notes"), "copied,mine");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), "0");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_proc WHERE proname = 'f'"), "0");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_constraint WHERE contype = 'f'"), "0");
}

TEST(WhatWasCopied, leaves_a_partitioned_table_that_has_got_partitions_of_others) {
  const Copied ends("partitions");
  ends.source.exec(
      "CREATE TABLE p (id int, k int) PARTITION BY LIST (k); CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);"
      "INSERT INTO p VALUES (1, 1); CREATE TABLE q (id int, k int) PARTITION BY LIST (k);"
      "CREATE TABLE q_1 PARTITION OF q FOR VALUES IN (1)");
  ASSERT_TRUE(done(snapshot(ends.spec())));
  ends.target.exec("CREATE TABLE p_2 PARTITION OF p FOR VALUES IN (2); INSERT INTO p VALUES (2, 2)");
  const api::Report report = undo(ends.spec());
  ASSERT_TRUE(gone(report));
  EXPECT_THAT(told(report), Contains(HasSubstr("table public.p: left on the target: table ")));
  EXPECT_THAT(told(report), Contains(HasSubstr("table public.p_1: left on the target: its rows are those of table ")));
  EXPECT_EQ(ends.tables(), "p p_1 p_2");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM p"), "2");
}

TEST(WhatWasCopied, leaves_whole_what_others_depend_on_and_all_that_this_refers_to) {
  const Copied ends("needed");
  ends.source.exec(
      "CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('fine'); CREATE FUNCTION app.f() RETURNS trigger LANGUAGE "
      "plpgsql AS 'BEGIN RETURN NEW; END';"
      "CREATE TABLE app.parent (id serial PRIMARY KEY, m app.mood); INSERT INTO app.parent (m) VALUES ('fine');"
      "CREATE TABLE app.child (id int PRIMARY KEY, p int REFERENCES app.parent); INSERT INTO app.child VALUES (5, 1);"
      "CREATE TRIGGER tr BEFORE INSERT ON app.child FOR EACH ROW EXECUTE FUNCTION app.f();"
      "ALTER TABLE app.child ENABLE ROW LEVEL SECURITY; CREATE POLICY pol ON app.child USING (id > 3);"
      "CREATE TABLE app.keyed (id int PRIMARY KEY); INSERT INTO app.keyed VALUES (1);"
      "CREATE TABLE app.grandchild (id int, c int REFERENCES app.child, k int REFERENCES app.keyed);"
      "CREATE VIEW app.ours AS SELECT * FROM app.grandchild; CREATE FUNCTION app.free() RETURNS int LANGUAGE sql AS "
      "'SELECT 1'");
  ASSERT_TRUE(done(snapshot(ends.spec())));
  ends.target.exec(
      "CREATE VIEW theirs AS SELECT id FROM app.child; CREATE TABLE their_rows (k int REFERENCES app.keyed);"
      "INSERT INTO their_rows VALUES (1)");
  const api::Report report = undo(ends.spec());
  ASSERT_TRUE(gone(report));
  const std::vector<std::string> words = told(report);
  EXPECT_THAT(words, Contains(HasSubstr("table app.child: left on the target: view ")));
  EXPECT_THAT(words, Contains(HasSubstr("table app.parent: left on the target: constraint child_p_fkey on table ")));
  EXPECT_THAT(words, Contains(HasSubstr("table app.keyed: left on the target: constraint their_rows_k_fkey on table")));
  EXPECT_THAT(words, Contains(HasSubstr("sequence app.parent_id_seq: ")));
  EXPECT_THAT(words, Contains(HasSubstr("type app.mood: left on the target: cannot drop type app.mood because")));
  EXPECT_THAT(words, Contains(HasSubstr("function app.f()")));
  EXPECT_THAT(words, Contains(HasSubstr("schema app: ")));
  EXPECT_THAT(words, Not(Contains(HasSubstr("grandchild"))));
  EXPECT_EQ(ends.tables(), "child keyed parent their_rows");
  EXPECT_EQ(ends.target.scalar("SELECT id FROM theirs"), "5");
  EXPECT_EQ(ends.target.scalar("SELECT relrowsecurity FROM pg_class WHERE oid = 'app.child'::regclass"), "t");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_policies"), "1");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_trigger WHERE tgname = 'tr'"), "1");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_constraint WHERE conname = 'child_p_fkey'"), "1");
  EXPECT_EQ(ends.target.scalar("INSERT INTO app.parent (m) VALUES ('fine') RETURNING id"), "2") << "its default too";
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_proc WHERE proname = 'free'"), "0");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM pg_namespace WHERE nspname = '_tributary'"), "0");
}

TEST(WhatWasCopied, leaves_what_another_replication_has) {
  const Copied first("one_of_two");
  const Copied second("two_of_two");
  first.source.exec(
      "CREATE TABLE shared (i int); CREATE TABLE mine AS SELECT 1 AS i; CREATE TYPE mood AS ENUM ('fine')");
  second.source.exec("CREATE TABLE shared (i int); CREATE TABLE theirs AS SELECT 2 AS i");
  api::Spec beside = second.spec();
  beside.target = testbed::spec_between(second.source.uri(), first.target.uri()).target;
  ASSERT_TRUE(done(snapshot(first.spec())));
  ASSERT_TRUE(done(snapshot(beside)));
  const std::string ledger = "SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM _tributary.table_state";
  ASSERT_EQ(first.target.scalar(ledger), "mine shared shared theirs");
  const api::Report report = undo(first.spec());
  ASSERT_TRUE(gone(report));
  EXPECT_THAT(told(report), ElementsAre("table public.shared: left on the target: it belongs to replication uid of " +
                                        second.source.name()));
  EXPECT_EQ(first.tables(),
            "compared_range control hold large_object late_key part replication shared step stream table_state theirs");
  EXPECT_EQ(first.target.scalar("SELECT i FROM theirs"), "2");
  EXPECT_EQ(first.target.scalar(ledger), "shared theirs");
}

// --- ended in the middle

TEST(WhatWasCopied, goes_where_an_earlier_release_ended_in_the_middle) {
  const Copied ends("half_undone");
  ends.source.exec(
      "DO $$BEGIN FOR i IN 1000..1600 LOOP EXECUTE format('CREATE TABLE t_%s AS SELECT 1 AS i', i); END LOOP; END$$");
  ASSERT_TRUE(done(snapshot(ends.spec())));
  testbed::Session reader(ends.target.uri());
  reader.exec("BEGIN; SELECT FROM t_1000");
  std::stop_source stop;
  std::future<api::Report> report = std::async(std::launch::async, [&] {
    return undo(ends.spec(), {Deadline::after(Seconds{120}), stop.get_token()});
  });
  wait_until("it waits for the reader",
             [&] { return ends.target.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"; });
  stop.request_stop();
  EXPECT_NE(report.get().exit_code, ExitCode::done);
  EXPECT_NE(ends.target.scalar("SELECT count(*) FROM pg_class WHERE relname ~ '^t_' AND relkind = 'r'"), "601");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM _tributary.replication WHERE state = 'copying'"), "1")
      << "the ledger's word goes last";
  reader.exec("COMMIT");
  ASSERT_TRUE(gone(undo(ends.spec())));
  EXPECT_EQ(ends.tables(), "");
}

TEST(WhatWasCopied, is_copied_whole_again_where_a_release_ended_in_the_middle) {
  const Copied ends("half_undone_again");
  ends.source.exec("CREATE TABLE a AS SELECT 1 AS i; CREATE TABLE z AS SELECT 2 AS i");
  ASSERT_TRUE(done(snapshot(ends.spec())));
  testbed::Session reader(ends.target.uri());
  reader.exec("BEGIN; SELECT FROM a");
  std::stop_source stop;
  std::future<api::Report> report = std::async(std::launch::async, [&] {
    return undo(ends.spec(), {Deadline::after(Seconds{120}), stop.get_token()});
  });
  wait_until("it waits for the reader",
             [&] { return ends.target.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0"; });
  stop.request_stop();
  EXPECT_NE(report.get().exit_code, ExitCode::done);
  reader.exec("COMMIT");
  ASSERT_TRUE(done(snapshot(ends.spec()))) << "it is complete no more";
  EXPECT_TRUE(testbed::same_content(ends.source.uri(), ends.target.uri()));
}

// --- with a stream

TEST(WhatWasCopied, goes_with_its_stream_and_what_that_has_added_and_renamed) {
  StreamPair pair("stream_undone", 15, 18);
  pair.source.exec("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE log (id serial PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec(
      "CREATE SCHEMA late; CREATE TYPE late.mood AS ENUM ('fine');"
      "CREATE TABLE late.one (id serial PRIMARY KEY, parent int REFERENCES parent, m late.mood);"
      "CREATE TABLE late.two (id int PRIMARY KEY, one int REFERENCES late.one);"
      "ALTER TABLE late.one ADD COLUMN two int REFERENCES late.two;"
      "CREATE TABLE late.p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k);"
      "CREATE TABLE late.p_1 PARTITION OF late.p FOR VALUES IN (1)");
  wait_until("they are followed", [&] {
    return pair.target.scalar(
               "SELECT count(*) FROM _tributary.table_state WHERE table_name IN ('one', 'two', 'p_1')"
               " AND stream = 'followed'") == "3";
  });
  pair.source.exec("ALTER TABLE log RENAME TO log_1");
  pair.wait_until_applied();
  wait_until("the name is another", [&] { return pair.target.scalar("SELECT to_regclass('log_1')") != ""; });
  pair.source.exec("CREATE TABLE log (id int PRIMARY KEY)");
  wait_until("the new one is followed", [&] { return testbed::state_of(pair, "log") == "followed"; });
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  const api::Report report = undo(pair.spec(api::Mode::sync));
  ASSERT_TRUE(gone(report));
  EXPECT_THAT(told(report), IsEmpty());
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
  EXPECT_EQ(pair.target.scalar("SELECT COALESCE(string_agg(oid::regclass::text, ' '), '') FROM pg_class"
                               " WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"),
            "");
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM pg_namespace WHERE nspname IN ('late', '_tributary')"), "0");
}

TEST(WhatWasCopied, stays_while_an_engine_follows) {
  StreamPair pair("undone_in_use", 15, 18);
  ASSERT_TRUE(done(pair.init("")));
  Following following(pair.spec(api::Mode::sync, ""));
  pair.wait_until_applied();
  EXPECT_EQ(undo(pair.spec(api::Mode::sync, "")).exit_code, ExitCode::fenced);
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM mark"), "1");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

TEST(ATableThatWasRenamed, is_not_taken_for_another_that_has_its_name_now) {
  StreamPair pair("renamed_undone", 15, 18);
  pair.source.exec("CREATE TABLE log (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec("ALTER TABLE log RENAME TO log_1");
  wait_until("the name is another", [&] { return pair.target.scalar("SELECT to_regclass('log_1')") != ""; });
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  pair.target.exec("CREATE TABLE log AS SELECT 'theirs' AS t");
  ASSERT_TRUE(gone(undo(pair.spec(api::Mode::sync))));
  EXPECT_EQ(pair.target.scalar("SELECT t FROM log"), "theirs");
  EXPECT_EQ(pair.target.scalar("SELECT to_regclass('log_1')"), "");
}

TEST(ARepeatedSnapshot, replaces_tables_that_the_stream_has_renamed_or_taken_a_column_from) {
  StreamPair pair("renamed_again", 15, 18);
  pair.source.exec("CREATE TABLE log (id int PRIMARY KEY, n serial); INSERT INTO log VALUES (1, 1)");
  ASSERT_TRUE(done(pair.init()));
  {
    Following following(pair.spec(api::Mode::sync), often);
    pair.source.exec("ALTER TABLE log RENAME TO log_1; ALTER TABLE log_1 DROP COLUMN n");
    wait_until("the target follows", [&] {
      return pair.target.scalar(
                 "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('log_1')"
                 " AND attnum > 0 AND NOT attisdropped") == "1";
    });
    pair.wait_until_applied();
    EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  }
  api::Spec again = pair.spec(api::Mode::snapshot_and_sync);
  again.snapshot.request_id = "again";
  ASSERT_TRUE(done(snapshot(again)));
  EXPECT_TRUE(testbed::same_content(pair.source.uri(), pair.target.uri()));
}

}  // namespace
}  // namespace tributary::postgres::sync

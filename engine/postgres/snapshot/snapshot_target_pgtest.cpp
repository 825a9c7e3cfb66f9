#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <optional>

#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/testing/held.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/testing/structure.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"

// What a snapshot does to a target that is not empty, not its own, or done already.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::ends;
using testbed::failed;
using testbed::Flavour;
using testbed::same_content;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::HasSubstr;

constexpr api::ExitCode refused = api::ExitCode::bad_configuration;

// A source of three tables with a key between them, and a target.
struct Shop {
  explicit Shop(const std::string& name)
      : source(server(15).create_database(name)), target(server(18).create_database(name)) {
    source.exec(
        "CREATE TABLE customers (id int PRIMARY KEY, name text); INSERT INTO customers"
        " SELECT i, 'customer ' || i FROM generate_series(1, 500) i;"
        "CREATE TABLE orders (id serial PRIMARY KEY, customer int REFERENCES customers);"
        "INSERT INTO orders (customer) SELECT 1 + i % 500 FROM generate_series(1, 3000) i;"
        "CREATE TABLE notes (t text); INSERT INTO notes VALUES (''), (NULL)");
  }
  api::Spec spec(const std::string& replication = "") const {
    api::Spec made = spec_between(source.uri(), target.uri());
    made.replication = replication;
    return made;
  }
  api::Spec spec(api::OnTargetNotEmpty policy) const {
    api::Spec made = spec();
    made.snapshot.on_target_not_empty = policy;
    return made;
  }
  Database source;
  Database target;
};

std::vector<std::string> code_list(const api::Report& report) {
  std::vector<std::string> found;
  for (const api::Finding& finding : report.findings) found.push_back(finding.code);
  return found;
}

// Everything that can be seen of a database.
struct State {
  std::vector<std::string> structure;
  std::map<std::string, std::string> content;
  bool operator==(const State&) const = default;
};

State state_of(const Database& database) {
  return {testbed::structure(database.uri()), testbed::fingerprint(database.uri())};
}

// ------------------------------------------------------------------------------------------ not empty

TEST(ATargetThatIsNotEmpty, is_refused_and_stays_as_it_was) {
  const Shop shop("refused");
  shop.target.exec("CREATE TABLE mine AS SELECT 1 AS i");
  const State before = state_of(shop.target);
  const api::Report report = snapshot(shop.spec());
  EXPECT_TRUE(failed(report, refused, "mine"));
  EXPECT_EQ(report.reason, "TargetNotEmpty");
  EXPECT_TRUE(state_of(shop.target) == before);
  EXPECT_EQ(shop.target.scalar("SELECT to_regnamespace('_tributary') IS NULL"), "t");
}

class AnEmptyTarget : public ::testing::TestWithParam<api::OnTargetNotEmpty> {};
INSTANTIATE_TEST_SUITE_P(Policies, AnEmptyTarget,
                         ::testing::Values(api::OnTargetNotEmpty::fail, api::OnTargetNotEmpty::drop));

// Both have found it empty when they come to make the ledger.
TEST_P(AnEmptyTarget, is_one_replications_alone_where_two_begin_at_once) {
  const Shop shop("at_once");
  const Database other = server(15).create_database("at_once_too");
  other.exec("CREATE TABLE others AS SELECT 1 AS i");
  testbed::Session keeper(shop.target.uri());
  const std::string ledger_is_made = "(7526756273891)";
  keeper.exec("SELECT pg_advisory_lock" + ledger_is_made);
  api::Spec other_spec = spec_between(other.uri(), shop.target.uri());
  other_spec.snapshot.on_target_not_empty = GetParam();
  const auto run = [](const api::Spec& spec) {
    return std::async(std::launch::async, [spec] { return snapshot(spec); });
  };
  std::future<api::Report> runs[] = {run(shop.spec(GetParam())), run(other_spec)};
  testbed::wait_until("both wait", [&] {
    return server(18).scalar("postgres",
                             "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = '" +
                                 shop.target.name() + "'") == "2";
  });
  keeper.exec("SELECT pg_advisory_unlock" + ledger_is_made);
  const api::Report reports[] = {runs[0].get(), runs[1].get()};
  const int winner = done(reports[0]) ? 0 : 1;
  ASSERT_TRUE(done(reports[winner]));
  EXPECT_TRUE(failed(reports[1 - winner], refused, "the unfinished copy of replication"));
  EXPECT_EQ(reports[1 - winner].reason, "TargetNotEmpty");
  EXPECT_THAT(reports[1 - winner].hint, HasSubstr("--append"));
  EXPECT_TRUE(same_content((winner == 0 ? shop.source : other).uri(), shop.target.uri()));
  EXPECT_EQ(shop.target.scalar("SELECT count(*) FROM _tributary.replication"), "1");
  const api::Report again = snapshot(winner == 0 ? other_spec : shop.spec(GetParam()));
  EXPECT_EQ(again.exit_code, refused);
  EXPECT_THAT(again.reason, ::testing::AnyOf("TargetNotEmpty", "OtherReplications")) << "no room is made in silence";
}

TEST(ATargetThatIsNotEmpty, is_dropped_and_made_anew_where_that_was_asked_for) {
  const Shop shop("dropped");
  shop.target.exec("CREATE TABLE mine AS SELECT 1 AS i; CREATE SCHEMA more; CREATE TABLE orders (wrong int)");
  ASSERT_TRUE(done(snapshot(shop.spec(api::OnTargetNotEmpty::drop))));
  EXPECT_TRUE(same_content(shop.source.uri(), shop.target.uri()));
  EXPECT_EQ(shop.target.scalar("SELECT to_regnamespace('more') IS NULL"), "t");
}

TEST(ATargetThatIsNotEmpty, is_not_dropped_under_somebody_elses_feet) {
  const Shop shop("in_use");
  shop.target.exec("CREATE TABLE mine AS SELECT 1 AS i");
  std::optional<testbed::Session> other(shop.target.uri());
  other->exec("SET application_name = 'somebody at work'");
  const State before = state_of(shop.target);
  pipeline::ProgressBoard board("");
  std::future<api::Report> run =
      std::async(std::launch::async, [&] { return snapshot(shop.spec(api::OnTargetNotEmpty::drop), board); });
  testbed::wait_until("the engine waits and names the other", [&] {
    const api::Progress progress = board.snapshot();
    return progress.phase == api::Phase::waiting && progress.message.find("somebody at work") != std::string::npos;
  });
  EXPECT_TRUE(state_of(shop.target) == before);
  other.reset();
  EXPECT_TRUE(done(run.get()));
  EXPECT_TRUE(same_content(shop.source.uri(), shop.target.uri()));
}

TEST(ATargetThatIsNotEmpty, loses_only_the_selected_tables_where_tables_are_selected) {
  const Shop shop("some_dropped");
  shop.target.exec("CREATE TABLE mine AS SELECT 1 AS i; CREATE TABLE notes (wrong int); INSERT INTO notes VALUES (1)");
  api::Spec spec = shop.spec(api::OnTargetNotEmpty::drop);
  spec.selection.include_tables = {shop.source.name() + ".notes"};
  ASSERT_TRUE(done(snapshot(spec)));
  const auto content = testbed::fingerprint(shop.target.uri());
  EXPECT_EQ(content.size(), 2U);
  EXPECT_EQ(content.at("public.notes"), testbed::fingerprint(shop.source.uri()).at("public.notes"));
  EXPECT_EQ(shop.target.scalar("SELECT i FROM mine"), "1");
}

TEST(ATargetThatIsNotEmpty, keeps_selected_tables_that_others_depend_on) {
  const Shop shop("dependants");
  shop.target.exec("CREATE TABLE notes (t text); CREATE VIEW mine AS SELECT * FROM notes");
  const State before = state_of(shop.target);
  api::Spec spec = shop.spec(api::OnTargetNotEmpty::drop);
  spec.selection.include_tables = {shop.source.name() + ".notes"};
  EXPECT_TRUE(failed(snapshot(spec), refused, "mine"));
  EXPECT_TRUE(state_of(shop.target) == before);
}

// Each refers to the one before it, and some hang together by more than that.
TEST(ATargetThatIsNotEmpty, loses_more_selected_tables_than_its_server_can_lock_at_once) {
  testbed::PostgresServer own(18, Flavour::logical, 7);
  const Database source = server(15).create_database("many_dropped");
  const Database target = own.create_database("many_dropped");
  const auto fill = [](const Database& database, const std::string& column) {
    database.exec("CREATE TABLE t0 (id int PRIMARY KEY)");
    for (int first = 1; first <= 601; first += 200)
      database.exec("DO $$BEGIN FOR i IN " + std::to_string(first) + ".." + std::to_string(first + 199) +
                    " LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, before int REFERENCES t%s, " +
                    column + ")', i, i - 1); END LOOP; END$$");
  };
  fill(source, "word text");
  source.exec("INSERT INTO t0 VALUES (1); INSERT INTO t1 VALUES (1, 1, 'a'); INSERT INTO t800 VALUES (7, NULL, 'z')");
  fill(target, "theirs text");
  target.exec(
      "ALTER TABLE t3 ALTER id SET DEFAULT nextval('t790_id_seq'); ALTER TABLE t5 ADD COLUMN whole t700;"
      "CREATE TABLE mine AS SELECT 1 AS i; INSERT INTO t0 VALUES (9)");
  own.exec("postgres", "ALTER SYSTEM SET max_locks_per_transaction = 10");
  own.stop();
  own.start();
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::drop;
  spec.selection.include_tables = {source.name() + ".t*"};
  ASSERT_TRUE(done(snapshot(spec)));
  auto content = testbed::fingerprint(target.uri());
  EXPECT_EQ(content.erase("public.mine"), 1U);
  EXPECT_EQ(content, testbed::fingerprint(source.uri()));
}

TEST(ATargetThatIsNotEmpty, is_added_to_where_that_was_asked_for) {
  const Shop shop("appended");
  shop.target.exec("CREATE TABLE mine AS SELECT 1 AS i; CREATE TABLE notes (t text)");
  ASSERT_TRUE(done(snapshot(shop.spec(api::OnTargetNotEmpty::append))));
  auto content = testbed::fingerprint(shop.target.uri());
  EXPECT_EQ(content.erase("public.mine"), 1U);
  EXPECT_EQ(content, testbed::fingerprint(shop.source.uri()));
}

TEST(ATargetThatIsNotEmpty, is_not_added_to_where_a_selected_table_holds_rows) {
  const Shop shop("appended_to_rows");
  shop.target.exec("CREATE TABLE notes (t text); INSERT INTO notes VALUES ('mine')");
  const State before = state_of(shop.target);
  EXPECT_TRUE(failed(snapshot(shop.spec(api::OnTargetNotEmpty::append)), refused, "public.notes"));
  EXPECT_TRUE(state_of(shop.target) == before);
}

// Two tables worth writing frozen, both there already, the first referred to by the second.
constexpr const char* large_pair =
    "CREATE TABLE first (id int PRIMARY KEY, pad text); CREATE TABLE second (id int REFERENCES first, pad text)";
constexpr const char* large_rows =
    "INSERT INTO first SELECT i, repeat('x', 500) FROM generate_series(1, 8000) i;"
    "INSERT INTO second SELECT i, repeat('y', 500) FROM generate_series(1, 4000) i; ANALYZE";

TEST(ATargetThatIsNotEmpty, may_have_the_selected_tables_and_keys_between_them) {
  const auto [source, target] = ends("keyed");
  source.exec(std::string(large_pair) + ";" + large_rows);
  target.exec(large_pair);
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
}

TEST(ATargetThatIsNotEmpty, keeps_rows_that_come_while_the_copy_is_under_way) {
  const auto [source, target] = ends("late");
  source.exec(std::string(large_pair) + ";" + large_rows);
  target.exec("CREATE TABLE second (id int, pad text)");
  api::Spec spec = spec_between(source.uri(), target.uri());
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  spec.snapshot.parallelism = 1;
  testbed::Held held(server(18), target);
  std::future<api::Report> report = std::async(std::launch::async, [&] { return snapshot(spec); });
  held.wait_for_engine();
  target.exec("INSERT INTO second VALUES (-1, 'mine')");
  held.let_go();
  EXPECT_TRUE(failed(report.get(), refused, "public.second"));
  EXPECT_EQ(target.scalar("SELECT string_agg(pad, ',') FROM second"), "mine");
}

TEST(ATarget, that_is_the_source_is_refused) {
  const Shop shop("itself");
  const State before = state_of(shop.source);
  const api::Report report = snapshot(spec_between(shop.source.uri(), shop.source.uri()));
  EXPECT_TRUE(failed(report, refused, ""));
  EXPECT_EQ(report.reason, "SameDatabase");
  EXPECT_TRUE(state_of(shop.source) == before);
}

TEST(ATarget, may_be_another_database_of_the_same_server) {
  const Database source = server(17).create_database("here");
  const Database target = server(17).create_database("there");
  source.exec("CREATE TABLE t AS SELECT generate_series(1, 10) AS i");
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
}

// ------------------------------------------------------------------------------------------ done already

TEST(ASecondRun, of_a_declared_replication_is_done_already) {
  const Shop shop("declared");
  ASSERT_TRUE(done(snapshot(shop.spec("uid-declared"))));
  shop.source.exec("INSERT INTO notes VALUES ('later')");
  const State before = state_of(shop.target);
  const api::Report report = snapshot(shop.spec("uid-declared"));
  EXPECT_TRUE(done(report));
  EXPECT_THAT(code_list(report), ::testing::ElementsAre("AlreadyComplete"));
  EXPECT_EQ(report.databases.at(0).rows, 3502U);
  EXPECT_TRUE(state_of(shop.target) == before);
}

TEST(ASecondRun, with_another_request_copies_again) {
  const Shop shop("again");
  ASSERT_TRUE(done(snapshot(shop.spec("uid-again"))));
  shop.source.exec("INSERT INTO notes VALUES ('later'); DELETE FROM orders WHERE id % 2 = 0; CREATE TABLE new (i int)");
  api::Spec spec = shop.spec("uid-again");
  spec.snapshot.request_id = "2026-11";
  ASSERT_TRUE(done(snapshot(spec)));
  EXPECT_TRUE(same_content(shop.source.uri(), shop.target.uri()));
}

TEST(ASecondRun, by_hand_is_refused_and_told_what_to_do) {
  const Shop shop("by_hand");
  ASSERT_TRUE(done(snapshot(shop.spec())));
  const State before = state_of(shop.target);
  const api::Report report = snapshot(shop.spec());
  EXPECT_TRUE(failed(report, refused, "holds this snapshot already"));
  EXPECT_THAT(report.hint, HasSubstr("--drop-existing"));
  EXPECT_TRUE(state_of(shop.target) == before);
}

TEST(ASecondRun, by_hand_copies_again_where_the_target_is_to_be_dropped) {
  const Shop shop("by_hand_again");
  ASSERT_TRUE(done(snapshot(shop.spec())));
  shop.source.exec("INSERT INTO notes VALUES ('later')");
  ASSERT_TRUE(done(snapshot(shop.spec(api::OnTargetNotEmpty::drop))));
  EXPECT_TRUE(same_content(shop.source.uri(), shop.target.uri()));
}

// Those that lose wait for the one that copies, and then find what it has completed.
TEST(ThreeRuns, by_hand_at_once_copy_once_and_say_what_is_there) {
  const Database source = server(15).create_database("thrice");
  source.exec(
      "CREATE TABLE t (id int PRIMARY KEY, word text); INSERT INTO t SELECT i, md5(i::text) FROM"
      " generate_series(1, 20000) i");
  const Database target = server(18).adopt_database("thrice");
  std::vector<std::future<api::Report>> runs;
  for (int run = 0; run < 3; ++run)
    runs.push_back(std::async(std::launch::async, [&] { return snapshot(spec_between(source.uri(), target.uri())); }));
  std::vector<std::string> reasons;
  for (std::future<api::Report>& run : runs) {
    const api::Report report = run.get();
    reasons.push_back(report.reason);
    EXPECT_TRUE(report.reason == "SnapshotComplete" || report.reason == "AlreadyComplete" || report.reason == "Fenced")
        << report.reason << ": " << report.message;
  }
  EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "SnapshotComplete"), 1);
  EXPECT_TRUE(same_content(source.uri(), target.uri()));
}

// The answer to the last commit is lost: a new connection has to tell what became of it.
TEST(ACompletedSnapshot, is_known_again_by_the_run_that_completed_it) {
  const Until until{Deadline::after(Seconds{60}), {}};
  for (const api::OnTargetNotEmpty policy : {api::OnTargetNotEmpty::fail, api::OnTargetNotEmpty::drop}) {
    const Shop shop("known_again");
    ASSERT_TRUE(done(snapshot(shop.spec(policy))));
    const auto servers = make_servers(shop.spec(policy));
    const auto link = servers->link({shop.source.name(), shop.target.name()}, until).value();
    const pipeline::SourceIdentity identity = link->source().identity(until).value();
    const auto mine = link->target().claim(identity, 1, until);
    ASSERT_TRUE(mine) << mine.error().what;
    EXPECT_EQ(mine->standing, pipeline::Standing::complete);
    EXPECT_EQ(mine->epoch, 1);
    EXPECT_EQ(mine->tables.at({"public", "orders"}).count.rows, 3000U);
    const auto another = link->target().claim(identity, 2, until);
    ASSERT_TRUE(another) << another.error().what;
    EXPECT_EQ(another->standing,
              policy == api::OnTargetNotEmpty::fail ? pipeline::Standing::refused : pipeline::Standing::unfinished);
  }
}

TEST(ASecondRun, with_another_source_is_refused) {
  const Shop shop("first_source");
  const Shop other("other_source");
  ASSERT_TRUE(done(snapshot(shop.spec("uid-source"))));
  api::Spec spec = spec_between(other.source.uri(), shop.target.uri());
  spec.replication = "uid-source";
  spec.snapshot.request_id = "again";
  const State before = state_of(shop.target);
  EXPECT_TRUE(failed(snapshot(spec), refused, "belongs to database " + shop.source.name()));
  EXPECT_TRUE(state_of(shop.target) == before);
}

// ------------------------------------------------------------------------------------------ a ledger of others

// A table's owner on the target who lays out a ledger for us, whose view runs a function and whose undo is a trap.
TEST(ALedger, of_somebody_else_is_never_read) {
  const Shop shop("strange_ledger");
  auto& to = server(18);
  to.exec("postgres",
          "DO $$BEGIN CREATE ROLE ledger_stranger LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN "
          "NULL; END$$; GRANT CREATE ON DATABASE \"" +
              shop.target.name() + "\" TO ledger_stranger");
  testbed::Session stranger(to.tcp_uri(shop.target.name(), "ledger_stranger", "x"));
  stranger.exec(
      "CREATE SCHEMA _tributary; CREATE TABLE _tributary.trap (who text); GRANT ALL ON _tributary.trap TO PUBLIC; "
      "CREATE FUNCTION _tributary.trap() RETURNS int LANGUAGE sql AS "
      "'INSERT INTO _tributary.trap VALUES (current_user) RETURNING 1'; "
      "CREATE VIEW _tributary.control AS SELECT _tributary.trap() AS version; "
      "CREATE VIEW _tributary.replication AS SELECT _tributary.trap()::text AS key");
  const api::Report report = snapshot(shop.spec(api::OnTargetNotEmpty::append));
  EXPECT_TRUE(failed(report, refused, "_tributary belongs to role ledger_stranger"));
  EXPECT_EQ(shop.target.scalar("SELECT count(*) FROM _tributary.trap"), "0");
}

TEST(ALedger, with_one_table_of_somebody_else_is_refused) {
  const Shop shop("half_ledger");
  ASSERT_TRUE(done(snapshot(shop.spec("uid-half"))));
  server(18).exec("postgres", "DO $$BEGIN CREATE ROLE ledger_guest; EXCEPTION WHEN duplicate_object THEN NULL; END$$");
  shop.target.exec("ALTER TABLE _tributary.step OWNER TO ledger_guest");
  EXPECT_TRUE(failed(snapshot(shop.spec("uid-half")), refused, "relation step belongs to role ledger_guest"));
  shop.target.exec("ALTER TABLE _tributary.step OWNER TO CURRENT_USER");
  EXPECT_TRUE(done(snapshot(shop.spec("uid-half"))));
}

// ------------------------------------------------------------------------------------------ shared

TEST(TwoReplications, never_take_a_table_that_one_of_them_has_not_completed) {
  const Shop shop("one_table");
  const Database other = server(13).create_database("same_table");
  other.exec("CREATE TABLE notes (t text)");
  shop.target.exec("CREATE TABLE notes (t text CHECK (t IS NULL))");
  api::Spec one = shop.spec("uid-one");
  one.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  ASSERT_TRUE(failed(snapshot(one), refused, "public.notes"));
  api::Spec two = spec_between(other.uri(), shop.target.uri());
  two.replication = "uid-two";
  two.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  EXPECT_TRUE(failed(snapshot(two), refused, "public.notes of replication uid-one"));
  shop.target.exec("ALTER TABLE notes DROP CONSTRAINT notes_t_check");
  ASSERT_TRUE(done(snapshot(one)));
  EXPECT_EQ(testbed::fingerprint(shop.target.uri()), testbed::fingerprint(shop.source.uri()));
}

TEST(TwoReplications, share_a_target_database) {
  const Shop shop("shared");
  const Database other = server(13).create_database("sharing");
  other.exec("CREATE SCHEMA theirs; CREATE TABLE theirs.t AS SELECT generate_series(1, 10) AS i");
  api::Spec second = spec_between(other.uri(), shop.target.uri());
  second.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  second.replication = "uid-second";
  ASSERT_TRUE(done(snapshot(shop.spec("uid-first"))));
  ASSERT_TRUE(done(snapshot(second)));
  auto content = testbed::fingerprint(shop.target.uri());
  EXPECT_EQ(content.at("theirs.t"), testbed::fingerprint(other.uri()).at("theirs.t"));
  content.erase("theirs.t");
  EXPECT_EQ(content, testbed::fingerprint(shop.source.uri()));

  // Each begins anew without touching the other.
  second.snapshot.request_id = "again";
  other.exec("INSERT INTO theirs.t VALUES (11)");
  ASSERT_TRUE(done(snapshot(second)));
  EXPECT_EQ(testbed::fingerprint(shop.target.uri()).at("theirs.t"), testbed::fingerprint(other.uri()).at("theirs.t"));
  EXPECT_EQ(shop.target.scalar("SELECT count(*) FROM orders"), "3000");
}

TEST(TwoReplications, in_one_database_keep_each_other_from_dropping_it) {
  const Shop shop("not_alone");
  const Database other = server(13).create_database("not_alone");
  other.exec("CREATE SCHEMA theirs; CREATE TABLE theirs.t AS SELECT generate_series(1, 10) AS i");
  api::Spec second = spec_between(other.uri(), shop.target.uri());
  second.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  ASSERT_TRUE(done(snapshot(shop.spec())));
  ASSERT_TRUE(done(snapshot(second)));
  const State before = state_of(shop.target);
  EXPECT_TRUE(failed(snapshot(shop.spec(api::OnTargetNotEmpty::drop)), refused, "other replications"));
  EXPECT_TRUE(state_of(shop.target) == before);
}

}  // namespace
}  // namespace tributary::postgres

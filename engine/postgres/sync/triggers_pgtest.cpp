#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Triggers that came to the target with the copy, or that somebody made there.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::ask_for;
using testbed::done;
using testbed::Following;
using testbed::reason_of;
using testbed::same_content;
using testbed::StreamPair;
using testbed::wait_until_back;
using ::testing::HasSubstr;

constexpr const char* audit =
    "CREATE TABLE audit (id int, what text); ALTER TABLE audit REPLICA IDENTITY FULL;"
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS"
    "  'BEGIN INSERT INTO audit VALUES (NEW.id, TG_OP); RETURN NEW; END';"
    "CREATE TRIGGER audited AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION note();";

TEST(ATriggerOfTheTarget, that_always_fires_stops_its_table_until_it_is_disabled) {
  StreamPair pair("always", 15, 18);
  pair.source.exec(std::string("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);") + audit +
                   "ALTER TABLE t ENABLE ALWAYS TRIGGER audited");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync));
  pair.source.exec("INSERT INTO t VALUES (2)");
  wait_until_back(pair, "t", "stopped");
  pair.wait_until_applied();
  EXPECT_THAT(reason_of(pair, "t"), HasSubstr("ALTER TABLE public.t DISABLE TRIGGER audited"));
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM audit"), "1");
  pair.target.exec("ALTER TABLE t DISABLE TRIGGER audited");
  ask_for(pair, "t");
  wait_until_back(pair, "t");
  pair.source.exec("INSERT INTO t VALUES (3)");
  pair.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

TEST(ATriggerOfTheTarget, keeps_a_recopy_from_replacing_right_rows_by_wrong_ones) {
  StreamPair pair("wrong", 15, 18);
  pair.source.exec(
      "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2);"
      "CREATE TABLE u (id int PRIMARY KEY, n int); INSERT INTO u VALUES (1, 1)");
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec(
      "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := -1; RETURN NEW; END';"
      "CREATE TRIGGER changes BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION change();"
      "ALTER TABLE t ENABLE REPLICA TRIGGER changes");
  Following following(pair.spec(api::Mode::sync));
  for (const char* table : {"t", "u"}) ask_for(pair, table);
  wait_until_back(pair, "t", "stopped");
  wait_until_back(pair, "u");
  EXPECT_THAT(reason_of(pair, "t"), HasSubstr("ALTER TABLE public.t DISABLE TRIGGER changes"));
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

// The session of the stream was opened without the right.
TEST(ATriggerOfTheTarget, is_no_obstacle_any_more_once_the_role_may_be_a_replica) {
  StreamPair pair("granted", 15, 18);
  pair.source.exec(std::string("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);") + audit);
  const std::string role = "plain_" + pair.target.name();
  pair.to.exec("postgres", "CREATE ROLE " + role + " LOGIN PASSWORD 'secret'; ALTER DATABASE " + pair.target.name() +
                               " OWNER TO " + role);
  const std::string uri = pair.to.tcp_uri(pair.target.name(), role, "secret");
  const auto as_plain = [&](api::Mode mode) {
    api::Spec made = testbed::spec_between(pair.source.uri(), uri);
    made.mode = mode;
    made.replication = "uid-1";
    made.snapshot.keep_slot = true;
    made.snapshot.roles = false;
    return made;
  };
  ASSERT_TRUE(done(testbed::snapshot(as_plain(api::Mode::snapshot_and_sync))));
  {
    Following following(as_plain(api::Mode::sync));
    pair.source.exec("INSERT INTO t VALUES (2)");
    wait_until_back(pair, "t", "stopped");
    pair.wait_until_applied();
    EXPECT_THAT(reason_of(pair, "t"), HasSubstr("GRANT SET ON PARAMETER session_replication_role TO " + role));
    ask_for(pair, "t");
    testbed::wait_until("its recopy is refused", [&] { return testbed::state_of(pair, "t") == "stopped"; });
    EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM t"), "1");
    EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM audit"), "1");
    pair.to.exec("postgres", "GRANT SET ON PARAMETER session_replication_role TO " + role);
    ask_for(pair, "t");
    wait_until_back(pair, "t");
    pair.source.exec("INSERT INTO t VALUES (3)");
    pair.wait_until_applied();
    EXPECT_EQ(testbed::state_of(pair, "t"), "followed");
    EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  }
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

}  // namespace
}  // namespace tributary::postgres::sync

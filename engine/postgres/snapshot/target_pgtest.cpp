#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/testing/snapshot.h"

// What a target says of itself while it is written to.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::PostgresServer;

const std::string key = "uid-at-work";

class ATargetAtWork : public ::testing::Test {
 protected:
  ATargetAtWork() {
    api::Spec spec = testbed::spec_between(source.uri(), target.uri());
    spec.replication = key;
    servers = make_servers(spec);
    link = servers->link({source.name(), target.name()}, until).value();
    link->target().claim(link->source().identity(until).value(), 0, until).value();
    worker.exec("SET application_name = '" + session_prefix(key) + "writer'; CREATE TABLE t (i int)");
  }
  bool at_work() const { return link->target().at_work(until).value(); }
  void wait_for(const std::string& event) {
    testbed::wait_until("the worker waits: " + event, [&] {
      return own.scalar("postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = '" + event +
                                        "' AND application_name LIKE 'tributary/%/writer'") == "1";
    });
  }
  void need_standby(const std::string& setting) {
    own.exec("postgres", "ALTER SYSTEM " + setting);
    own.exec("postgres", "SELECT pg_reload_conf()");
  }

  const Until until{Deadline::after(Seconds{120}), {}};
  PostgresServer own{18, testbed::Flavour::logical, 7};
  const Database source = testbed::server(15).create_database("at_work");
  const Database target = own.create_database("at_work");
  testbed::Session worker{target.uri()};
  std::unique_ptr<pipeline::Servers> servers;
  std::unique_ptr<pipeline::Link> link;
};

TEST_F(ATargetAtWork, runs_a_statement) {
  EXPECT_FALSE(at_work());
  std::string state;
  {
    const std::jthread thread([&] { state = worker.sqlstate("SELECT pg_sleep(600)"); });
    wait_for("PgSleep");
    EXPECT_TRUE(at_work());
    own.exec("postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
  }
  EXPECT_EQ(state, "57014");
}

TEST_F(ATargetAtWork, is_none_that_waits_for_a_standby) {
  need_standby("SET synchronous_standby_names = 'nobody'");
  std::atomic<bool> over{false};
  {
    // The setting reaches a commit some time after it was made.
    const std::jthread thread([&] {
      while (!over) worker.exec("INSERT INTO t VALUES (1)");
    });
    wait_for("SyncRep");
    EXPECT_FALSE(at_work());
    over = true;
    need_standby("RESET synchronous_standby_names");
  }
  EXPECT_FALSE(at_work());
}

// Otherwise what it could not be given would be told by the attempt that failed alone.
TEST(ADatabaseOfOurs, is_described_when_its_copy_is_complete_and_no_sooner) {
  testbed::PostgresServer& from = testbed::server(15);
  from.exec("postgres", "DO $$BEGIN CREATE ROLE nowhere_else; EXCEPTION WHEN duplicate_object THEN NULL; END$$");
  const Database source = from.create_database("described");
  source.exec("COMMENT ON DATABASE \"" + source.name() + "\" IS 'theirs'; ALTER DATABASE \"" + source.name() +
              "\" OWNER TO nowhere_else");
  const Database target = testbed::server(18).adopt_database(source.name() + "_described");
  api::Spec spec = testbed::spec_between(source.uri(), target.uri());
  spec.replication = "uid-described";
  const std::string comment =
      "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()";
  const Until until{Deadline::after(Seconds{60}), {}};
  {
    const auto servers = make_servers(spec);
    const auto link = servers->link({source.name(), target.name()}, until).value();
    link->target().claim(link->source().identity(until).value(), 0, until).value();
    pipeline::Contents contents;
    contents.snapshot = link->source().open_snapshot(std::nullopt, until).value();
    ASSERT_TRUE(link->target().prepare(contents, until));
    const auto records = link->target().complete(
        {},
        [&]() -> Result<void> {
          EXPECT_EQ(link->describe_database(until).value().size(), 1U);
          return Error{Fault::failed, "on purpose"};
        },
        until);
    ASSERT_FALSE(records);
    EXPECT_EQ(target.scalar(comment), "unfinished copy by Tributary");
  }
  const api::Report report = testbed::snapshot(spec);
  EXPECT_TRUE(testbed::done(report));
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings.front().code, "OwnerNotSet");
  EXPECT_EQ(target.scalar(comment), "theirs");
}

}  // namespace
}  // namespace tributary::postgres

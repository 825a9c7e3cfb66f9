#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <future>
#include <iostream>
#include <optional>
#include <random>
#include <thread>

#include "engine/base/seal.h"
#include "engine/cli/release_order.h"
#include "engine/pipeline/session.h"
#include "engine/postgres/servers.h"
#include "engine/postgres/sync/copy_drain.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/held.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/serve/request.h"
#include "engine/testing/process.h"

// `tributary sync` as a process that may die, between servers that may end its sessions, under writers that never rest.
namespace tributary::cli {
namespace {

using testbed::done;
using testbed::Process;
using testbed::same_content;
using testbed::Session;
using testbed::StreamPair;

const char* const tables =
    "CREATE TABLE plain (id int PRIMARY KEY, word text, number numeric, stamp timestamptz, doc jsonb);"
    "CREATE TABLE wide (id int PRIMARY KEY, small int, large text); ALTER TABLE wide ALTER large SET STORAGE EXTERNAL;"
    "CREATE TABLE whole (a int, b text, c float8); ALTER TABLE whole REPLICA IDENTITY FULL;"
    "CREATE TABLE second_key (id int PRIMARY KEY, other int UNIQUE);"
    "CREATE TABLE pair (x int, y text, z int[], PRIMARY KEY (x, y));"
    "CREATE TABLE parted (id int PRIMARY KEY, n int) PARTITION BY HASH (id);"
    "CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
    "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON"
    " DELETE CASCADE); INSERT INTO parent SELECT generate_series(1, 50)";

// One statement of a writer; $ stands for a key that it draws.
const char* const statements[] = {
    "INSERT INTO plain VALUES ($, md5('$'), $ / 3.0, now(), '{\"n\": $}') ON CONFLICT (id) DO UPDATE SET word = "
    "'again'",
    "UPDATE plain SET number = number * -1, doc = NULL WHERE id BETWEEN $ AND $ + 5",
    "UPDATE plain SET id = id + 1000000 WHERE id = $ AND NOT EXISTS (SELECT FROM plain WHERE id = $ + 1000000)",
    "DELETE FROM plain WHERE id % 17 = $ % 17",
    "INSERT INTO wide VALUES ($, 0, repeat(md5('$'), 300)) ON CONFLICT (id) DO UPDATE SET small = wide.small + 1",
    "UPDATE wide SET small = small + 1 WHERE id % 3 = $ % 3",
    "UPDATE wide SET large = repeat(md5('$$'), 280) WHERE id = $",
    "INSERT INTO whole VALUES ($ % 5, 'same', 'NaN'), ($ % 5, 'same', 'NaN')",
    "UPDATE whole SET c = $ WHERE ctid = (SELECT min(ctid) FROM whole WHERE a = $ % 5)",
    "DELETE FROM whole WHERE ctid = (SELECT min(ctid) FROM whole WHERE a = $ % 5)",
    "INSERT INTO second_key VALUES ($, -$) ON CONFLICT DO NOTHING",
    "UPDATE second_key SET other = other - 1000000 WHERE id < 100 AND other > -1000000",
    "DELETE FROM second_key WHERE id = $",
    "INSERT INTO pair VALUES ($ % 9, 'k$', ARRAY[1, NULL, $]) ON CONFLICT (x, y) DO UPDATE SET z = NULL",
    "DELETE FROM pair WHERE x = $ % 9",
    "INSERT INTO parted VALUES ($, 1) ON CONFLICT (id) DO UPDATE SET n = parted.n + 1",
    "UPDATE parted SET id = id + 500000 WHERE id = $ AND NOT EXISTS (SELECT FROM parted WHERE id = $ + 500000)",
    "INSERT INTO child VALUES ($, 1 + $ % 50) ON CONFLICT DO NOTHING",
    "DELETE FROM parent WHERE id = 1 + $ % 50",
    "INSERT INTO parent VALUES (1 + $ % 50) ON CONFLICT DO NOTHING",
    "TRUNCATE pair",
    "SAVEPOINT s; UPDATE plain SET word = 'undone'; ROLLBACK TO s",
};

// Transactions of a few statements, one in ten rolled back. What two writers do to each other may fail.
void write(const std::string& uri, std::uint64_t seed, const std::atomic<bool>& enough) {
  std::mt19937_64 random(seed);
  Session session(uri);
  while (!enough) {
    session.sqlstate("BEGIN");
    for (std::uint64_t left = 1 + random() % 4; left > 0; --left) {
      std::string sql = statements[random() % std::size(statements)];
      const std::string key = std::to_string(random() % 200);
      for (std::size_t at = sql.find('$'); at != std::string::npos; at = sql.find('$', at + key.size()))
        sql.replace(at, 1, key);
      session.sqlstate(sql);
    }
    session.sqlstate(random() % 10 == 0 ? "ROLLBACK" : "COMMIT");
  }
}

void end_sessions(testbed::PostgresServer& of, const testbed::Database& database) {
  of.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database.name() +
                          "' AND application_name LIKE 'tributary/%'");
}

class ASyncThatIsDisturbed : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(AtRandom, ASyncThatIsDisturbed, ::testing::Range(0, 20));

TEST_P(ASyncThatIsDisturbed, brings_every_transaction_once) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const int majors[] = {13, 15, 17, 18};
  const int from = majors[GetParam() % 4];
  StreamPair pair("disturbed", from, std::max(from, majors[random() % 4]));
  pair.source.exec(tables);
  ASSERT_TRUE(done(pair.init("")));
  const std::vector<std::string> command{
      testbed::built_program("tributary"), "sync", "--source", pair.source.uri(), "--target", pair.target.uri()};

  std::atomic<bool> enough = false;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 3; ++writer)
    writers.emplace_back([&, own = random()] { write(pair.source.uri(), own, enough); });
  std::optional<Process> engine(std::in_place, command);
  for (int disturbances = 0; disturbances < 6; ++disturbances) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 700));  // the moment is what is random
    switch (random() % 3) {
      case 0:
        engine->send(SIGKILL);
        engine->wait();
        engine.emplace(command);
        break;
      case 1:
        end_sessions(pair.to, pair.target);
        break;
      default:
        end_sessions(pair.from, pair.source);
    }
  }
  enough = true;
  writers.clear();
  pair.wait_until_applied();
  engine->send(SIGTERM);
  ASSERT_EQ(engine->wait(), 0) << engine->errors();
  EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.table_state WHERE stream <> 'followed'"), "0")
      << engine->errors();
  EXPECT_TRUE(same_content(pair.source.uri(), pair.target.uri()));
}

// Of a first run that was killed, a second one knows by the target's ledger.
TEST(AnInitWithSync, leaves_no_slot_behind_when_it_is_refused_or_interrupted_before_it_copies) {
  StreamPair pair("left", 17, 18);
  const std::vector<std::string> again{testbed::built_program("tributary"),
                                       "init",
                                       "--sync",
                                       "--source",
                                       pair.source.uri(),
                                       "--target",
                                       pair.target.uri(),
                                       "--publication",
                                       "nosuch"};
  ASSERT_TRUE(done(pair.init("")));
  Process complete(again);
  EXPECT_EQ(complete.wait(), 2);
  EXPECT_EQ(pair.slots(), "1") << "that of a complete copy is needed";
  pair.target.exec("UPDATE _tributary.replication SET state = 'copying', completed = NULL");
  Process refused(again);
  EXPECT_EQ(refused.wait(), 2) << refused.errors();
  EXPECT_EQ(pair.slots(), "0") << refused.errors();
  EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
}

TEST(AnInitWithSync, leaves_no_database_behind_that_it_made_in_vain) {
  StreamPair pair("vain", 17, 18);
  pair.source.exec(
      "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
      "CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE PUBLICATION') EXECUTE FUNCTION refuse()");
  const testbed::Database made = pair.to.adopt_database(pair.target.name() + "_made");
  const testbed::Database kept = pair.to.create_database("kept");
  for (const testbed::Database* target : {&made, &kept}) {
    Process init({testbed::built_program("tributary"), "init", "--sync", "--source", pair.source.uri(), "--target",
                  target->uri()});
    EXPECT_EQ(init.wait(), 2) << init.errors();
    EXPECT_NE(init.errors().find("CREATE PUBLICATION"), std::string::npos) << init.errors();
  }
  const std::string named = "SELECT count(*) FROM pg_database WHERE datname = '";
  EXPECT_EQ(pair.to.scalar("postgres", named + made.name() + "'"), "0");
  EXPECT_EQ(pair.to.scalar("postgres", named + kept.name() + "'"), "1");
}

TEST(AnOrderToRelease, ends_the_stream_with_all_it_applied_and_leaves_nothing_on_the_source) {
  for (const int major : {13, 17}) {
    StreamPair pair("ordered", major, 18);
    pair.source.exec("CREATE TABLE plain (id int PRIMARY KEY)");
    ASSERT_TRUE(done(pair.init()));
    ReleaseOrder order{sha256("token")};
    const api::Spec spec = pair.spec(api::Mode::snapshot_and_sync);
    std::future<api::Report> report = std::async(std::launch::async, [&] {
      pipeline::ProgressBoard board{""};
      const auto servers = postgres::sync::make_sync_servers(spec);
      return until_released(
          order, {},
          [&](const Until& until) {
            return pipeline::run_sync(spec, *servers, pipeline::Manner::follow, board, until);
          },
          [&](pipeline::Remember remember, const Until& until) {
            return pipeline::run_release(spec, *servers, remember, board, until);
          },
          {Milliseconds(0), Milliseconds(0), Milliseconds(0)});
    });
    pair.source.exec("INSERT INTO plain SELECT generate_series(1, 1000)");
    pair.wait_until_applied();
    EXPECT_EQ(order.routes().at("/release").post({"POST", "/release", "forget", "token"}).status, 202);
    const api::Report ended = report.get();
    EXPECT_EQ(ended.reason, "Released") << ended.message;
    EXPECT_EQ(ended.exit_code, api::ExitCode::done);
    EXPECT_EQ(pair.slots(), "0");
    EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
    EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM plain"), "1000");
  }
}

TEST(AnOrderToRelease, ends_a_copy_in_its_middle_and_leaves_nothing_on_the_source) {
  for (const api::Mode mode : {api::Mode::snapshot, api::Mode::snapshot_and_sync}) {
    StreamPair pair("ordered_copy", 15, 18);
    pair.source.exec("CREATE TABLE plain (id int PRIMARY KEY); INSERT INTO plain VALUES (1)");
    testbed::Held held(pair.to, pair.target);
    ReleaseOrder order{sha256("token")};
    api::Spec spec = pair.spec(mode);
    spec.snapshot.keep_slot = true;
    std::future<api::Report> report = std::async(std::launch::async, [&] {
      pipeline::ProgressBoard board{""};
      return until_released(
          order, {},
          [&](const Until& until) {
            const auto servers = postgres::make_servers(spec, postgres::sync::drain_of(spec));
            return pipeline::run_snapshot(spec, *servers, board, until);
          },
          [&](pipeline::Remember remember, const Until& until) {
            const auto servers = postgres::sync::make_sync_servers(spec);
            return pipeline::run_release(spec, *servers, remember, board, until);
          },
          {Milliseconds(0), Milliseconds(0), Milliseconds(0)});
    });
    held.wait_for_engine();
    EXPECT_EQ(pair.slots(), "1");
    EXPECT_EQ(order.routes().at("/release").post({"POST", "/release", "forget", "token"}).status, 202);
    testbed::wait_until("the copy has ended", [&] {
      return testbed::sessions(pair.to, pair.target.name(), "tributary/%/writer") == 0;
    });
    held.let_go();
    const api::Report ended = report.get();
    EXPECT_EQ(ended.reason, "Released") << ended.message;
    EXPECT_EQ(pair.slots(), "0");
    EXPECT_EQ(pair.source.scalar("SELECT count(*) FROM pg_publication"), "0");
    EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM plain"), "0") << "nothing was committed";
    EXPECT_EQ(pair.target.scalar("SELECT count(*) FROM _tributary.replication WHERE key LIKE '%uid-1%'"), "0");
  }
}

}  // namespace
}  // namespace tributary::cli

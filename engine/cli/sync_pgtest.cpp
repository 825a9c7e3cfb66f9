#include <gtest/gtest.h>

#include <future>

#include "engine/base/seal.h"
#include "engine/cli/release_order.h"
#include "engine/pipeline/session.h"
#include "engine/postgres/snapshot/servers.h"
#include "engine/postgres/sync/copy_drain.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/held.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/serve/request.h"
#include "engine/testing/process.h"

// What `tributary init --sync` leaves behind, and how a sync ends that is ordered to. That it outlives every
// disturbance is for engine/torture.
namespace tributary::cli {
namespace {

using testbed::done;
using testbed::Process;
using testbed::StreamPair;

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
          [&](pipeline::Keep keep, const Until& until) {
            return pipeline::run_release(spec, *servers, keep, board, until);
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
          [&](pipeline::Keep keep, const Until& until) {
            const auto servers = postgres::sync::make_sync_servers(spec);
            return pipeline::run_release(spec, *servers, keep, board, until);
          },
          {Milliseconds(0), Milliseconds(0), Milliseconds(0)});
    });
    held.wait_for_engine();
    EXPECT_EQ(pair.slots(), "1");
    EXPECT_EQ(order.routes().at("/release").post({"POST", "/release", "forget", "token"}).status, 202);
    testbed::wait_until("the copy has ended",
                        [&] { return testbed::sessions(pair.to, pair.target.name(), "tributary/%/writer") == 0; });
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

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"

// A target whose transactions somebody made read-only, which no session that may say otherwise takes for its own word.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::done;
using testbed::failed;
using testbed::Following;
using testbed::StreamPair;
using ::testing::HasSubstr;

api::Report recopy(const StreamPair& pair) {
  const auto servers = make_sync_servers(pair.spec(api::Mode::sync));
  pipeline::ProgressBoard board("");
  return pipeline::run_recopy(pair.spec(api::Mode::sync), {pair.source.name() + ".public.mark"}, *servers, board, {});
}

class AReadOnlyTarget : public ::testing::Test {
 protected:
  // As ALTER `whose` SET says.
  void expect_refused(const std::string& whose, const std::string& told) {
    pair_.target.exec("ALTER " + whose + " SET default_transaction_read_only = on");
    const std::string before = ledger();
    Following following(pair_.spec(api::Mode::sync));
    const std::string message =
        "default_transaction_read_only is on in database " + pair_.target.name() + ", set for " + told;
    const api::Report report = following.wait();
    EXPECT_TRUE(failed(report, ExitCode::bad_configuration, message));
    EXPECT_THAT(report.hint, HasSubstr("RESET default_transaction_read_only"));
    EXPECT_TRUE(failed(recopy(pair_), ExitCode::bad_configuration, message));
    EXPECT_EQ(ledger(), before) << "nothing is written";
    testbed::Session session(pair_.target.uri());
    session.exec("SET default_transaction_read_only = off");
    session.exec("ALTER " + whose + " RESET default_transaction_read_only");
  }
  std::string ledger() const {
    return pair_.target.scalar("SELECT s::text || r::text FROM _tributary.stream s, _tributary.replication r");
  }

  StreamPair pair_{"read_only", 15, 18};
};

TEST_F(AReadOnlyTarget, is_not_followed_into) {
  ASSERT_TRUE(done(pair_.init()));
  pair_.source.exec("INSERT INTO mark DEFAULT VALUES");
  const std::string database = "DATABASE " + pair_.target.name();
  expect_refused(database, "database " + pair_.target.name());
  expect_refused("ROLE postgres IN " + database, "role postgres in database " + pair_.target.name());
  EXPECT_EQ(pair_.target.scalar("SELECT count(*) FROM mark"), "0");
  Following following(pair_.spec(api::Mode::sync));
  pair_.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, ExitCode::done);
}

}  // namespace
}  // namespace tributary::postgres::sync

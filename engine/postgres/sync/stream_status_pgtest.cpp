#include "engine/postgres/sync/stream_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/pipeline/sync.h"
#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"

// What is said of a stream by whoever asks, and what its engines have left for him.
namespace tributary::postgres::sync {
namespace {

using api::ExitCode;
using testbed::done;
using testbed::failed;
using testbed::Following;
using testbed::StreamPair;
using ::testing::EndsWith;
using ::testing::HasSubstr;

Result<api::StreamStatus> status_of(const api::Spec& spec) {
  const auto servers = make_sync_servers(spec);
  const Until until{Deadline::after(Seconds{60}), {}};
  return servers->status(TRY(servers->databases(until)).front(), until);
}

TEST(TheStatusOfAStream, says_that_its_publication_was_made_anew_as_the_engine_did) {
  StreamPair pair("made_anew", 15, 18);
  ASSERT_TRUE(done(pair.init()));
  const std::string name = pair.source.scalar("SELECT pubname FROM pg_publication");
  pair.source.exec("DROP PUBLICATION " + name);
  pair.source.exec("INSERT INTO mark DEFAULT VALUES");
  pair.source.exec("CREATE PUBLICATION " + name + " FOR TABLE mark");
  Following following(pair.spec(api::Mode::sync));
  EXPECT_TRUE(failed(following.wait(), ExitCode::lost_position, "the source cannot decode changes"));
  const Result<api::StreamStatus> status = status_of(pair.spec(api::Mode::sync));
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_THAT(status->problem, HasSubstr("the source cannot decode changes"));
  EXPECT_THAT(status->hint, HasSubstr("take a new snapshot"));
  ASSERT_TRUE(status->last_error);
  EXPECT_EQ(status->last_error->message, status->problem);
  EXPECT_THAT(status->last_error->time, EndsWith("Z"));
}

// On the target; it may do all but write to the table `t`.
std::string make_writer(const StreamPair& pair) {
  const std::string role = "writer_of_" + pair.target.name();
  pair.target.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'secret'; GRANT pg_signal_backend TO " + role +
                   "; GRANT USAGE ON SCHEMA _tributary TO " + role +
                   "; GRANT ALL ON ALL TABLES IN SCHEMA _tributary, public TO " + role +
                   "; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO " + role + "; REVOKE INSERT ON t FROM " + role);
  return role;
}

TEST(TheStatusOfAStream, has_the_last_error_until_the_stream_moves_on) {
  StreamPair pair("last_error", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(done(pair.init()));
  const std::string role = make_writer(pair);
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.target.uri = pair.to.tcp_uri(pair.target.name(), role, "secret");
  pair.source.exec("INSERT INTO t VALUES (1)");
  {
    Following following(spec);
    const api::Report report = following.wait();
    EXPECT_TRUE(failed(report, ExitCode::bad_configuration, "table public.t: permission denied"));
    EXPECT_THAT(report.hint,
                HasSubstr("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON \"public\".\"t\" TO \"" + role + "\""));
  }
  const Result<api::StreamStatus> ended = status_of(spec);
  ASSERT_TRUE(ended) << ended.error().what;
  EXPECT_EQ(ended->problem, "") << "somebody can mend it";
  ASSERT_TRUE(ended->last_error);
  EXPECT_THAT(ended->last_error->message, HasSubstr("permission denied"));
  EXPECT_THAT(ended->last_error->hint, HasSubstr("GRANT SELECT"));
  pair.target.exec("GRANT INSERT ON t TO " + role);
  {
    Following following(spec);
    pair.wait_until_applied();
    const Result<api::StreamStatus> status = status_of(spec);
    ASSERT_TRUE(status) << status.error().what;
    EXPECT_FALSE(status->last_error) << status->last_error->message;
    EXPECT_EQ(following.stop().exit_code, ExitCode::done);
  }
  pair.target.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

class TheStatusOfASource : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Majors, TheStatusOfASource, ::testing::Values(15, 18));

TEST_P(TheStatusOfASource, names_the_right_that_its_question_takes) {
  StreamPair pair("no_right", GetParam(), 18);
  ASSERT_TRUE(done(pair.init()));
  const std::string role = "reader_of_" + pair.source.name();
  pair.source.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'secret'; GRANT SELECT ON mark TO " + role);
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.source.uri = pair.from.tcp_uri(pair.source.name(), role, "secret");
  const Result<api::StreamStatus> status = status_of(spec);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().fault, Fault::denied);
  EXPECT_THAT(status.error().what, HasSubstr("role " + role + " may not stream from the source"));
  EXPECT_THAT(status.error().hint, HasSubstr("ALTER ROLE \"" + role + "\" REPLICATION on the source"));
  pair.source.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
}

}  // namespace
}  // namespace tributary::postgres::sync

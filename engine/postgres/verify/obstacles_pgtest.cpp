#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>

#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/verify/verify.h"
#include "engine/testing/postgres_server.h"

// What stands in the way of a comparison, and what it must not be stopped by.
namespace tributary::postgres::verify {
namespace {

using testbed::Database;
using testbed::server;
using ::testing::HasSubstr;

Until soon() {
  return {Deadline::after(Seconds{120}), {}};
}

struct Ends {
  Ends() : source(server(15).create_database("refused_source")), target(server(18).create_database("refused_target")) {
    spec.source.uri = source.uri();
    spec.target.uri = target.uri();
    for (const Database* each : {&source, &target})
      each->exec(
          "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, "
          "1000) i");
  }
  Result<api::Verification> compare() const {
    pipeline::ProgressBoard board("");
    return verify(spec, {}, board, nullptr, soon());
  }

  const Database source;
  const Database target;
  api::Spec spec;
};

TEST(AComparison, without_the_right_to_read_the_ledger_says_what_to_grant) {
  Ends ends;
  const std::string role = ends.target.name() + "_reader";
  {
    Connection session = open_data_session(resolve(ends.spec.target, "target").value(), soon()).value();
    ensure_control_schema(session, soon()).value();
  }
  ends.target.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'p'; GRANT SELECT ON t TO " + role);
  ends.spec.target.uri = server(18).tcp_uri(ends.target.name(), role, "p");
  const Result<api::Verification> refused = ends.compare();
  ends.target.exec("GRANT USAGE ON SCHEMA _tributary TO " + role +
                   "; GRANT SELECT ON ALL TABLES IN SCHEMA _tributary TO " + role);
  const Result<api::Verification> granted = ends.compare();
  ends.target.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::denied);
  EXPECT_THAT(refused.error().what, HasSubstr("may not be read: "));
  EXPECT_THAT(refused.error().what, HasSubstr("permission denied for schema _tributary"));
  EXPECT_THAT(refused.error().hint, HasSubstr("USAGE on schema _tributary and SELECT on all its tables"));
  ASSERT_TRUE(granted) << describe(granted.error());
  EXPECT_EQ(granted->result, api::Comparison::equal);
}

TEST(AComparison, without_the_right_to_hold_a_stream_says_what_to_grant) {
  testbed::StreamPair pair("rights", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY)");
  ASSERT_TRUE(testbed::done(pair.init()));
  const std::string role = pair.target.name() + "_reader";
  pair.target.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'p'; GRANT USAGE ON SCHEMA _tributary TO " + role +
                   "; GRANT SELECT ON ALL TABLES IN SCHEMA _tributary, public TO " + role);
  api::Spec spec = pair.spec(api::Mode::snapshot_and_sync);
  spec.target.uri = server(18).tcp_uri(pair.target.name(), role, "p");
  pipeline::ProgressBoard board("");
  const Result<api::Verification> refused = verify(spec, {}, board, nullptr, soon());
  pair.target.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::denied) << describe(refused.error());
  EXPECT_THAT(refused.error().hint, HasSubstr("DELETE on _tributary.hold"));
}

TEST(AComparison, with_a_database_that_is_not_there_says_what_to_do) {
  Ends ends;
  ends.spec.target.uri = server(18).uri("no_such_database");
  const Result<api::Verification> refused = ends.compare();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::missing);
  EXPECT_THAT(refused.error().what, HasSubstr("no_such_database"));
  EXPECT_THAT(refused.error().hint, HasSubstr("tributary init"));
  ends.spec.source.uri = server(15).uri("no_such_database");
  ends.spec.target.uri = ends.target.uri();
  const Result<api::Verification> nowhere = ends.compare();
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().hint, "");
}

TEST(AComparison, is_not_ended_by_timeouts_of_databases_and_roles) {
  Ends ends;
  testbed::Session other(ends.target.uri());
  other.exec("BEGIN; LOCK TABLE t");
  for (const Database* each : {&ends.source, &ends.target})
    for (const std::string timeout :
         {"statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"})
      each->exec("ALTER DATABASE " + each->name() + " SET " + timeout + " = '500ms'");
  ends.target.exec("ALTER DATABASE " + ends.target.name() + " SET transaction_timeout = '500ms'");
  std::future<Result<api::Verification>> comparison = std::async(std::launch::async, [&] { return ends.compare(); });
  testbed::wait_until("a statement lasts longer than it may elsewhere", [&] {
    return server(18).scalar("postgres",
                             "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tributary/verify'"
                             " AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '1 s'") ==
           "1";
  });
  other.exec("COMMIT");
  const Result<api::Verification> found = comparison.get();
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->result, api::Comparison::equal);
}

}  // namespace
}  // namespace tributary::postgres::verify

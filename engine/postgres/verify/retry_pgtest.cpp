#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

#include "engine/postgres/client/endpoint.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/verify/comparison.h"
#include "engine/testing/postgres_server.h"

// An end that is away for a while.
namespace tributary::postgres::verify {
namespace {

using testbed::Database;
using testbed::PostgresServer;
using testbed::wait_until;
using ::testing::HasSubstr;

constexpr std::uint64_t rows = 30'000;

// A table in some hundred ranges on two servers that are the test's own.
class AnEndThatIsAway : public testing::TestWithParam<bool> {
 protected:
  AnEndThatIsAway() {
    for (const Database* each : {&source_, &target_})
      each->exec(
          "CREATE TABLE t (id int PRIMARY KEY, a text, b numeric[]); INSERT INTO t SELECT i, md5(i::text), "
          "ARRAY[i / 7.0, 2] FROM generate_series(1, " +
          std::to_string(rows) + ") i; ANALYZE t");
  }

  PostgresServer& away() { return GetParam() ? from_ : to_; }
  std::future<Result<void>> begin(const RetryLimits& retries) {
    options_.database = source_.name();
    ends_[0].uri = from_.tcp_uri(source_.name(), "postgres", PostgresServer::superuser_password);
    ends_[1].uri = to_.tcp_uri(target_.name(), "postgres", PostgresServer::superuser_password);
    options_.ends = {[this] { return resolve(ends_[0], "source"); }, [this] { return resolve(ends_[1], "target"); }};
    options_.selects = [](const model::Name&, const std::vector<model::Name>&) { return true; };
    options_.sizes = {8192, 65536};
    options_.retries = retries;
    return std::async(std::launch::async, [this] {
      return compare_database(options_, board_, found_, {Deadline::after(Seconds{300}), {}});
    });
  }
  std::uint64_t compared() const {
    const api::Progress progress = board_.snapshot();
    std::uint64_t sum = 0;
    for (const api::DatabaseProgress& database : progress.databases) sum += database.rows_copied;
    return sum;
  }
  bool waits() const { return board_.snapshot().phase == api::Phase::waiting; }

  PostgresServer from_{16, testbed::Flavour::logical, 8};
  PostgresServer to_{18, testbed::Flavour::logical, 8};
  const Database source_ = from_.create_database("away_source");
  const Database target_ = to_.create_database("away_target");
  api::Endpoint ends_[2];
  ComparisonOptions options_;
  pipeline::ProgressBoard board_{""};
  api::Verification found_;
};

INSTANTIATE_TEST_SUITE_P(SourceAndTarget, AnEndThatIsAway, testing::Values(true, false));

TEST_P(AnEndThatIsAway, is_waited_for_and_what_was_compared_stays) {
  away().stop();
  std::future<Result<void>> comparison = begin({});
  wait_until("it waits at the beginning", [&] { return waits(); });
  away().start();
  wait_until("it compares", [&] { return compared() > 0; });
  away().stop();
  const std::uint64_t before = compared();
  EXPECT_LT(before, rows) << "it was at its end before the server was";
  wait_until("it waits amid", [&] { return waits(); });
  away().start();
  const Result<void> ended = comparison.get();
  ASSERT_TRUE(ended) << describe(ended.error());
  EXPECT_EQ(found_.tables_compared, 1U);
  EXPECT_EQ(found_.tables_different + found_.tables_not_compared, 0U);
  EXPECT_EQ(found_.rows, rows);
  EXPECT_EQ(compared(), rows) << "ranges were compared twice";
  EXPECT_GE(found_.moments, 2U);
}

TEST_P(AnEndThatIsAway, is_given_up_at_last) {
  away().stop();
  RetryLimits retries;
  retries.pauses = {Milliseconds{1}, 1.0, Milliseconds{1}, 0.0};
  int tries = 0;
  retries.is_patient = [&](SteadyClock::duration) { return ++tries < 4; };
  const Result<void> ended = begin(retries).get();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().fault, Fault::transient);
  EXPECT_EQ(tries, 4);
  away().start();
}

}  // namespace
}  // namespace tributary::postgres::verify

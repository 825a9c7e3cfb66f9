#include <gtest/gtest.h>

#include "engine/postgres/client/connection_pipeline.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

class ALivePipeline : public ::testing::TestWithParam<int> {
 protected:
  ALivePipeline() : database_(testbed::server(GetParam()).create_database("pipeline")) {
    database_.exec("CREATE TABLE t (id int PRIMARY KEY, a text, b bytea)");
  }

  testbed::Database database_;
  Connection connection_ = Connection::open(parse_conninfo(database_.uri()).value(), {}, soon()).value();
  Pipeline pipeline_{connection_};
  const int tags_[3] = {};
};
INSTANTIATE_TEST_SUITE_P(Majors, ALivePipeline, ::testing::Values(12, 13, 15, 18));

constexpr const char* insert = "INSERT INTO t VALUES ($1, $2, $3)";

TEST_P(ALivePipeline, carries_parameters_of_both_forms_and_nulls) {
  const std::uint32_t types[] = {23, 25, 17};
  ASSERT_TRUE(pipeline_.prepare("i", insert, types, &tags_[0], soon()));
  const std::string bytes("\0\xff\0x", 4);
  const Parameter one[] = {{"1"}, {"a"}, {bytes, Parameter::Format::binary}};
  const Parameter two[] = {{"2"}, {}, {}};
  ASSERT_TRUE(pipeline_.execute("i", one, 1, &tags_[1], soon()));
  ASSERT_TRUE(pipeline_.execute("i", two, 1, &tags_[1], soon()));
  ASSERT_TRUE(pipeline_.finish(soon()));
  EXPECT_EQ(database_.scalar("SELECT string_agg(format('%s %s %s', id, a, b), ';' ORDER BY id) FROM t"),
            "1 a \\x00ff0078;2  ");
  EXPECT_TRUE(connection_.usable());
  EXPECT_EQ(connection_.query_row("SELECT count(*) FROM t", {}, soon())->integer(0, 0), 2);
}

TEST_P(ALivePipeline, is_used_again_after_its_end) {
  ASSERT_TRUE(pipeline_.finish(soon()));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(pipeline_.run("INSERT INTO t SELECT " + std::to_string(round), nullptr, soon()));
    ASSERT_TRUE(pipeline_.finish(soon()));
    ASSERT_TRUE(connection_.execute("SELECT 1", soon()));
  }
  EXPECT_EQ(database_.scalar("SELECT count(*) FROM t"), "3");
}

TEST_P(ALivePipeline, tells_the_first_statement_that_failed_and_whose_it_is) {
  ASSERT_TRUE(pipeline_.run("BEGIN", &tags_[0], soon()));
  ASSERT_TRUE(pipeline_.run("INSERT INTO t VALUES (1)", &tags_[0], soon()));
  ASSERT_TRUE(pipeline_.run("INSERT INTO t VALUES (1)", &tags_[1], soon()));
  ASSERT_TRUE(pipeline_.run("SELECT 1/0", &tags_[2], soon()));
  const Result<void> finished = pipeline_.finish(soon());
  ASSERT_FALSE(finished);
  EXPECT_EQ(pipeline_.failed(), &tags_[1]);
  EXPECT_EQ(connection_.sqlstate(), "23505");
  EXPECT_EQ(connection_.diagnosis().constraint, "t_pkey");
  EXPECT_TRUE(connection_.usable());
  connection_.roll_back();
  EXPECT_EQ(database_.scalar("SELECT count(*) FROM t"), "0");
}

TEST_P(ALivePipeline, tells_a_statement_that_touched_another_number_of_rows) {
  ASSERT_TRUE(pipeline_.run("BEGIN", nullptr, soon()));
  ASSERT_TRUE(pipeline_.prepare("u", "UPDATE t SET a = $1", {}, &tags_[0], soon()));
  const Parameter parameters[] = {{"x"}};
  ASSERT_TRUE(pipeline_.execute("u", parameters, 0, &tags_[0], soon()));
  ASSERT_TRUE(pipeline_.execute("u", parameters, 1, &tags_[1], soon()));
  const Result<void> finished = pipeline_.finish(soon());
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().fault, Fault::differs);
  EXPECT_EQ(finished.error().what, "0 rows were touched instead of 1");
  EXPECT_EQ(pipeline_.failed(), &tags_[1]);
  EXPECT_EQ(connection_.sqlstate(), "");
  connection_.roll_back();
  EXPECT_TRUE(connection_.usable());
}

// Each answers with more than a socket holds, unless somebody reads.
TEST_P(ALivePipeline, reads_while_it_writes) {
  ASSERT_TRUE(pipeline_.prepare("s", "SELECT repeat('x', 100000), $1::text", {}, nullptr, soon()));
  const std::string large(100'000, 'y');
  const Parameter parameters[] = {{large}};
  for (int statement = 0; statement < 500; ++statement)
    ASSERT_TRUE(pipeline_.execute("s", parameters, 1, nullptr, soon()));
  ASSERT_TRUE(pipeline_.finish(soon()));
}

TEST_P(ALivePipeline, learns_of_a_failure_while_it_still_sends) {
  ASSERT_TRUE(pipeline_.prepare("i", "INSERT INTO t VALUES ($1::int)", {}, &tags_[0], soon()));
  const Parameter parameters[] = {{"1"}};
  Result<void> sent;
  for (int statement = 0; sent && statement < 100'000; ++statement)
    sent = pipeline_.execute("i", parameters, 1, &tags_[1], soon());
  ASSERT_FALSE(sent);
  EXPECT_EQ(pipeline_.failed(), &tags_[1]);
  EXPECT_EQ(connection_.sqlstate(), "23505");
  EXPECT_TRUE(connection_.usable());
}

TEST_P(ALivePipeline, ends_with_its_session) {
  ASSERT_TRUE(pipeline_.run("SELECT pg_terminate_backend(pg_backend_pid())", nullptr, soon()));
  const Result<void> finished = pipeline_.finish(soon());
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().fault, Fault::transient);
  EXPECT_FALSE(connection_.usable());
}

TEST_P(ALivePipeline, takes_its_connection_along_when_nobody_waits_any_longer) {
  ASSERT_TRUE(pipeline_.run("SELECT pg_sleep(600)", nullptr, soon()));
  const Result<void> finished = pipeline_.finish({Deadline::after(Milliseconds(200)), {}});
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().fault, Fault::transient);
  EXPECT_FALSE(connection_.usable());
}

TEST_P(ALivePipeline, refuses_a_text_that_the_server_would_cut) {
  ASSERT_TRUE(pipeline_.prepare("i", "INSERT INTO t VALUES (1, $1)", {}, nullptr, soon()));
  const std::string cut("a\0b", 3);
  const Parameter parameters[] = {{cut}};
  const Result<void> sent = pipeline_.execute("i", parameters, 1, nullptr, soon());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().fault, Fault::failed);
  EXPECT_TRUE(connection_.usable());
  EXPECT_EQ(database_.scalar("SELECT count(*) FROM t"), "0");
}

}  // namespace
}  // namespace tributary::postgres

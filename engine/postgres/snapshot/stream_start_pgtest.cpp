#include "engine/postgres/snapshot/stream_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/testing/source_sessions.h"

// The stream that a copy begins with, where the source does not let it be made.
namespace tributary::postgres {
namespace {

using ::testing::HasSubstr;

class AStreamThatCannotBegin : public ::testing::TestWithParam<int> {
 protected:
  AStreamThatCannotBegin() { database_.exec("CREATE TABLE t (id int PRIMARY KEY)"); }

  Result<OpenStream> open(const StreamWish& wish, const std::string& uri, const Until& until) {
    const std::vector<CatalogTable> tables = read_tables(coordinator_, soon()).value();
    return open_stream([&] { return parse_conninfo(uri); }, coordinator_, wish, {"7311", database_.name()}, tables,
                       until);
  }
  std::string made() const {
    return database_.scalar(
        "SELECT (SELECT count(*) FROM pg_publication) || ' ' || (SELECT count(*)"
        " FROM pg_replication_slots WHERE database = current_database())");
  }

  testbed::PostgresServer& server_ = testbed::server(GetParam());
  testbed::Database database_{server_.create_database("begin")};
  Connection coordinator_ = ordinary_session(database_);
};
INSTANTIATE_TEST_SUITE_P(Majors, AStreamThatCannotBegin, ::testing::Values(13, 18));

TEST_P(AStreamThatCannotBegin, because_somebody_writes_for_too_long_leaves_nothing) {
  testbed::Session writer(database_.uri());
  writer.exec("BEGIN; INSERT INTO t VALUES (1)");
  const auto opened = open({"a-uid", "", "", ""}, database_.uri(), {Deadline::after(Seconds(2)), {}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().fault, Fault::transient) << opened.error().what;
  EXPECT_EQ(made(), "0 0");
  writer.exec("ROLLBACK");
  EXPECT_TRUE(open({"a-uid", "", "", ""}, database_.uri(), soon()));
  EXPECT_EQ(made(), "1 1");
  EXPECT_TRUE(drop_slot(coordinator_, stream_object_name("a-uid", database_.name()), Seconds(10), soon()));
}

TEST_P(AStreamThatCannotBegin, because_the_role_may_not_replicate_leaves_nothing) {
  const std::string role = "streamless_" + std::to_string(GetParam());
  server_.exec("postgres", "CREATE ROLE " + role + " LOGIN PASSWORD 'p'");
  const auto opened = open({"a-uid", "", "", ""}, server_.tcp_uri(database_.name(), role, "p"), soon());
  server_.exec("postgres", "DROP ROLE " + role);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().what, HasSubstr(role));
  EXPECT_EQ(made(), "0 0");
}

TEST_P(AStreamThatCannotBegin, never_takes_somebody_elses_publication_along) {
  database_.exec("CREATE PUBLICATION theirs FOR ALL TABLES");
  EXPECT_FALSE(open({"a-uid", "", "", "theirs"}, "postgresql://127.0.0.1:1/nowhere", soon()));
  EXPECT_EQ(made(), "1 0");
}

// Somebody's pg_replication_slot_advance(), or another engine that reads on.
class AStreamThatWasReadOn : public AStreamThatCannotBegin {
 protected:
  pipeline::StreamStart read_on() {
    const Result<OpenStream> opened = open({"a-uid", "", "", ""}, database_.uri(), soon());
    EXPECT_TRUE(opened) << opened.error().what;
    database_.exec("INSERT INTO t VALUES (1)");
    database_.exec("SELECT pg_replication_slot_advance('" + opened->start.slot + "', pg_current_wal_lsn())");
    return opened->start;
  }
};
INSTANTIATE_TEST_SUITE_P(Majors, AStreamThatWasReadOn, ::testing::Values(13, 18));

TEST_P(AStreamThatWasReadOn, is_not_said_to_be_dropped_where_it_may_be_another_engines) {
  const pipeline::StreamStart stream = read_on();
  const Result<void> dropped = drop_stream(coordinator_, stream, stream.from, soon());
  ASSERT_FALSE(dropped);
  EXPECT_EQ(dropped.error().fault, Fault::failed);
  EXPECT_THAT(dropped.error().what, HasSubstr(stream.slot));
  EXPECT_THAT(dropped.error().hint, HasSubstr("pg_drop_replication_slot('" + stream.slot + "')"));
  EXPECT_EQ(made(), "1 1");
  EXPECT_TRUE(drop_stream(coordinator_, stream, {}, soon()));
}

TEST_P(AStreamThatWasReadOn, is_dropped_by_whoever_holds_the_claim) {
  EXPECT_TRUE(drop_stream(coordinator_, read_on(), {}, soon()));
  EXPECT_EQ(made(), "0 0");
}

}  // namespace
}  // namespace tributary::postgres

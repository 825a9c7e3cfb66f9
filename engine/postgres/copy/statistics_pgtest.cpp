#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// Statistics that a snapshot cannot, or must not, gather.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::HasSubstr;

std::vector<api::Finding> findings_of(const api::Report& report, const std::string& code) {
  std::vector<api::Finding> found;
  for (const api::Finding& finding : report.findings)
    if (finding.code == code) found.push_back(finding);
  return found;
}

std::string analyzed(const Database& database) {
  return database.scalar(
      "SELECT string_agg(DISTINCT tablename, ',' ORDER BY tablename) FROM pg_stats WHERE schemaname = 'public'");
}

TEST(StatisticsOfASnapshot, are_not_gathered_above_a_foreign_partition) {
  const Database source = server(15).create_database("foreign_partition");
  source.exec(
      "CREATE EXTENSION postgres_fdw;"
      "CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');"
      "CREATE USER MAPPING FOR postgres SERVER away; CREATE FOREIGN DATA WRAPPER empty;"
      "CREATE SERVER none FOREIGN DATA WRAPPER empty;"
      "CREATE TABLE p (a int, b int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
      "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY LIST (b);"
      "CREATE TABLE p21 PARTITION OF p2 FOR VALUES IN (1); INSERT INTO p VALUES (1, 1), (2, 1);"
      "CREATE FOREIGN TABLE p3 PARTITION OF p FOR VALUES IN (3) SERVER away;"
      "CREATE TABLE q (a int) PARTITION BY LIST (a); CREATE TABLE q1 PARTITION OF q FOR VALUES IN (1);"
      "INSERT INTO q VALUES (1); CREATE FOREIGN TABLE q2 PARTITION OF q FOR VALUES IN (2) SERVER none;"
      "CREATE TABLE parent (a int); INSERT INTO parent VALUES (1);"
      "CREATE FOREIGN TABLE child () INHERITS (parent) SERVER away");
  for (const int major : {17, 18}) {
    const Database target = server(major).create_database("foreign_partition");
    const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
    ASSERT_TRUE(done(report));
    std::vector<std::string> subjects;
    for (const api::Finding& finding : findings_of(report, "StatisticsLeftOut")) {
      subjects.push_back(finding.subject);
      EXPECT_THAT(finding.message, HasSubstr("foreign"));
    }
    EXPECT_THAT(subjects, ::testing::UnorderedElementsAre("table public.p", "table public.parent", "table public.q"));
    EXPECT_EQ(analyzed(target), "p1,p2,p21,q1");
  }
}

TEST(StatisticsOfASnapshot, that_cannot_be_gathered_fail_nothing) {
  const Database source = server(15).create_database("no_statistics");
  source.exec(
      "CREATE TABLE good (a int); INSERT INTO good VALUES (1); CREATE TABLE bad (a int, b int); INSERT INTO bad VALUES"
      " (1, 1); CREATE FUNCTION refuse(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
      " $$BEGIN RAISE 'no % today', i; END$$; CREATE STATISTICS s ON (refuse(a)), b FROM bad");
  const Database target = server(18).create_database("no_statistics");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  ASSERT_TRUE(done(report));
  const std::vector<api::Finding> found = findings_of(report, "StatisticsLeftOut");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().subject, "table public.bad");
  EXPECT_THAT(found.front().message, HasSubstr("raised by a function"));
  EXPECT_EQ(analyzed(target), "good");
  EXPECT_EQ(target.scalar("SELECT count(*) FROM bad"), "1");
}

}  // namespace
}  // namespace tributary::postgres

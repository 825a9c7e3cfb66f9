#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/postgres_server.h"

// Rows that the target's constraints refuse though the source has them.
namespace tributary::postgres {
namespace {

using testbed::done;
using testbed::ends;
using testbed::failed;
using testbed::snapshot;
using testbed::spec_between;
using ::testing::HasSubstr;

constexpr api::ExitCode refused = api::ExitCode::bad_configuration;

class RowsThatAreEqual : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Under, RowsThatAreEqual,
                         ::testing::Values("CREATE UNIQUE INDEX u ON t (i)",
                                           "ALTER TABLE t ADD CONSTRAINT u PRIMARY KEY (i)",
                                           "ALTER TABLE t ADD CONSTRAINT u UNIQUE (i) DEFERRABLE"));

// As an index is that is corrupt, or was built by another version of a collation.
TEST_P(RowsThatAreEqual, a_unique_index_are_no_reason_to_try_again) {
  const auto [source, target] = ends("equal");
  source.exec("CREATE TABLE other (i int PRIMARY KEY); CREATE TABLE t (i int); INSERT INTO t VALUES (1)");
  source.exec(GetParam());
  source.exec("UPDATE pg_index SET indisready = false WHERE indexrelid = 'u'::regclass");
  source.exec("INSERT INTO t VALUES (1)");
  source.exec("UPDATE pg_index SET indisready = true WHERE indexrelid = 'u'::regclass");
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  EXPECT_TRUE(failed(report, refused, "table public.t"));
  EXPECT_THAT(report.message, HasSubstr("\"u\""));
  EXPECT_THAT(report.hint, HasSubstr("REINDEX"));
}

// The function reads a table whose rows, or which itself, comes later.
constexpr const char* looking_up =
    "CREATE TABLE z_lookup (i int); INSERT INTO z_lookup VALUES (1);"
    "CREATE FUNCTION known(n int) RETURNS bool LANGUAGE plpgsql AS"
    " $$BEGIN RETURN EXISTS (SELECT FROM public.z_lookup WHERE i = n); END$$;"
    "CREATE TABLE big (n int, pad text); INSERT INTO big SELECT 1, repeat('x', 1000) FROM generate_series(1, 2000);";

TEST(ACheckThatReadsAnotherTable, says_how_its_rows_can_be_copied) {
  const auto [source, target] = ends("looking");
  source.exec(looking_up + std::string("ALTER TABLE big ADD CONSTRAINT looked CHECK (known(n))"));
  const api::Report report = snapshot(spec_between(source.uri(), target.uri()));
  EXPECT_TRUE(failed(report, refused, "looked"));
  EXPECT_THAT(report.hint, HasSubstr("NOT VALID on the source"));
}

TEST(ACheckThatReadsAnotherTable, follows_the_rows_where_it_is_not_valid) {
  const auto [source, target] = ends("not_valid");
  source.exec(looking_up + std::string("ALTER TABLE big ADD CONSTRAINT looked CHECK (known(n)) NOT VALID"));
  ASSERT_TRUE(done(snapshot(spec_between(source.uri(), target.uri()))));
  EXPECT_TRUE(testbed::same_content(source.uri(), target.uri()));
  EXPECT_EQ(target.scalar("SELECT convalidated FROM pg_constraint WHERE conname = 'looked'"), "f");
}

}  // namespace
}  // namespace tributary::postgres

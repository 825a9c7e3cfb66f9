#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "engine/postgres/verify/verify.h"
#include "engine/testing/postgres_server.h"

// A large table of which one row is missing; TRIBUTARY_ROWS says how large.
namespace tributary::postgres::verify {
namespace {

using testbed::server;

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(Large, table_tells_of_one_missing_row_and_is_never_held_in_memory) {
  const char* const asked = std::getenv("TRIBUTARY_ROWS");
  const std::string rows = asked == nullptr ? "200000" : asked;
  const testbed::Database source = server(17).create_database("large_source");
  const testbed::Database target = server(18).create_database("large_target");
  const auto fill = [&](const testbed::Database& database) {
    database.exec(
        "CREATE TABLE t (id bigint, a text, b numeric, c timestamptz);"
        "INSERT INTO t SELECT i, md5(i::text), i / 7.0, '2020-01-01'::timestamptz + i * interval '1 s'"
        " FROM generate_series(1, " +
        rows + ") i; ALTER TABLE t ADD PRIMARY KEY (id); ANALYZE t");
  };
  {
    const std::jthread other([&] { fill(target); });
    fill(source);
  }
  target.exec("DELETE FROM t WHERE id = " + rows + " / 3");
  api::Spec spec;
  spec.source.uri = source.uri();
  spec.target.uri = target.uri();
  spec.snapshot.parallelism = 2;
  pipeline::ProgressBoard board("");
  const long before = peak_kilobytes();
  const Result<api::Verification> found = verify(spec, {}, board, nullptr, {Deadline::after(Seconds{7200}), {}});
  const long grown = peak_kilobytes() - before;
  std::cout << rows << " rows, peak of memory " << peak_kilobytes() << " kB, " << grown << " kB of it for them\n";
  ASSERT_TRUE(found) << describe(found.error());
  ASSERT_EQ(found->tables.size(), 1U);
  const api::TableVerification& table = found->tables.front();
  EXPECT_EQ(std::to_string(table.source_rows), rows);
  EXPECT_EQ(table.missing, 1U);
  EXPECT_EQ(table.differing + table.extra, 0U);
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows.front().key, "id=" + std::to_string(std::stoull(rows) / 3));
  // Ten million marks would take ten times as much.
  EXPECT_LT(grown, 100'000);
}

}  // namespace
}  // namespace tributary::postgres::verify

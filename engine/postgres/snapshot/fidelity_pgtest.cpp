#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/fidelity.h"
#include "engine/postgres/testing/restore.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/testing/structure.h"
#include "engine/testing/postgres_server.h"

// A whole snapshot, as `tributary init` takes it, of a database that holds everything; compared by the tests' own SQL.
namespace tributary::postgres {
namespace {

using testbed::Database;
using testbed::done;
using testbed::server;
using testbed::snapshot;
using testbed::spec_between;

// Extensions keep the source's version, where pg_restore takes the target's default.
std::vector<std::string> structure_but_versions(const std::string& uri) {
  std::vector<std::string> lines = testbed::structure(uri);
  std::erase_if(lines, [](const std::string& line) { return line.starts_with("extension |"); });
  return lines;
}

constexpr const char* extensions =
    "SELECT string_agg(extname || ' ' || extversion, ',' ORDER BY extname) FROM pg_extension";

struct Pair {
  int source;
  int target;
};

class ASnapshotOfEverything : public ::testing::TestWithParam<Pair> {};

INSTANTIATE_TEST_SUITE_P(Pairs, ASnapshotOfEverything,
                         ::testing::Values(Pair{12, 18}, Pair{13, 13}, Pair{13, 15}, Pair{15, 17}, Pair{18, 18}),
                         [](const auto& pair) {
                           return std::to_string(pair.param.source) + "_to_" + std::to_string(pair.param.target);
                         });

TEST_P(ASnapshotOfEverything, holds_everything_as_it_was) {
  auto& from = server(GetParam().source);
  auto& to = server(GetParam().target);
  const Database source = from.create_database("everything");
  testbed::fill_with_everything(source, from.major());
  const Database copy = to.adopt_database("Copy of \"" + source.name() + "\"");
  api::Spec spec = spec_between(source.uri(), copy.uri());
  spec.snapshot.roles = true;

  ASSERT_TRUE(done(snapshot(spec)));

  EXPECT_TRUE(testbed::same_content(source.uri(), copy.uri()));
  if (from.major() == to.major()) {
    EXPECT_EQ(testbed::difference(testbed::structure(source.uri()), testbed::structure(copy.uri())), "");
    return;
  }
  const Database reference = to.create_database("reference");
  testbed::restore(source.uri(), reference.uri());
  EXPECT_EQ(testbed::difference(structure_but_versions(reference.uri()), structure_but_versions(copy.uri())), "");
  EXPECT_EQ(copy.scalar(extensions), source.scalar(extensions));
}

}  // namespace
}  // namespace tributary::postgres

#include "engine/postgres/copy/large_objects.h"

#include <gtest/gtest.h>

#include "engine/postgres/testing/fidelity.h"
#include "engine/testing/postgres_server.h"

namespace tributary::postgres {
namespace {

Until soon() {
  return {Deadline::after(Seconds(60)), {}};
}

constexpr const char* as_lines =
    "SELECT format('%s %s %s %s %s', oid, lomowner::regrole, lomacl, obj_description(oid, 'pg_largeobject'), "
    "md5(lo_get(oid))) "
    "FROM pg_largeobject_metadata ORDER BY oid";

TEST(LargeObjects, arrive_whole_and_never_in_the_place_of_others) {
  testbed::PostgresServer& from = testbed::server(13);
  testbed::PostgresServer& to = testbed::server(18);
  const testbed::Database original = from.create_database("large");
  testbed::create_fidelity_roles(from);
  testbed::create_fidelity_roles(to);
  original.exec(
      "SELECT lo_from_bytea(910001, '\\x00010203ff'); SELECT lo_from_bytea(910002, '');"
      "SELECT lo_from_bytea(910003, decode(repeat('00ff5c4e', 700000), 'hex'));"
      "ALTER LARGE OBJECT 910001 OWNER TO fidelity_owner; GRANT SELECT ON LARGE OBJECT 910001 TO fidelity_reader;"
      "REVOKE UPDATE ON LARGE OBJECT 910001 FROM fidelity_owner; COMMENT ON LARGE OBJECT 910001 IS 'it''s large';"
      "SELECT lo_put(lo_create(910004), 5000000, 'after a hole')");
  const testbed::Database copy = to.create_database("large");
  auto source = Connection::open(parse_conninfo(original.uri()).value(), {}, soon());
  auto target = Connection::open(parse_conninfo(copy.uri()).value(), {}, soon());
  ASSERT_TRUE(source && target);
  const TargetTraits traits = read_target_traits(*target, soon()).value();
  const auto objects = list_large_objects(*source, 0, 10, soon());
  ASSERT_TRUE(objects);
  EXPECT_EQ(*objects, (std::vector<std::uint32_t>{910001, 910002, 910003, 910004}));
  EXPECT_EQ(list_large_objects(*source, 910001, 2, soon()).value(), (std::vector<std::uint32_t>{910002, 910003}));
  EXPECT_TRUE(list_large_objects(*source, 910004, 2, soon()).value().empty());
  ASSERT_TRUE(target->execute("BEGIN", soon()));
  int moves = 0;
  const auto moved = [&] { ++moves; };
  RoleGaps gaps;
  const auto count = copy_large_objects(*source, *target, traits, *objects, gaps, moved, soon());
  ASSERT_TRUE(count) << count.error().what;
  EXPECT_EQ(count->objects, 4U);
  EXPECT_EQ(count->bytes, 5U + 2800000U + 5000012U);
  EXPECT_GT(moves, 7800017 / (1 << 20)) << "a megabyte that nobody heard of is too much";
  EXPECT_TRUE(gaps.grants.empty() && gaps.owners.empty());
  ASSERT_TRUE(target->execute("COMMIT", soon()));
  EXPECT_EQ(copy.query(as_lines), original.query(as_lines));

  const auto again = copy_large_objects(*source, *target, traits, *objects, gaps, moved, soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().fault, Fault::invalid);
  EXPECT_NE(again.error().what.find("large object 910001"), std::string::npos);
  EXPECT_EQ(copy.query(as_lines), original.query(as_lines));
}

}  // namespace
}  // namespace tributary::postgres

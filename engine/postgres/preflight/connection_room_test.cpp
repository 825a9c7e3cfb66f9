#include "engine/postgres/preflight/connection_room.h"

#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

ConnectionDemand demand(int limit, int used, int beside = 1, int per_stream = 1) {
  ConnectionDemand made;
  made.bound = {"max_connections", limit, used};
  made.beside = beside;
  made.per_stream = per_stream;
  return made;
}

TEST(CopyStreams, are_those_that_are_wanted_where_there_is_room) {
  EXPECT_EQ(streams_for({}, 4), 4);
  EXPECT_EQ(streams_for({demand(100, 10), demand(50, 0)}, 4), 4);
}

TEST(CopyStreams, are_as_few_as_the_tightest_bound_lets_there_be) {
  EXPECT_EQ(streams_for({demand(100, 10), demand(10, 6)}, 8), 3);
  EXPECT_EQ(streams_for({demand(10, 3, 2, 2)}, 8), 2) << "both ends on one server";
}

TEST(CopyStreams, leave_room_for_what_a_copy_could_do_without) {
  ConnectionDemand one = demand(5, 0);
  one.comfort = 1;
  EXPECT_EQ(streams_for({one}, 8), 3);
}

TEST(CopyStreams, are_never_none) {
  EXPECT_EQ(streams_for({demand(2, 0)}, 8), 1);
  EXPECT_EQ(streams_for({demand(0, 5)}, 8), 1);
}

TEST(CopyStreams, that_nobody_asked_for_are_as_many_as_cores_within_reason) {
  EXPECT_EQ(streams_of_cores(0), 2);
  EXPECT_EQ(streams_of_cores(1), 2);
  EXPECT_EQ(streams_of_cores(5), 5);
  EXPECT_EQ(streams_of_cores(96), 8);
}

}  // namespace
}  // namespace tributary::postgres

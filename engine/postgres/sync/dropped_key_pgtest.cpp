#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// A table whose primary key the source drops. The target keeps its own, until somebody takes it from there.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::reason_of;
using testbed::StreamPair;
using ::testing::HasSubstr;

constexpr Milliseconds often{50};

TEST(ATableWhoseKeyTheSourceHasDropped, is_told_what_keeps_it_from_being_copied_again) {
  StreamPair pair("dropped_key", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, word text); INSERT INTO t VALUES (1, 'one')");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.wait_until_applied();
  pair.source.exec("ALTER TABLE t DROP CONSTRAINT t_pkey, REPLICA IDENTITY FULL");
  pair.source.exec("INSERT INTO t VALUES (1, 'one again')");
  testbed::wait_until_back(pair, "t", "stopped");
  EXPECT_THAT(reason_of(pair, "t"), HasSubstr("a row with the same key on the target (constraint t_pkey)"));
  testbed::ask_for(pair, "t");
  testbed::wait_until_back(pair, "t", "stopped");
  EXPECT_THAT(reason_of(pair, "t"), HasSubstr("duplicate key value violates unique constraint \"t_pkey\""));
  EXPECT_THAT(reason_of(pair, "t"), HasSubstr("(hint: the target asks more of its rows than the source does: take that"
                                              " constraint from the table there"));
  pair.target.exec("ALTER TABLE t DROP CONSTRAINT t_pkey");
  testbed::ask_for(pair, "t");
  testbed::wait_until_back(pair, "t");
  pair.source.exec("UPDATE t SET word = 'uno' WHERE word = 'one'");
  pair.wait_until_applied();
  EXPECT_EQ(pair.target.scalar("SELECT string_agg(word, ', ' ORDER BY word) FROM t"), "one again, uno");
  EXPECT_EQ(testbed::state_of(pair, "t"), "followed");
}

}  // namespace
}  // namespace tributary::postgres::sync

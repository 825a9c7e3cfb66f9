#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Changes of tables that the target's own rows, or what somebody has made there, stand in the way of.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::StreamPair;
using testbed::wait_until;

constexpr Milliseconds often{50};

// No cast takes the former rows to the new type, and none has to.
TEST(AChangeThatIsRefused, has_tables_copied_again_where_their_former_rows_do_not_fit_the_new_columns) {
  StreamPair pair("unfit", 15, 18);
  pair.source.exec(
      "CREATE TABLE t (id int PRIMARY KEY, word text); INSERT INTO t VALUES (1, 'one'), (2, NULL);"
      "CREATE TABLE u (id int PRIMARY KEY, word text); INSERT INTO u VALUES (1, 'it''s'), (2, 'more')");
  ASSERT_TRUE(done(pair.init()));
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec(
      "ALTER TABLE t ALTER word TYPE int USING length(coalesce(word, '')), ALTER word SET NOT NULL;"
      "BEGIN; DROP TABLE u; CREATE TABLE u (id int PRIMARY KEY, word int); INSERT INTO u VALUES (7, 7); COMMIT");
  for (const char* const table : {"t", "u"}) {
    wait_until("its column is the source's", [&] {
      return pair.target.scalar("SELECT atttypid::regtype FROM pg_attribute WHERE attname = 'word' AND attrelid = '" +
                                std::string(table) + "'::regclass") == "integer";
    });
    testbed::wait_until_back(pair, table);
  }
  pair.wait_until_applied();
  EXPECT_EQ(testbed::fingerprint(pair.target.uri()), testbed::fingerprint(pair.source.uri()));
}

TEST(AChangeThatIsRefused, is_told_of_a_table_that_was_dropped_before_and_has_come_back) {
  StreamPair pair("back_again", 15, 18);
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, word text); INSERT INTO t VALUES (1, 'one')");
  ASSERT_TRUE(done(pair.init()));
  pair.target.exec("CREATE TABLE mine (t int REFERENCES t)");
  Following following(pair.spec(api::Mode::sync), often);
  pair.source.exec("DROP TABLE t");
  wait_until("it is told of as dropped",
             [&] { return testbed::reason_of(pair, "t").starts_with("the source has dropped it"); });
  pair.source.exec("CREATE TABLE t (id int PRIMARY KEY, word int)");
  wait_until("it is told of as refused", [&] {
    return testbed::reason_of(pair, "t").find("the target refused the same: a value's text is malformed") !=
           std::string::npos;
  });
  EXPECT_EQ(testbed::state_of(pair, "t"), "stopped");
}

}  // namespace
}  // namespace tributary::postgres::sync

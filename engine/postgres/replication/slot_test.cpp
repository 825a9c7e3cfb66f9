#include "engine/postgres/replication/slot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary::postgres {
namespace {

using ::testing::MatchesRegex;

TEST(AStreamObjectName, is_one_that_a_slot_may_have_and_a_person_can_read) {
  EXPECT_THAT(stream_object_name("ns/shop", "shop"), MatchesRegex("tributary_shop_[0-9a-f]{12}"));
  EXPECT_THAT(stream_object_name("ns/shop", "My Shop-2"), MatchesRegex("tributary_my_shop_2_[0-9a-f]{12}"));
  EXPECT_THAT(stream_object_name("ns/shop",
                                 "\xc3\x9c"
                                 "ber--m\xc3\xa4\xc3\x9f\x69g\""),
              MatchesRegex("tributary_ber_m_ig_[0-9a-f]{12}"));
  EXPECT_THAT(stream_object_name("ns/shop", "\xe5\xba\x97"), MatchesRegex("tributary_[0-9a-f]{12}"));
  EXPECT_THAT(stream_object_name("ns/shop", std::string(63, 'X')), MatchesRegex("tributary_x{40}_[0-9a-f]{12}"));
  EXPECT_EQ(stream_object_name("ns/shop", std::string(63, 'X')).size(), 63u);
}

TEST(AStreamObjectName, is_told_from_what_a_person_made) {
  for (const char* database : {"shop", "\xe5\xba\x97", "a_b"})
    EXPECT_TRUE(is_stream_object_name(stream_object_name("ns/shop", database)));
  for (const char* name : {"", "tributary", "tributary_", "tributary_shop", "tributary_shop_0123456789a",
                           "tributary_shop_0123456789AB", "mine_0123456789ab", "tributary0123456789ab"})
    EXPECT_FALSE(is_stream_object_name(name)) << name;
}

TEST(AStreamObjectName, is_another_for_another_replication_or_database) {
  EXPECT_EQ(stream_object_name("a", "b"), stream_object_name("a", "b"));
  EXPECT_NE(stream_object_name("a", "b"), stream_object_name("c", "b"));
  EXPECT_NE(stream_object_name("a", "shop"), stream_object_name("a", "Shop"));
  EXPECT_NE(stream_object_name("ab", "c"), stream_object_name("a", "bc"));
}

}  // namespace
}  // namespace tributary::postgres

#include "engine/base/channel.h"

#include <gtest/gtest.h>

#include <thread>

namespace tributary {
namespace {

TEST(Channel, a_closed_channel_gives_what_is_left_and_then_nothing) {
  Channel<int> channel(4);
  EXPECT_TRUE(channel.put(1));
  channel.close();
  EXPECT_FALSE(channel.put(2));
  EXPECT_EQ(channel.take(), 1);
  EXPECT_EQ(channel.take(), std::nullopt);
}

TEST(Channel, a_full_channel_blocks_its_writer_until_a_reader_comes) {
  Channel<int> channel(1);
  std::jthread writer([&] {
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(channel.put(i));
    channel.close();
  });
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(channel.take(), i);
  EXPECT_EQ(channel.take(), std::nullopt);
}

TEST(Channel, a_stop_request_wakes_a_waiting_reader) {
  Channel<int> channel(1);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(channel.take(stop.get_token()), std::nullopt);
}

TEST(Channel, an_offer_to_a_full_or_closed_channel_is_refused_at_once) {
  Channel<int> channel(1);
  EXPECT_TRUE(channel.offer(1));
  EXPECT_FALSE(channel.offer(2));
  EXPECT_EQ(channel.take(), 1);
  EXPECT_TRUE(channel.offer(3));
  channel.close();
  EXPECT_EQ(channel.take(), 3);
  EXPECT_FALSE(channel.offer(4));
}

}  // namespace
}  // namespace tributary

#include "engine/base/pause.h"

#include <gtest/gtest.h>

#include <thread>

namespace tributary {
namespace {

TEST(Pause, ends_by_itself_when_nobody_asks_for_a_stop) {
  EXPECT_TRUE(pause_for(Milliseconds{1}, {}));
  EXPECT_TRUE(pause_for(Milliseconds{0}, std::stop_source().get_token()));
}

TEST(Pause, is_over_at_once_when_a_stop_was_or_is_requested) {
  std::stop_source stop;
  bool undisturbed = true;
  std::jthread sleeper([&] { undisturbed = pause_for(std::chrono::hours{24}, stop.get_token()); });
  stop.request_stop();
  sleeper.join();
  EXPECT_FALSE(undisturbed);
  EXPECT_FALSE(pause_for(std::chrono::hours{24}, stop.get_token()));
}

}  // namespace
}  // namespace tributary

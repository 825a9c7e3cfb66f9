#include "operator/replication/listen.h"

#include <gtest/gtest.h>

#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene

class ListenerTest : public ::testing::Test {
 protected:
  std::optional<Voice> listen(WallTime now) { return listener.listen(uid, uid, pods, now, {}); }

  Result<api::Progress> answer = copying(10);
  int asked = 0;
  std::vector<Pod> pods = {pod_of(job_of(scene()), running())};
  Listener listener{[this](const std::string& ip, std::stop_token) -> Result<api::Progress> {
    EXPECT_EQ(ip, pods[0].ip);
    ++asked;
    return answer;
  }};
};

TEST_F(ListenerTest, an_engine_is_asked_again_only_after_a_while) {
  EXPECT_EQ(listen(noon)->progress->percent, 10);
  answer = copying(20);
  EXPECT_EQ(listen(noon + Seconds(3))->progress->percent, 10);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(listen(noon + Seconds(5))->progress->percent, 20);
  EXPECT_EQ(asked, 2);
}

TEST_F(ListenerTest, a_clock_that_was_set_back_does_not_silence_it) {
  listen(noon);
  answer = copying(20);
  EXPECT_EQ(listen(noon - Seconds(3600))->progress->percent, 20);
}

TEST_F(ListenerTest, silence_is_counted_from_its_first_moment_and_ends_with_an_answer) {
  answer = Error{Fault::transient, "refused"};
  EXPECT_EQ(listen(noon)->silent_since, noon);
  EXPECT_EQ(listen(noon + Seconds(30))->silent_since, noon);
  answer = copying(20);
  EXPECT_TRUE(listen(noon + Seconds(40))->progress);
  answer = Error{Fault::transient, "refused"};
  EXPECT_EQ(listen(noon + Seconds(50))->silent_since, noon + Seconds(50));
}

TEST_F(ListenerTest, another_pod_starts_a_new_silence) {
  answer = Error{Fault::transient, "refused"};
  listen(noon);
  pods[0].uid = "another";
  EXPECT_EQ(listen(noon + Seconds(30))->silent_since, noon + Seconds(30));
}

TEST_F(ListenerTest, the_answer_of_an_engine_that_works_for_somebody_else_is_none) {
  answer->replication = "somebody else";
  EXPECT_FALSE(listen(noon)->progress);
}

TEST_F(ListenerTest, an_engine_that_names_itself_after_both_ends_is_known_by_that) {
  answer->replication = "";
  EXPECT_TRUE(listener.listen(uid, "", pods, noon, {})->progress);
}

TEST_F(ListenerTest, only_an_engine_that_runs_and_is_not_about_to_end_is_asked) {
  pods[0].engine = waiting("ContainerCreating", "");
  EXPECT_FALSE(listen(noon));
  pods[0].engine = running();
  pods[0].deleting = true;
  EXPECT_FALSE(listen(noon));
  pods[0].deleting = false;
  pods[0].ip = "";
  EXPECT_FALSE(listen(noon));
  EXPECT_EQ(asked, 0);
}

}  // namespace
}  // namespace tributary::replication

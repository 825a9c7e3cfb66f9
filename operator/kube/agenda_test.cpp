#include "operator/kube/agenda.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace tributary::kube {
namespace {

const Key a{"ns", "a"}, b{"ns", "b"}, c{"ns", "c"};
const SteadyTime start = SteadyTime() + std::chrono::hours(1);

SteadyTime after(int milliseconds) {
  return start + Milliseconds(milliseconds);
}

TEST(Agenda, keys_come_out_in_the_order_they_came_in) {
  Agenda agenda;
  agenda.add(b, Priority::live, start);
  agenda.add(a, Priority::live, start);
  EXPECT_EQ(agenda.take(start), b);
  EXPECT_EQ(agenda.take(start), a);
  EXPECT_EQ(agenda.take(start), std::nullopt);
}

TEST(Agenda, a_key_added_twice_comes_out_once) {
  Agenda agenda;
  agenda.add(a, Priority::live, start);
  agenda.add(a, Priority::live, start);
  EXPECT_EQ(agenda.ready(), 1U);
  EXPECT_EQ(agenda.take(start), a);
  EXPECT_EQ(agenda.take(start), std::nullopt);
}

TEST(Agenda, a_key_being_worked_on_is_not_handed_out_again_until_it_is_done) {
  Agenda agenda;
  agenda.add(a, Priority::live, start);
  EXPECT_EQ(agenda.take(start), a);
  agenda.add(a, Priority::live, start);
  EXPECT_EQ(agenda.take(start), std::nullopt);
  agenda.done(a);
  EXPECT_EQ(agenda.take(start), a);
  agenda.done(a);
  EXPECT_EQ(agenda.take(start), std::nullopt);
}

TEST(Agenda, live_keys_go_before_initial_ones_and_a_merge_keeps_the_higher_priority) {
  Agenda agenda;
  agenda.add(a, Priority::initial, start);
  agenda.add(b, Priority::initial, start);
  agenda.add(c, Priority::live, start);
  agenda.add(b, Priority::live, start);
  agenda.add(b, Priority::initial, start);
  EXPECT_EQ(agenda.take(start), c);
  EXPECT_EQ(agenda.take(start), b);
  EXPECT_EQ(agenda.take(start), a);
}

TEST(Agenda, a_delayed_key_is_ready_when_its_time_has_come) {
  Agenda agenda;
  agenda.add_after(a, Milliseconds(100), Priority::live, start);
  EXPECT_EQ(agenda.next_due(), after(100));
  EXPECT_EQ(agenda.take(after(99)), std::nullopt);
  EXPECT_EQ(agenda.take(after(100)), a);
  EXPECT_EQ(agenda.next_due(), std::nullopt);
}

TEST(Agenda, of_two_delays_the_earlier_time_is_kept) {
  Agenda agenda;
  agenda.add_after(a, Milliseconds(100), Priority::live, start);
  agenda.add_after(a, Milliseconds(300), Priority::live, start);
  EXPECT_EQ(agenda.next_due(), after(100));
  agenda.add_after(a, Milliseconds(10), Priority::live, after(20));
  EXPECT_EQ(agenda.next_due(), after(30));
  EXPECT_EQ(agenda.take(after(30)), a);
  agenda.done(a);
  EXPECT_EQ(agenda.take(after(1000)), std::nullopt);
}

TEST(Agenda, adding_a_delayed_key_makes_it_ready_once) {
  Agenda agenda;
  agenda.add_after(a, Milliseconds(100), Priority::live, start);
  agenda.add(a, Priority::initial, start);
  EXPECT_EQ(agenda.take(start), a);
  agenda.done(a);
  EXPECT_EQ(agenda.take(after(1000)), std::nullopt);
}

TEST(Agenda, a_delay_during_processing_is_not_lost) {
  Agenda agenda;
  agenda.add(a, Priority::live, start);
  EXPECT_EQ(agenda.take(start), a);
  agenda.add_after(a, Milliseconds(10), Priority::live, start);
  EXPECT_EQ(agenda.take(after(20)), std::nullopt);
  agenda.done(a);
  EXPECT_EQ(agenda.take(after(20)), a);
}

TEST(Agenda, failures_double_the_delay_up_to_the_cap_and_forget_starts_over) {
  Agenda agenda;
  SteadyTime now = start;
  for (const int expected : {5, 10, 20, 40, 80}) {
    agenda.add_rate_limited(a, now);
    EXPECT_EQ(agenda.next_due(), now + Milliseconds(expected));
    now += Milliseconds(expected);
    EXPECT_EQ(agenda.take(now), a);
    agenda.done(a);
  }
  for (int i = 0; i < 60; ++i) {
    agenda.add_rate_limited(a, now);
    now = *agenda.next_due();
    EXPECT_EQ(agenda.take(now), a);
    agenda.done(a);
  }
  agenda.add_rate_limited(a, now);
  EXPECT_EQ(agenda.next_due(), now + std::chrono::minutes(5));
  now = *agenda.next_due();
  EXPECT_EQ(agenda.take(now), a);
  agenda.done(a);
  agenda.forget(a);
  EXPECT_EQ(agenda.failures(a), 0);
  agenda.add_rate_limited(a, now);
  EXPECT_EQ(agenda.next_due(), now + Milliseconds(5));
}

TEST(Agenda, the_bucket_slows_many_failing_keys_down_to_its_rate) {
  Agenda agenda;
  for (int i = 0; i < 100; ++i) agenda.add_rate_limited({"ns", std::to_string(i)}, start);
  agenda.add_rate_limited(a, start);
  agenda.add_rate_limited(b, start);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(agenda.take(after(5)));
  EXPECT_EQ(agenda.take(after(99)), std::nullopt);
  EXPECT_EQ(agenda.take(after(100)), a);
  EXPECT_EQ(agenda.take(after(199)), std::nullopt);
  EXPECT_EQ(agenda.take(after(200)), b);
}

// Against the two promises: no key with two workers, and every add is followed by a take.
TEST(Agenda, random_histories_never_lose_an_add_nor_share_a_key) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Agenda agenda;
  SteadyTime now = start;
  std::map<Key, bool> owed;
  std::set<Key> working;
  for (int step = 0; step < 20'000; ++step) {
    const Key key{"ns", std::to_string(random() % 7)};
    now += Milliseconds(random() % 3);
    switch (random() % 5) {
      case 0:
        agenda.add(key, random() % 2 ? Priority::live : Priority::initial, start);
        owed[key] = true;
        break;
      case 1:
        agenda.add_after(key, Milliseconds(random() % 50), Priority::live, now);
        owed[key] = true;
        break;
      case 2:
        if (const auto taken = agenda.take(now)) {
          ASSERT_TRUE(working.insert(*taken).second) << "shared";
          owed[*taken] = false;
        }
        break;
      default:
        if (!working.empty()) {
          agenda.done(*working.begin());
          working.erase(working.begin());
        }
    }
  }
  for (const Key& key : working) agenda.done(key);
  now += Milliseconds(1000);
  while (const auto taken = agenda.take(now)) owed[*taken] = false;
  for (const auto& [key, open] : owed) EXPECT_FALSE(open) << key.text() << " was lost";
}

TEST(Agenda, a_key_was_due_since_it_was_first_added_or_its_delay_was_over) {
  Agenda agenda;
  agenda.add(a, Priority::initial, after(10));
  agenda.add(a, Priority::live, after(20));
  agenda.add_after(b, Milliseconds(30), Priority::live, after(0));
  EXPECT_EQ(agenda.take(after(50)), a);
  EXPECT_EQ(agenda.due_since(a), after(10));
  EXPECT_EQ(agenda.take(after(50)), b);
  EXPECT_EQ(agenda.due_since(b), after(30));
  agenda.add(a, Priority::live, after(60));
  agenda.done(a);
  EXPECT_EQ(agenda.take(after(90)), a);
  EXPECT_EQ(agenda.due_since(a), after(60)) << "also while it was worked on";
}

TEST(Agenda, it_counts_what_becomes_due_and_what_is_tried_again) {
  Agenda agenda;
  agenda.add(a, Priority::live, start);
  agenda.add(a, Priority::live, start);
  agenda.add_after(b, Milliseconds(30), Priority::live, start);
  EXPECT_EQ(agenda.added(), 1U);
  agenda.take(after(50));
  EXPECT_EQ(agenda.added(), 2U);
  EXPECT_EQ(agenda.retried(), 0U);
  agenda.add_rate_limited(c, start);
  EXPECT_EQ(agenda.retried(), 1U);
}

}  // namespace
}  // namespace tributary::kube

#include "operator/api/conditions.h"

#include <gtest/gtest.h>

namespace tributary::v1alpha1 {
namespace {

const WallTime noon = WallTime(Seconds(1'700'000'000));
const WallTime later = noon + Seconds(60);

TEST(Conditions, the_transition_time_moves_only_with_the_status_word) {
  Status status;
  set_condition(status, condition::ready, Truth::no, "Starting", "one", noon);
  set_condition(status, condition::ready, Truth::no, "Copying", "two", later);
  EXPECT_EQ(find_condition(status, condition::ready)->last_transition_time, rfc3339(noon));
  EXPECT_EQ(find_condition(status, condition::ready)->reason, "Copying");
  EXPECT_EQ(find_condition(status, condition::ready)->message, "two");
  set_condition(status, condition::ready, Truth::yes, "Done", "three", later);
  EXPECT_EQ(find_condition(status, condition::ready)->last_transition_time, rfc3339(later));
  EXPECT_EQ(status.conditions.size(), 1U);
}

TEST(Conditions, each_carries_the_generation_that_the_status_is_about) {
  Status status;
  status.observed_generation = 7;
  set_condition(status, condition::ready, Truth::no, "Starting", "", noon);
  EXPECT_EQ(find_condition(status, condition::ready)->observed_generation, 7);
}

TEST(Conditions, a_message_is_one_bounded_line_cut_at_a_character) {
  Status status;
  set_condition(status, condition::ready, Truth::no, "X", "a\nb\tc", noon);
  EXPECT_EQ(find_condition(status, condition::ready)->message, "a b c");
  std::string umlauts;
  while (umlauts.size() < 3000) umlauts += "\xC3\xBC";
  set_condition(status, condition::ready, Truth::no, "X", "x" + umlauts, noon);
  const std::string& message = find_condition(status, condition::ready)->message;
  EXPECT_LE(message.size(), longest_message);
  EXPECT_EQ(message.substr(message.size() - 5), "\xC3\xBC...");
}

struct Case {
  const char* sentence;
  Standing standing;
  Truth ready;
  bool reconciling;
  bool stalled;
};

TEST(Conditions, ready_reconciling_and_stalled_follow_from_the_standing_alone) {
  const Case cases[] = {{"met", Standing::met, Truth::yes, false, false},
                        {"progressing", Standing::progressing, Truth::no, true, false},
                        {"unknown", Standing::unknown, Truth::unknown, true, false},
                        {"suspended", Standing::suspended, Truth::no, false, false},
                        {"stalled", Standing::stalled, Truth::no, false, true}};
  for (const Case& before : cases) {
    for (const Case& after : cases) {
      SCOPED_TRACE(std::string(before.sentence) + " then " + after.sentence);
      Status status;
      conclude(status, {before.standing, Phase::pending, "Before", ""}, noon);
      conclude(status, {after.standing, Phase::failed, "After", "why"}, later);
      EXPECT_EQ(find_condition(status, condition::ready)->status, after.ready);
      EXPECT_EQ(is_true(status, condition::reconciling), after.reconciling);
      EXPECT_EQ(is_true(status, condition::stalled), after.stalled);
      EXPECT_EQ(find_condition(status, condition::reconciling) != nullptr, after.reconciling);
      EXPECT_EQ(find_condition(status, condition::stalled) != nullptr, after.stalled);
      EXPECT_EQ(status.phase, Phase::failed);
    }
  }
}

}  // namespace
}  // namespace tributary::v1alpha1

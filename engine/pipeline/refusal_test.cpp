#include "engine/pipeline/refusal.h"

#include <gtest/gtest.h>

namespace tributary::pipeline {
namespace {

const api::Finding unreachable{api::Severity::error, "TargetUnreachable", "target", "no route to host", "check it"};
const api::Finding occupied{api::Severity::error, "TargetNotEmpty", "target database shop", "it is not empty", ""};
const api::Finding warning{api::Severity::warning, "CollationDiffers", "database shop", "text sorts differently", ""};

TEST(Refusal, what_a_person_must_change_speaks_before_what_may_pass) {
  EXPECT_EQ(first_error({warning, unreachable, occupied})->code, "TargetNotEmpty");
  EXPECT_EQ(first_error({warning, unreachable})->code, "TargetUnreachable");
  EXPECT_EQ(first_error({warning}), nullptr);
}

TEST(Refusal, only_a_server_out_of_reach_is_worth_a_retry) {
  EXPECT_EQ(refusal(unreachable).fault, Fault::transient);
  EXPECT_EQ(refusal(unreachable).what, "target: no route to host");
  EXPECT_EQ(refusal(unreachable).hint, "check it");
  EXPECT_EQ(refusal(occupied).fault, Fault::invalid);
}

}  // namespace
}  // namespace tributary::pipeline

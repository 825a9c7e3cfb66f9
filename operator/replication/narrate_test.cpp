#include "operator/replication/narrate.h"

#include <gtest/gtest.h>

#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene

TEST(SummaryOf, what_was_seen_is_one_line_without_what_is_not_there) {
  Observed seen = scene();
  EXPECT_EQ(summary_of(seen), "phase=Pending generation=1 secrets=2 engine=none");
  const Job job = job_of(seen);
  seen.jobs = {job};
  seen.pods = {pod_of(job, running())};
  seen.deployment = Deployment{};
  seen.voice = Voice{.progress = copying(10)};
  seen.rival = "older";
  seen.terminating = true;
  EXPECT_EQ(summary_of(seen),
            "phase=Pending generation=1 jobs=1 pods=1 deployment=1 secrets=2 engine=Copying rival=older terminating");
  seen.voice = Voice{.silent_since = noon};
  EXPECT_NE(summary_of(seen).find("engine=silent"), std::string::npos);
}

TEST(SummaryOf, actions_are_named_in_order) {
  EXPECT_EQ(summary_of(std::vector<Action>()), "none");
  EXPECT_EQ(summary_of(decide(scene()).actions), "apply config map, create job");
  const std::vector<Action> all = {AddFinalizer{}, RemoveFinalizer{}, RestoreConfigMap{}, DeleteJob{}, OrderRelease{}};
  EXPECT_EQ(summary_of(all), "add finalizer, remove finalizer, restore config map, delete job, order release");
}

}  // namespace
}  // namespace tributary::replication

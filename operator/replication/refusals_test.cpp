#include "operator/replication/refusals.h"

#include <gtest/gtest.h>

#include "operator/kube/kinds.h"
#include "operator/kube/testing/fake_api_server.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using kube::Json;
using kube::testing::Misfortune;
using testing::noon;
namespace kinds = kube::kinds;

class RefusalsTest : public ::testing::Test {
 protected:
  void complain(const std::string& space, const std::string& name, const std::string& job, const std::string& why,
                Seconds later, const std::string& reason = "FailedCreate", const std::string& kind = "Job") {
    server.put(kinds::core_events, {{"metadata", {{"name", name}, {"namespace", space}}},
                                    {"involvedObject", {{"uid", job}, {"kind", kind}}},
                                    {"reason", reason},
                                    {"message", why},
                                    {"lastTimestamp", rfc3339(noon + later)}});
  }
  std::size_t lists() const { return server.served().size(); }

  kube::testing::FakeApiServer server;
  const std::unique_ptr<kube::Transport> transport = kube::open_rest_transport(server.config());
  const kube::Client client{*transport, {}, {}};
  Refusals refusals{client};
};

TEST_F(RefusalsTest, the_newest_complaint_about_a_job_is_told_and_nothing_else_that_happened_to_it) {
  complain("prod", "b", "u1", "newest", Seconds(9));
  complain("prod", "a", "u1", "older", Seconds(5));
  complain("prod", "c", "u1", "something else", Seconds(10), "SuccessfulCreate");
  complain("prod", "d", "u1", "of a ReplicaSet", Seconds(10), "FailedCreate", "ReplicaSet");
  EXPECT_EQ(refusals.of("prod", "u1", noon), "newest");
  EXPECT_EQ(refusals.of("prod", "u2", noon), "");
}

TEST_F(RefusalsTest, one_list_answers_for_all_jobs_of_a_namespace_for_three_seconds) {
  complain("prod", "a", "u7", "quota", Seconds(0));
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(refusals.of("prod", "u" + std::to_string(i), noon + Milliseconds(i)), i == 7 ? "quota" : "");
  }
  EXPECT_EQ(lists(), 1U);
  EXPECT_EQ(refusals.of("test", "u7", noon), "") << "another namespace";
  EXPECT_EQ(lists(), 2U);
  server.erase(kinds::core_events, {"prod", "a"});
  EXPECT_EQ(refusals.of("prod", "u7", noon + Seconds(3)), "");
  EXPECT_EQ(lists(), 3U);
}

TEST_F(RefusalsTest, more_than_a_page_of_them_is_read_to_the_end) {
  for (int i = 0; i < 501; ++i) {
    complain("prod", "e" + std::to_string(i), "u" + std::to_string(i), "no " + std::to_string(i), Seconds(i));
  }
  for (const int i : {0, 250, 500}) {
    EXPECT_EQ(refusals.of("prod", "u" + std::to_string(i), noon), "no " + std::to_string(i));
  }
}

TEST_F(RefusalsTest, where_events_cannot_be_listed_what_was_known_stands) {
  complain("prod", "a", "u1", "quota", Seconds(0));
  EXPECT_EQ(refusals.of("prod", "u1", noon), "quota");
  server.set_fate([](const kube::testing::Served&) { return Misfortune{Misfortune::Kind::answer, 403, "Forbidden"}; });
  EXPECT_EQ(refusals.of("prod", "u1", noon + Seconds(5)), "quota");
  EXPECT_EQ(refusals.of("prod", "u2", noon + Seconds(5)), "");
}

TEST_F(RefusalsTest, a_clock_that_was_set_back_does_not_end_the_asking) {
  EXPECT_EQ(refusals.of("prod", "u1", noon), "");
  complain("prod", "a", "u1", "quota", Seconds(0));
  EXPECT_EQ(refusals.of("prod", "u1", noon - Seconds(3600)), "quota");
}

}  // namespace
}  // namespace tributary::replication

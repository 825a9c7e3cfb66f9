#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "operator/api/conditions.h"
#include "operator/api/names.h"
#include "operator/kube/kinds.h"
#include "operator/replication/controller.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/comparisons.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using kube::testing::Misfortune;
using kube::testing::Served;
using v1alpha1::VerifyState;
namespace kinds = kube::kinds;

// The whole operator on threads of its own, about a Replication whose snapshot is complete.
class VerifyControllerTest : public ::testing::Test {
 protected:
  void start() {
    ControllerOptions options{.image = "tributary:test", .workers = 2};
    options.ask = bed.ask_engine();
    controller = std::make_unique<Controller>(*bed.transport, std::move(options));
    const Result<void> started = controller->start(Deadline::after(Seconds(10)), {});
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  void stop() { controller.reset(); }

  void copy() {
    start();
    ASSERT_TRUE(comes_true([&] { return bed.jobs() == 1; }));
    bed.succeed();
    ASSERT_TRUE(comes_true([&] { return bed.reason() == "SnapshotComplete"; }));
  }
  void ask(const char* request) { bed.change(Json{{"spec", {{"verify", {{"requestID", request}}}}}}); }

  std::vector<kube::Object> verifications() const {
    std::vector<kube::Object> found;
    for (const kube::Object& job : bed.server.all(kinds::jobs)) {
      if (!job.annotation(v1alpha1::verify_annotation).empty()) found.push_back(job);
    }
    return found;
  }
  bool compares() const {
    return comes_true([&] { return verifications().size() == 1; });
  }
  v1alpha1::VerifyStatus status() const { return bed.replication().status.verify.value_or(v1alpha1::VerifyStatus{}); }
  bool becomes(VerifyState state) const {
    return comes_true([&] { return status().state == state; });
  }

  void put_pod(const Json& engine_state, const char* phase) {
    const kube::Object job = verifications().at(0);
    bed.server.put(kinds::pods,
                   {{"metadata",
                     {{"name", job.name() + "-abcde"},
                      {"namespace", shop.space},
                      {"labels", job.json()["spec"]["template"]["metadata"]["labels"]},
                      {"ownerReferences", Json::array({kube::controller_reference(job)})}}},
                    {"status",
                     {{"phase", phase},
                      {"podIP", "10.0.0.9"},
                      {"containerStatuses", Json::array({{{"name", "engine"}, {"state", engine_state}}})}}}});
  }
  void end(int exit_code, const api::Verification& verification) {
    const std::string message = found(verification, bed.replication().uid);
    put_pod({{"terminated", {{"exitCode", exit_code}, {"message", message}, {"finishedAt", rfc3339(noon)}}}},
            exit_code == 0 ? "Succeeded" : "Failed");
    Json job = verifications().at(0).json();
    job["status"] = {{"conditions", Json::array({{{"type", exit_code == 0 ? "Complete" : "Failed"},
                                                  {"status", "True"},
                                                  {"lastTransitionTime", rfc3339(noon)}}})}};
    bed.server.put(kinds::jobs, job);
  }

  // The operator's next `count` writes of status, Jobs and ConfigMaps are served, and all others meet `kind`.
  void allow(int count, Misfortune::Kind kind) {
    refused = 0;
    auto left = std::make_shared<std::atomic<int>>(count);
    bed.server.set_fate([this, left, kind](const Served& served) {
      const bool writes = served.method != kube::Method::get &&
                          (served.path.ends_with("/status") || served.path.find("/jobs") != std::string::npos ||
                           served.path.find("/configmaps") != std::string::npos);
      if (!writes || --*left >= 0) return Misfortune{};
      ++refused;
      return Misfortune{kind, 500, "InternalError", "no"};
    });
  }

  Bed bed{"Snapshot"};
  std::atomic<int> refused = 0;
  std::unique_ptr<Controller> controller;
};

TEST_F(VerifyControllerTest, a_request_is_compared_and_its_result_is_told) {
  copy();
  ask("first");
  ASSERT_TRUE(compares());
  ASSERT_TRUE(becomes(VerifyState::running));
  end(3, different());
  ASSERT_TRUE(comes_true([&] { return bed.reason() == "VerifyMismatch"; }));
  EXPECT_EQ(status().mismatches.at(0).key, "id=7");
  EXPECT_EQ(status().request_id, "first");
  ask("second");
  ASSERT_TRUE(comes_true([&] { return status().attempt == 2 && verifications().size() == 1; }));
  end(0, equal());
  ASSERT_TRUE(comes_true([&] { return bed.reason("Verified") == "Verified"; }));
  EXPECT_EQ(bed.reason(), "SnapshotComplete");
}

TEST_F(VerifyControllerTest, its_engine_is_not_asked_how_the_copy_fares) {
  copy();
  const int asked = bed.asked();
  ask("first");
  ASSERT_TRUE(compares());
  put_pod({{"running", {{"startedAt", rfc3339(noon)}}}}, "Running");
  ASSERT_TRUE(comes_true([&] {
    const v1alpha1::Status now = bed.replication().status;
    const v1alpha1::Condition* verified = v1alpha1::find_condition(now, "Verified");
    const std::string name = verifications().at(0).name();
    return verified->message == "job " + name + " compares both ends as spec.verify.requestID asks";
  }));
  EXPECT_EQ(bed.asked(), asked);
  EXPECT_EQ(bed.reason(), "SnapshotComplete");
}

TEST_F(VerifyControllerTest, an_operator_that_dies_after_any_of_its_writes_compares_once_for_a_request) {
  copy();
  int requests = 0;
  for (const Misfortune::Kind kind : {Misfortune::Kind::answer, Misfortune::Kind::drop_after}) {
    for (const int writes : {0, 1, 2, 3, 4, 5}) {
      SCOPED_TRACE(writes);
      const std::string request = "request-" + std::to_string(++requests);
      allow(writes, kind);
      ask(request.c_str());
      ASSERT_TRUE(comes_true([&] { return refused > 0 || status().request_id == request; }));
      stop();
      bed.server.set_fate({});
      start();
      ASSERT_TRUE(comes_true([&] { return status().request_id == request && status().state == VerifyState::running; }));
      ASSERT_TRUE(compares());
      EXPECT_EQ(status().attempt, requests);
      EXPECT_EQ(verifications().at(0).annotation(v1alpha1::request_annotation), request);
      allow(0, kind);
      end(0, equal());
      ASSERT_TRUE(comes_true([&] { return refused > 0; }));
      stop();
      bed.server.set_fate({});
      start();
      ASSERT_TRUE(becomes(VerifyState::equal));
      EXPECT_EQ(status().attempt, requests);
    }
  }
}

TEST_F(VerifyControllerTest, deletion_ends_it) {
  copy();
  ask("first");
  ASSERT_TRUE(compares());
  bed.ask_to_delete();
  EXPECT_TRUE(comes_true([&] { return bed.replication().uid.empty(); }));
  EXPECT_TRUE(verifications().empty());
}

}  // namespace
}  // namespace tributary::replication

// What is written to status, and how often (kubernetes.md 6.2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/base/log.h"
#include "operator/api/conditions.h"
#include "operator/kube/kinds.h"
#include "operator/replication/reconcile.h"
#include "operator/replication/status.h"
#include "operator/replication/stream_status.h"
#include "operator/replication/testing/bed.h"
#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the bed
using kube::Json;
using kube::testing::Served;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace kinds = kube::kinds;

TEST(Rounded, keeps_two_digits_and_never_says_more_than_there_is) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t number = random() >> (random() % 64);
    const std::uint64_t told = rounded(number);
    std::string digits = std::to_string(told);
    digits.erase(std::min(digits.size(), digits.find_last_not_of('0') + 1));
    EXPECT_LE(digits.size(), 2U) << number;
    EXPECT_LE(told, number);
    EXPECT_LE(number - told, number / 10) << number;
  }
}

// A stream whose lag was last written at noon.
class StreamWrites : public ::testing::Test {
 protected:
  StreamWrites() {
    spec.sync.max_lag = Seconds(0);
    set_stream(status, said, spec, noon);
  }
  api::StreamProgress& stream() { return *said.databases[0].stream; }
  bool written_after(Seconds later) {
    v1alpha1::Status after = status;
    set_stream(after, said, spec, noon + later);
    return after != status;
  }

  api::Progress said = [] {
    api::Progress progress = following(100);
    progress.databases[0].stream->lag_bytes = 1'000'000'000;
    progress.databases[0].stream->retained_bytes = 1'000'000'000;
    return progress;
  }();
  v1alpha1::Spec spec;
  v1alpha1::Status status;
};

TEST_F(StreamWrites, what_differs_by_less_than_a_quarter_waits_for_a_minute) {
  stream().lag_seconds = 124;
  stream().lag_bytes = 800'000'000;
  stream().retained_bytes = 1'240'000'000;
  EXPECT_FALSE(written_after(Seconds(15)));
  EXPECT_FALSE(written_after(Seconds(59)));
  EXPECT_TRUE(written_after(Seconds(60)));
}

TEST_F(StreamWrites, a_quarter_waits_for_15_seconds_in_either_direction) {
  for (const std::uint64_t seconds : {75U, 130U}) {
    stream().lag_seconds = seconds;
    EXPECT_FALSE(written_after(Seconds(14))) << seconds;
    EXPECT_TRUE(written_after(Seconds(15))) << seconds;
  }
  stream().lag_seconds = 100;
  stream().lag_bytes = 1'300'000'000;
  EXPECT_TRUE(written_after(Seconds(15)));
  stream().lag_bytes = 1'000'000'000;
  stream().retained_bytes = 700'000'000;
  EXPECT_TRUE(written_after(Seconds(15)));
}

TEST_F(StreamWrites, less_than_a_segment_of_the_log_is_no_news) {
  stream().lag_bytes = 0;
  stream().retained_bytes = 100;
  set_stream(status, said, spec, noon + Seconds(60));
  stream().lag_bytes = 16'000'000;
  stream().retained_bytes = 16'000'000;
  EXPECT_FALSE(written_after(Seconds(119)));
  stream().retained_bytes = 17'000'000;
  EXPECT_TRUE(written_after(Seconds(75)));
}

TEST_F(StreamWrites, no_lag_and_a_second_are_a_quarter_apart) {
  stream().lag_seconds = 0;
  set_stream(status, said, spec, noon + Seconds(60));
  stream().lag_seconds = 1;
  EXPECT_TRUE(written_after(Seconds(75)));
}

TEST_F(StreamWrites, whether_the_lag_is_known_and_within_the_limit_is_told_at_once) {
  said.databases[0].stream->state = api::StreamState::connecting;
  EXPECT_TRUE(written_after(Seconds(1)));
  said.databases[0].stream->state = api::StreamState::following;
  spec.sync.max_lag = Seconds(99);
  EXPECT_TRUE(written_after(Seconds(1)));
}

TEST_F(StreamWrites, a_lag_that_moves_all_the_time_costs_four_writes_a_minute_at_most) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  int writes = 0;
  for (int second = 1; second <= 600; ++second) {
    stream().lag_seconds = random() % 1000;
    v1alpha1::Status after = status;
    set_stream(after, said, spec, noon + Seconds(second));
    writes += after != status ? 1 : 0;
    status = after;
  }
  EXPECT_LE(writes, 40);
}

// The same over an API server, pass by pass.
class StatusWrites : public ::testing::Test {
 protected:
  StatusWrites() { EXPECT_TRUE(scopes[0]->wait_synced(Deadline::after(Seconds(10)), {})); }

  void pass(Seconds later) {
    const auto shows = [&](const kube::Store& store, const kube::Resource& resource) {
      const std::vector<kube::Object> all = bed.server.all(resource);
      return store.size() == all.size() && std::all_of(all.begin(), all.end(), [&](const kube::Object& object) {
               const kube::Seen seen = store.find(object.key());
               return seen && seen->resource_version() == object.resource_version();
             });
    };
    ASSERT_TRUE(comes_true([&] {
      return shows(scopes[0]->objects(), replications()) && shows(scopes[0]->jobs(), kinds::jobs) &&
             shows(scopes[0]->deployments(), kinds::deployments) && shows(scopes[0]->pods(), kinds::pods);
    }));
    now += later;
    const Result<kube::Requeue> done = reconciler(shop, {});
    ASSERT_TRUE(done.ok()) << describe(done.error());
  }
  void follow() {
    pass(Seconds(5));
    bed.succeed();
    pass(Seconds(5));
    pass(Seconds(5));
    bed.answer(following(0));
    bed.run_stream();
    pass(Seconds(5));
    ASSERT_EQ(bed.reason(), "Following");
    bed.server.forget_served();
  }

  Bed bed{"SnapshotAndSync"};
  WallTime now = std::chrono::system_clock::now();
  kube::Queue queue;
  kube::Events events{*bed.transport, "test", "test"};
  Listener listener{bed.ask_engine()};
  Releaser releaser{tell_over_http(), {}};
  std::vector<std::unique_ptr<Scope>> scopes = [this] {
    std::vector<std::unique_ptr<Scope>> one;
    one.push_back(std::make_unique<Scope>(*bed.transport, "", queue));
    return one;
  }();
  Refusals refusals{bed.client};
  Reconciler reconciler{
      scopes, {bed.client, listener, releaser, refusals, "tributary:test", [this] { return now; }}, events};
};

TEST_F(StatusWrites, the_first_one_has_every_condition_of_the_mode_and_the_generation_in_each) {
  pass(Seconds(5));
  std::vector<Json> statuses;
  for (const Served& served : bed.server.served()) {
    if (served.path.ends_with("/status")) statuses.push_back(kube::parse_json(served.body).json["status"]);
  }
  ASSERT_EQ(statuses.size(), 1U) << "one pass writes once";
  EXPECT_EQ(statuses[0]["observedGeneration"], 1);
  std::map<std::string, std::string> truths;
  for (const Json& each : statuses[0]["conditions"]) {
    truths[each["type"]] = each["status"];
    EXPECT_EQ(each["observedGeneration"], 1) << each;
    EXPECT_NE(each["reason"], "") << each;
    EXPECT_TRUE(parse_rfc3339(std::string(each["lastTransitionTime"]))) << each;
  }
  EXPECT_EQ(truths, (std::map<std::string, std::string>{{"Ready", "False"},
                                                        {"Reconciling", "True"},
                                                        {"Validated", "Unknown"},
                                                        {"CredentialsSynced", "True"},
                                                        {"SnapshotComplete", "False"},
                                                        {"Synced", "False"},
                                                        {"Verified", "Unknown"}}));
}

// Besides the finalizer, the ConfigMap, the Job and an Event.
TEST_F(StatusWrites, an_object_that_begins_costs_one_and_its_events_are_read_when_its_job_should_have_a_pod) {
  const auto events_read = [&] {
    const std::vector<Served> served = bed.server.served();
    return std::count_if(served.begin(), served.end(), [](const Served& each) {
      return each.method == kube::Method::get && each.path.ends_with("/events");
    });
  };
  pass(Seconds(0));
  EXPECT_EQ(bed.writes().back(), "PATCH replications/status");
  bed.server.forget_served();
  pass(Seconds(0));
  EXPECT_EQ(events_read(), 0);
  pass(Seconds(5));
  EXPECT_EQ(events_read(), 1);
  EXPECT_THAT(bed.writes(), IsEmpty());
}

TEST_F(StatusWrites, a_stream_that_stays_as_it_is_costs_one_a_minute_and_nothing_else) {
  follow();
  for (int i = 0; i < 11; ++i) pass(Seconds(5));
  EXPECT_THAT(bed.writes(), IsEmpty()) << "55 seconds";
  pass(Seconds(5));
  EXPECT_EQ(bed.writes(), std::vector<std::string>{"PATCH replications/status"});
}

TEST_F(StatusWrites, a_lag_is_written_with_two_digits) {
  follow();
  api::Progress progress = following(12'345);
  progress.databases[0].stream->lag_bytes = 987'654'321;
  bed.answer(progress);
  pass(Seconds(15));
  const v1alpha1::SyncStatus sync = *bed.replication().status.sync;
  EXPECT_EQ(sync.lag_seconds, 12'000U);
  EXPECT_EQ(sync.lag_bytes, 980'000'000U);
  EXPECT_EQ(sync.lag, "3h20m");
}

TEST_F(StatusWrites, what_is_done_is_written_no_more_however_often_it_is_looked_at) {
  bed.change(Json::parse(R"({"spec":{"state":"Stopped"}})"));
  for (int i = 0; i < 3; ++i) pass(Seconds(5));
  bed.server.forget_served();
  for (int i = 0; i < 20; ++i) pass(Seconds(3600));
  EXPECT_THAT(bed.writes(), IsEmpty());
}

// The trace of a pass, at level debug.
TEST_F(StatusWrites, each_beat_of_the_pass_is_told_with_what_was_seen_decided_and_done) {
  std::vector<std::string> lines;
  std::mutex mutex;
  log::start(log::Level::debug, log::Format::text);
  log::write_to([&](std::string_view line) {
    const std::lock_guard lock(mutex);
    lines.emplace_back(line.substr(line.find("debug")));
  });
  pass(Seconds(5));
  log::write_to({});
  log::start(log::Level::info, log::Format::text);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_THAT(lines[0], HasSubstr("observed in=caches seen=\"phase=Pending generation=1 secrets=2 engine=none\" ms="));
  EXPECT_THAT(lines[1], HasSubstr("decided actions=\"add finalizer, apply config map, create job\" phase=Pending "
                                  "reason=Starting recheck_ms=5000 ms="));
  EXPECT_THAT(lines[2], HasSubstr("acted ms="));
  EXPECT_THAT(lines[3], HasSubstr("status written ms="));
}

// Its engine was silent because nobody waited for its answer.
TEST_F(StatusWrites, none_is_made_by_a_pass_that_is_stopped_while_it_asks) {
  follow();
  std::stop_source stop;
  Listener interrupted([&](const std::string&, std::stop_token) -> Result<api::Progress> {
    stop.request_stop();
    return Error{Fault::cancelled, "stopped while waiting"};
  });
  const Means means{bed.client, interrupted, releaser, refusals, "tributary:test", [this] { return now; }};
  const Reconciler stopped(scopes, means, events);
  now += Seconds(5);
  const Result<kube::Requeue> outcome = stopped(shop, stop.get_token());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().fault, Fault::cancelled);
  EXPECT_THAT(bed.writes(), ::testing::IsEmpty());
}

TEST_F(StatusWrites, nothing_is_remembered_of_what_went_without_its_finalizer) {
  follow();
  const std::string uid = bed.replication().uid;
  ASSERT_TRUE(listener.figures(uid, now).lag_seconds);
  bed.server.erase(replications(), shop);
  ASSERT_TRUE(comes_true([&] { return scopes[0]->objects().find(shop) == nullptr; }));
  reconciler(shop, {}).value();
  EXPECT_FALSE(listener.figures(uid, now).lag_seconds);
}

}  // namespace
}  // namespace tributary::replication

#include "operator/kube/watch.h"

#include <condition_variable>
#include <random>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/kinds.h"
#include "operator/kube/testing/fake_api_server.h"

namespace tributary::kube {
namespace {

using ::testing::ElementsAre;
using testing::FakeApiServer;
using testing::Misfortune;
using Kind = testing::Misfortune::Kind;

const Resource things{"example.dev", "v1alpha1", "Thing", "things"};

Json thing(const std::string& name, int size) {
  return {{"metadata",
           {{"namespace", "shop"},
            {"name", name},
            {"annotations", {{"kubectl.kubernetes.io/last-applied-configuration", "everything"}}}}},
          {"spec", {{"size", size}, {"bulk", "to be dropped"}}}};
}

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() { server.serve(things); }

  void start(WatchOptions options = {}) {
    options.resource = things;
    options.slim = [](Object& object) { object.json()["spec"].erase("bulk"); };
    options.backoff = {.first = Milliseconds(1), .factor = 1, .cap = Milliseconds(5), .jitter = 1};
    options.reopen_wait = Milliseconds(1);
    watch = std::make_unique<Watch>(*transport, std::move(options), store, [this](const Change& change) {
      const std::lock_guard lock(mutex);
      const std::string sign(1, "+~-"[static_cast<int>(change.kind)]);
      seen.push_back(sign + change.state.object().name() + (change.initial ? " initial" : ""));
      changed.notify_all();
    });
    ASSERT_TRUE(store.wait_synced(Deadline::after(Seconds(30)), {}));
  }

  // Waits until the store holds `name` at this size; size 0: until it holds it no more.
  void expect(const std::string& name, int size) {
    std::unique_lock lock(mutex);
    const bool arrived = changed.wait_for(lock, Seconds(30), [&] {
      const Seen object = store.find({"shop", name});
      return object ? integer_at(object->json(), {"spec", "size"}) == size : size == 0;
    });
    EXPECT_TRUE(arrived) << name << " never became " << size;
  }

  void expect_seen(const std::vector<std::string>& expected) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, Seconds(30), [&] { return seen.size() >= expected.size(); });
    EXPECT_EQ(seen, expected);
  }

  std::size_t lists() const {
    std::size_t found = 0;
    for (const testing::Served& served : server.served())
      found += served.query.find("watch=1") == std::string::npos && served.method == Method::get;
    return found;
  }

  FakeApiServer server;
  const std::unique_ptr<Transport> transport = open_rest_transport(server.config());
  Store store;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> seen;
  std::unique_ptr<Watch> watch;
};

TEST_F(WatchTest, what_is_there_arrives_first_and_then_every_change) {
  server.put(things, thing("a", 1));
  start();
  EXPECT_THAT(seen, ElementsAre("+a initial"));
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.put(things, thing("b", 1));
  server.put(things, thing("a", 2));
  server.erase(things, {"shop", "b"});
  expect_seen({"+a initial", "+b", "~a", "-b"});
  EXPECT_EQ(lists(), 1U);
}

TEST_F(WatchTest, objects_are_slimmed_and_lose_their_bookkeeping_before_they_are_kept) {
  server.put(things, thing("a", 1));
  start();
  server.put(things, thing("b", 1));
  expect("b", 1);
  store.each([](const Object& object) {
    EXPECT_TRUE(at(object.json(), {"spec", "bulk"}).is_null());
    EXPECT_EQ(object.annotation("kubectl.kubernetes.io/last-applied-configuration"), "");
  });
}

TEST_F(WatchTest, a_list_of_many_pages_becomes_visible_as_a_whole) {
  for (int i = 0; i < 23; ++i) server.put(things, thing("n" + std::to_string(i), 1));
  WatchOptions options;
  options.page = 5;
  start(std::move(options));
  EXPECT_EQ(store.size(), 23U);
  EXPECT_EQ(lists(), 5U);
}

TEST_F(WatchTest, a_half_open_stream_is_opened_again_and_nothing_is_missed) {
  WatchOptions options;
  options.limits.idle = Milliseconds(200);
  start(std::move(options));
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.silence_streams();
  server.put(things, thing("a", 1));
  expect("a", 1);
  EXPECT_EQ(lists(), 1U);
}

TEST_F(WatchTest, streams_that_end_or_break_are_taken_up_where_they_ended) {
  start();
  for (int round = 1; round <= 6; ++round) {
    ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
    server.put(things, thing("a", round));
    expect("a", round);
    if (round % 2 == 0) {
      server.end_streams();
    } else {
      server.reset_streams();
    }
    server.put(things, thing("b", round));
    expect("b", round);
  }
  EXPECT_EQ(lists(), 1U);
}

TEST_F(WatchTest, an_expired_version_at_open_leads_to_a_new_list_that_delivers_what_went) {
  server.put(things, thing("a", 1));
  server.put(things, thing("b", 1));
  start();
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.set_fate([](const testing::Served&) { return Misfortune{.kind = Kind::answer, .status = 429}; });
  server.reset_streams();
  ASSERT_TRUE(server.wait_for_streams(0, Seconds(30)));
  server.erase(things, {"shop", "a"});
  server.put(things, thing("b", 2));
  server.compact();
  server.put(things, thing("c", 1));
  server.set_fate({});
  expect_seen({"+a initial", "+b initial", "-a", "~b", "+c"});
}

TEST_F(WatchTest, an_expired_version_within_the_stream_leads_to_a_new_list) {
  start();
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.silence_streams();
  server.put(things, thing("a", 1));
  server.send_raw(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
                  "\n");
  expect("a", 1);
  EXPECT_EQ(lists(), 2U);
}

class FrameTest : public WatchTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(FrameTest, that_makes_no_sense_leads_to_a_new_list) {
  start();
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.silence_streams();
  server.put(things, thing("a", 1));
  server.send_raw(GetParam());
  expect("a", 1);
  EXPECT_EQ(lists(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Watch, FrameTest,
                         ::testing::Values("5f\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\n", "\xff\xfe\n"));

TEST_F(WatchTest, a_bookmark_moves_the_version_on) {
  start();
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.put(kinds::config_maps, thing("elsewhere", 1));  // moves the version of all kinds
  server.bookmark();
  server.put(things, thing("a", 1));
  expect("a", 1);
  server.compact();
  server.erase(things, {"shop", "a"});
  expect("a", 0);
  EXPECT_EQ(lists(), 1U);
}

TEST_F(WatchTest, frames_split_at_every_byte_are_understood) {
  for (std::size_t size = 1; size <= 17; ++size) {
    server.split_chunks(size);
    server.end_streams();
    if (!watch) start();
    server.put(things, thing("a", static_cast<int>(size)));
    expect("a", static_cast<int>(size));
  }
}

TEST_F(WatchTest, an_expired_token_is_replaced_and_the_watch_goes_on) {
  start();
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.set_token("another");
  server.reset_streams();
  server.put(things, thing("a", 1));
  while (server.served().back().authorization == "Bearer another") {
  }
  server.set_token("");
  expect("a", 1);
}

TEST_F(WatchTest, a_server_that_is_refusing_at_first_is_listed_in_the_end) {
  server.put(things, thing("a", 1));
  server.fail_next(5, {.kind = Kind::answer, .status = 403});
  start();
  EXPECT_THAT(seen, ElementsAre("+a initial"));
}

TEST_F(WatchTest, a_page_that_expires_leads_to_one_whole_list) {
  for (int i = 0; i < 7; ++i) server.put(things, thing("n" + std::to_string(i), 1));
  server.set_fate([expired = false](const testing::Served& served) mutable {
    if (served.query.find("continue=") == std::string::npos || std::exchange(expired, true)) return Misfortune{};
    return Misfortune{.kind = Kind::answer, .status = 410, .reason = "Expired"};
  });
  WatchOptions options;
  options.page = 5;
  start(std::move(options));
  EXPECT_EQ(store.size(), 7U);
  EXPECT_EQ(lists(), 3U);
}

TEST_F(WatchTest, stopping_ends_it_in_every_state) {
  start();
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  watch->stop();
  server.fail_next(1000, {.kind = Kind::stall});
  Store other;
  WatchOptions options;
  options.resource = things;
  Watch listing(*transport, std::move(options), other, [](const Change&) {});
  listing.stop();
  EXPECT_FALSE(other.synced());
}

TEST_F(WatchTest, it_counts_streams_and_lists_that_began_over_and_why) {
  start();
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  EXPECT_EQ(watch->health().relists.at("expired"), 0U) << "there from the start";
  server.silence_streams();
  server.put(things, thing("a", 1));
  server.send_raw(R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired"}})"
                  "\n");
  expect("a", 1);
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  server.put(things, thing("a", 2));  // an end without an event would be no ordinary one
  expect("a", 2);
  server.end_streams();
  while (watch->health().restarts.at("ended") == 0) std::this_thread::yield();
  const WatchHealth health = watch->health();
  EXPECT_EQ(health.relists.at("expired"), 1U);
  for (const auto* counts : {&health.restarts, &health.relists}) {
    std::uint64_t sum = 0;
    for (const auto& [cause, count] : *counts) sum += count;
    EXPECT_EQ(sum, 1U) << "the first list and the first stream are none";
  }
}

TEST_F(WatchTest, it_says_that_it_is_forbidden_and_why_until_it_is_not) {
  const SteadyTime before = SteadyClock::now();
  const Misfortune refusal{.kind = Kind::answer, .status = 403, .message = "things are not for you"};
  server.set_fate([=](const testing::Served&) { return refusal; });
  WatchOptions options;
  options.resource = things;
  options.backoff = {.first = Milliseconds(1), .factor = 1, .cap = Milliseconds(5), .jitter = 1};
  watch = std::make_unique<Watch>(*transport, std::move(options), store, [](const Change&) {});
  while (!watch->health().forbidden) std::this_thread::yield();
  EXPECT_FALSE(store.synced());
  EXPECT_THAT(watch->health().trouble.value_or(""), ::testing::HasSubstr("things are not for you"));
  EXPECT_GE(watch->health().begun, before);
  server.set_fate({});
  ASSERT_TRUE(store.wait_synced(Deadline::after(Seconds(30)), {}));
  ASSERT_TRUE(server.wait_for_streams(1, Seconds(30)));
  EXPECT_FALSE(watch->health().forbidden);
  server.set_fate([=](const testing::Served&) { return refusal; });
  server.reset_streams();
  while (!watch->health().forbidden) std::this_thread::yield();
  EXPECT_TRUE(store.synced()) << "what was listed stays";
}

// The oracle is the server's own content after a storm of changes, ends, resets, splits and compactions.
TEST_F(WatchTest, random_faults_leave_the_store_equal_to_the_server) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  start();
  for (int step = 0; step < 400; ++step) {
    const std::string name = "n" + std::to_string(random() % 9);
    switch (random() % 12) {
      case 0:
        server.end_streams();
        break;
      case 1:
        server.reset_streams();
        break;
      case 2:
        server.compact();
        break;
      case 3:
        server.fail_next(1, {.kind = Kind::answer, .status = 500});
        break;
      case 4:
        server.fail_next(1, {.kind = Kind::drop});
        break;
      case 5:
        server.split_chunks(1 + random() % 50);
        break;
      case 6:
      case 7:
        server.erase(things, {"shop", name});
        break;
      default:
        server.put(things, thing(name, static_cast<int>(1 + random() % 1000)));
    }
  }
  server.put(things, thing("last", 7));
  expect("last", 7);
  std::vector<std::string> kept, held;
  store.each([&](const Object& object) { held.push_back(object.name() + " " + object.resource_version()); });
  for (const Object& object : server.all(things)) kept.push_back(object.name() + " " + object.resource_version());
  EXPECT_EQ(held, kept);
}

}  // namespace
}  // namespace tributary::kube

#include "operator/kube/worker.h"

#include <atomic>
#include <latch>
#include <stdexcept>

#include <gtest/gtest.h>

#include "engine/base/channel.h"
#include "engine/base/log.h"

namespace tributary::kube {
namespace {

const Key a{"ns", "a"}, b{"ns", "b"};

TEST(NextFor, an_outcome_decides_what_happens_to_the_key) {
  for (const Fault fault : {Fault::transient, Fault::conflict, Fault::missing, Fault::denied, Fault::invalid,
                            Fault::differs, Fault::lost, Fault::fenced, Fault::cancelled, Fault::failed}) {
    EXPECT_EQ(next_for(Error{fault, "why"}), Next::back_off) << name_of(fault);
  }
  EXPECT_EQ(next_for(Requeue{}), Next::forget);
  EXPECT_EQ(next_for(Requeue{Milliseconds(7)}), Next::again);
}

TEST(Workers, a_failing_key_is_tried_again_until_it_succeeds) {
  Queue queue;
  Channel<int> tried(100);
  std::atomic<int> tries = 0;
  Workers workers(
      "test", queue,
      [&](const Key&, std::stop_token) -> Result<Requeue> {
        const int now = ++tries;
        tried.put(now);
        if (now < 4) return Error{Fault::transient, "not yet"};
        return Requeue{};
      },
      2);
  queue.add(a);
  for (int expected = 1; expected <= 4; ++expected) EXPECT_EQ(tried.take(), expected);
}

TEST(Workers, an_uncaught_exception_costs_one_try_and_no_thread) {
  Queue queue;
  Channel<Key> done(100);
  std::atomic<int> tries = 0;
  Workers workers(
      "test", queue,
      [&](const Key& key, std::stop_token) -> Result<Requeue> {
        const int now = ++tries;
        if (now == 1) throw std::runtime_error("thrown by a library");
        if (now == 2) throw 7;
        done.put(key);
        return Requeue{};
      },
      1);
  queue.add(a);
  EXPECT_EQ(done.take(), a);
  queue.add(b);
  EXPECT_EQ(done.take(), b);
}

TEST(Workers, a_requeue_comes_back_by_itself) {
  Queue queue;
  Channel<Key> seen(100);
  std::atomic<int> visits = 0;
  Workers workers(
      "test", queue,
      [&](const Key& key, std::stop_token) -> Result<Requeue> {
        seen.put(key);
        if (++visits < 3) return Requeue{Milliseconds(1)};
        return Requeue{};
      },
      1);
  queue.add(a);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(seen.take(), a);
}

TEST(Workers, one_key_is_never_with_two_of_them_and_no_change_is_missed) {
  constexpr int keys = 5, rounds = 2'000;
  Queue queue;
  std::array<std::atomic<int>, keys> wanted{}, served{}, inside{};
  std::atomic<bool> shared = false;
  std::mutex mutex;
  std::condition_variable changed;
  {
    Workers workers(
        "test", queue,
        [&](const Key& key, std::stop_token) -> Result<Requeue> {
          const auto i = static_cast<std::size_t>(std::stoi(key.name));
          if (++inside[i] != 1) shared = true;
          served[i] = wanted[i].load();
          --inside[i];
          const std::lock_guard lock(mutex);
          changed.notify_all();
          return Requeue{};
        },
        4);
    for (int round = 1; round <= rounds; ++round)
      for (std::size_t i = 0; i < keys; ++i) {
        wanted[i] = round;
        queue.add({"ns", std::to_string(i)});
      }
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, Seconds(60), [&] {
      return std::all_of(served.begin(), served.end(), [](const auto& count) { return count == rounds; });
    }));
  }
  EXPECT_FALSE(shared);
}

TEST(Workers, stopping_ends_a_reconcile_that_looks_at_its_token) {
  Queue queue;
  std::latch inside(1);
  Workers workers(
      "test", queue,
      [&](const Key&, std::stop_token stop) -> Result<Requeue> {
        inside.count_down();
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        never.wait(lock, stop, [] { return false; });
        return Error{Fault::cancelled, "stopped"};
      },
      1);
  queue.add(a);
  inside.wait();
  workers.stop();
  EXPECT_EQ(queue.figures().depth, 0U);
}

TEST(Queue, take_ends_with_nothing_when_asked_to_stop) {
  Queue queue;
  std::optional<Key> taken = a;
  std::jthread reader([&](std::stop_token stop) { taken = queue.take(stop); });
  reader.request_stop();
  reader.join();
  EXPECT_EQ(taken, std::nullopt);
}

TEST(Queue, a_sooner_delay_wakes_a_taker_that_waits_for_a_later_one) {
  Queue queue;
  queue.add_after(a, std::chrono::hours(1));
  Channel<Key> taken(1);
  std::jthread reader([&](std::stop_token stop) {
    if (const auto key = queue.take(stop)) taken.put(*key);
  });
  queue.add_after(b, Milliseconds(1));
  EXPECT_EQ(taken.take(), b);
}

TEST(Workers, each_line_of_a_pass_names_its_key_and_the_pass) {
  std::vector<std::string> lines;  // written by one thread at a time
  log::write_to([&](std::string_view line) { lines.emplace_back(line); });
  log::start(log::Level::info, log::Format::json);
  {
    Queue queue;
    Channel<int> passed(10);
    Workers workers(
        "replication", queue,
        [&](const Key&, std::stop_token) -> Result<Requeue> {
          log::info("first step");
          log::info("second step", {{"replication", "said by the line"}});
          passed.put(1);
          return Requeue{};
        },
        1);
    queue.add(a);
    passed.take();
    queue.add(a);
    passed.take();
  }
  log::info("outside");
  log::write_to({});
  log::start(log::Level::info, log::Format::text);
  ASSERT_EQ(lines.size(), 5U);
  std::vector<Json> read;
  for (const std::string& line : lines) read.push_back(parse_json(line).json);
  EXPECT_EQ(read[0]["replication"], "ns/a");
  EXPECT_EQ(read[1]["replication"], "said by the line");
  EXPECT_EQ(text_at(read[0], {"reconcileID"}).size(), 16U);
  EXPECT_EQ(read[0]["reconcileID"], read[1]["reconcileID"]);
  EXPECT_NE(read[0]["reconcileID"], read[2]["reconcileID"]);
  EXPECT_FALSE(read[4].contains("replication"));
}

}  // namespace
}  // namespace tributary::kube

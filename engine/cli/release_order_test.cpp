#include "engine/cli/release_order.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "engine/base/seal.h"
#include "engine/serve/request.h"

namespace tributary::cli {
namespace {

constexpr const char* token = "0011";

int post(ReleaseOrder& order, const std::string& bearer, const std::string& query = "") {
  const serve::Routes routes = order.routes();
  const auto route = routes.find("/release");
  if (route == routes.end()) return 404;
  EXPECT_FALSE(route->second.get);
  return route->second.post({"POST", "/release", query, bearer}).status;
}

api::Report report_of(const char* reason, api::ExitCode code = api::ExitCode::done) {
  api::Report report;
  report.reason = reason;
  report.exit_code = code;
  return report;
}

class ReleaseOrderTest : public ::testing::Test {
 protected:
  api::Report run(api::ExitCode release_code = api::ExitCode::done) {
    return until_released(
        order, {Deadline::never(), signal.get_token()},
        [&](const Until& until) {
          during();
          synced = until.stop.stop_requested();
          return report_of("Stopped");
        },
        [&](pipeline::Keep keep, const Until& until) {
          EXPECT_FALSE(until.stop.stop_requested()) << "a signal does not end it";
          EXPECT_EQ(post(order, token), 202);
          kept = keep;
          signal.request_stop();  // so that nobody waits for long
          return report_of(release_code == api::ExitCode::done ? "Released" : "ReleaseFailed", release_code);
        },
        waits);
  }

  ReleaseOrder order{sha256(token)};
  std::stop_source signal;
  std::function<void()> during = [] {};
  LastWaits waits{Milliseconds(0), Milliseconds(0), Milliseconds(60'000)};
  bool synced = false;
  std::optional<pipeline::Keep> kept;
};

TEST_F(ReleaseOrderTest, without_a_token_there_is_no_such_route) {
  ReleaseOrder none{""};
  EXPECT_EQ(post(none, ""), 404);
  EXPECT_FALSE(none.may_come());
}

TEST_F(ReleaseOrderTest, another_token_and_the_hash_itself_are_refused) {
  for (const std::string& other : {std::string(), std::string("0012"), std::string("00112"), sha256(token)}) {
    EXPECT_EQ(post(order, other), 403) << other;
  }
  EXPECT_FALSE(order.given());
}

TEST_F(ReleaseOrderTest, the_stream_ends_before_what_it_holds_is_given_back) {
  during = [&] {
    EXPECT_EQ(post(order, token), 202);
    EXPECT_EQ(post(order, token, "forget"), 202) << "the first order counts";
  };
  EXPECT_EQ(run().reason, "Released");
  EXPECT_TRUE(synced);
  EXPECT_EQ(kept, pipeline::Keep::everything);
  EXPECT_EQ(post(order, token), 200);
  EXPECT_EQ(post(order, "x"), 403);
}

TEST_F(ReleaseOrderTest, the_ledger_is_forgotten_where_the_order_says_so) {
  during = [&] { post(order, token, "forget"); };
  run();
  EXPECT_EQ(kept, pipeline::Keep::data);
}

TEST_F(ReleaseOrderTest, a_stop_without_an_order_releases_nothing) {
  during = [&] { signal.request_stop(); };
  EXPECT_EQ(run().reason, "Stopped");
  EXPECT_TRUE(synced);
  EXPECT_FALSE(kept);
}

TEST_F(ReleaseOrderTest, an_order_may_come_a_moment_after_the_stop) {
  std::jthread late;
  waits.latecomer = Milliseconds(20'000);
  during = [&] {
    signal.request_stop();
    late = std::jthread([this] { post(order, token); });
  };
  EXPECT_EQ(run().reason, "Released");
}

TEST_F(ReleaseOrderTest, a_process_that_was_stopped_ends_once_it_was_heard) {
  std::jthread asker;
  waits.hearing = Milliseconds(600'000);
  during = [&] {
    post(order, token);
    asker = std::jthread([this] {
      while (post(order, token) != 200) std::this_thread::yield();
    });
  };
  EXPECT_EQ(run().reason, "Released");
}

TEST_F(ReleaseOrderTest, what_is_not_given_back_is_not_said_to_be) {
  during = [&] { post(order, token); };
  EXPECT_EQ(run(api::ExitCode::failed).reason, "ReleaseFailed");
  EXPECT_EQ(post(order, token), 202);
}

}  // namespace
}  // namespace tributary::cli

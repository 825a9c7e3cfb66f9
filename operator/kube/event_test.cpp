#include "operator/kube/event.h"

#include <gtest/gtest.h>

#include "operator/kube/kinds.h"
#include "operator/kube/testing/condition.h"
#include "operator/kube/testing/fake_api_server.h"

namespace tributary::kube {
namespace {

const Object regarding(Json::parse(R"({"apiVersion":"example.dev/v1","kind":"Thing",
  "metadata":{"name":"one","namespace":"shop","uid":"u","resourceVersion":"7"}})"));

TEST(Event, it_says_what_happened_to_which_object) {
  const WallTime now = WallTime(Seconds(1'800'000'000)) + Milliseconds(42);
  const Object event = event_object(regarding, {EventKind::warning, "CopyFailed", "Copy", "no space left"},
                                    "tributary-operator", "pod-1", now, "abc");
  EXPECT_EQ(event.key().text(), "shop/one.abc");
  EXPECT_EQ(text_at(event.json(), {"eventTime"}), "2027-01-15T08:00:00.042000Z");
  EXPECT_EQ(text_at(event.json(), {"type"}), "Warning");
  EXPECT_EQ(text_at(event.json(), {"reason"}), "CopyFailed");
  EXPECT_EQ(text_at(event.json(), {"action"}), "Copy");
  EXPECT_EQ(text_at(event.json(), {"note"}), "no space left");
  EXPECT_EQ(text_at(event.json(), {"regarding", "uid"}), "u");
  EXPECT_EQ(text_at(event.json(), {"reportingController"}), "tributary-operator");
}

TEST(Event, a_cluster_wide_object_is_told_of_in_default_and_a_long_note_is_cut_between_characters) {
  const Object wide(Json::parse(R"({"metadata":{"name":"n"}})"));
  std::string note = "xx";
  for (int i = 0; i < 1000; ++i) note += "\xc3\xa9";
  const Object event = event_object(wide, {EventKind::normal, "R", "A", note}, "c", "i", {}, "s");
  EXPECT_EQ(event.space(), "default");
  EXPECT_EQ(text_at(event.json(), {"note"}), note.substr(0, 1020) + "...");
}

TEST(Events, they_reach_the_server_and_a_refusal_does_not_stop_the_next) {
  testing::FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  server.fail_next(1, {.kind = testing::Misfortune::Kind::answer, .status = 403});
  {
    Events events(*transport, "tributary-operator", "pod-1");
    events.emit(regarding, {EventKind::normal, "Refused", "Copy", "first"});
    events.emit(regarding, {EventKind::normal, "Accepted", "Copy", "second"});
    const Deadline deadline = Deadline::after(Seconds(20));
    while (server.all(kinds::events).empty() && !deadline.passed()) std::this_thread::yield();
  }
  const std::vector<Object> written = server.all(kinds::events);
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(text_at(written[0].json(), {"reason"}), "Accepted");
}

TEST(Events, those_that_wait_at_the_end_are_written_first) {
  testing::FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  Events events(*transport, "tributary-operator", "pod-1");
  for (int i = 0; i < 30; ++i) events.emit(regarding, {EventKind::normal, "Told", "Copy", std::to_string(i)});
  events.finish({Deadline::after(Seconds(60))});
  EXPECT_EQ(server.all(kinds::events).size(), 30U);
  events.emit(regarding, {EventKind::normal, "TooLate", "Copy", "late"});
  EXPECT_EQ(server.all(kinds::events).size(), 30U);
}

constexpr EventLimits hasty{.retry_wait = Milliseconds(1)};

TEST(Events, what_is_told_again_is_one_event_with_a_series) {
  testing::FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  Events events(*transport, "tributary-operator", "pod-1");
  for (int i = 0; i < 5; ++i) events.emit(regarding, {EventKind::normal, "Told", "Copy", "again"});
  events.finish({Deadline::after(Seconds(60))});
  const std::vector<Object> written = server.all(kinds::events);
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(integer_at(written[0].json(), {"series", "count"}), 5);
  EXPECT_EQ(text_at(written[0].json(), {"note"}), "again");
}

TEST(Events, a_series_whose_event_has_expired_is_a_new_event) {
  testing::FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  Events events(*transport, "tributary-operator", "pod-1");
  const EventNote note{EventKind::normal, "Told", "Copy", "again"};
  events.emit(regarding, note);
  ASSERT_TRUE(testing::comes_true([&] { return !server.all(kinds::events).empty(); }, Seconds(30)));
  server.erase(kinds::events, server.all(kinds::events)[0].key());
  events.emit(regarding, note);
  events.finish({Deadline::after(Seconds(60))});
  const std::vector<Object> written = server.all(kinds::events);
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(integer_at(written[0].json(), {"series", "count"}), 2);
}

TEST(Events, a_server_that_is_away_for_a_while_gets_them_later_and_each_once) {
  testing::FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  server.fail_next(2, {.kind = testing::Misfortune::Kind::drop});
  Events events(*transport, "tributary-operator", "pod-1", hasty);
  events.emit(regarding, {EventKind::normal, "First", "Copy", "first"});
  EXPECT_TRUE(testing::comes_true([&] { return server.all(kinds::events).size() == 1; }, Seconds(30)));
  server.fail_next(1, {.kind = testing::Misfortune::Kind::drop_after});
  events.emit(regarding, {EventKind::normal, "Second", "Copy", "second"});
  EXPECT_TRUE(testing::comes_true([&] { return server.served().size() == 5; }, Seconds(30)));
  events.finish({Deadline::after(Seconds(60))});
  EXPECT_EQ(server.all(kinds::events).size(), 2U);
}

TEST(Events, one_that_never_reaches_the_server_is_given_up) {
  testing::FakeApiServer server;
  const auto transport = open_rest_transport(server.config());
  server.set_fate([](const testing::Served&) { return testing::Misfortune{.kind = testing::Misfortune::Kind::drop}; });
  Events events(*transport, "tributary-operator", "pod-1", hasty);
  events.emit(regarding, {EventKind::normal, "Lost", "Copy", "lost"});
  EXPECT_TRUE(testing::comes_true([&] { return server.served().size() == 12; }, Seconds(30)));
  events.finish({Deadline::after(Seconds(60))});
  EXPECT_EQ(server.served().size(), 12U);
}

}  // namespace
}  // namespace tributary::kube

#include "operator/kube/event.h"

#include <gtest/gtest.h>

#include "operator/kube/kinds.h"
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

}  // namespace
}  // namespace tributary::kube

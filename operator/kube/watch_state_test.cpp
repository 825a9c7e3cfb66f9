#include "operator/kube/watch_state.h"

#include <gtest/gtest.h>

namespace tributary::kube::watching {
namespace {

const SteadyTime opened = SteadyTime() + std::chrono::hours(1);
const SteadyTime soon = opened + Milliseconds(999), later = opened + Milliseconds(1000);

Object thing(const std::string& name, const std::string& version) {
  return Object(Json{{"metadata", {{"name", name}, {"namespace", "ns"}, {"resourceVersion", version}}}});
}

// A state in words: "list", "list c", "open 7", "open 7 try 3", "stream 7", "pause 5000: open 7", "retry: open 7".
std::string words(const State& state);
struct Words {
  std::string operator()(const Listing& s) const {
    return std::string("list") + (s.continue_token.empty() ? "" : " " + s.continue_token) + (s.paged ? "" : " whole");
  }
  std::string operator()(const Opening& s) const {
    return "open " + s.resource_version + (s.tries > 0 ? " try " + std::to_string(s.tries) : "");
  }
  std::string operator()(const Streaming& s) const { return "stream " + s.resource_version; }
  std::string operator()(const Pausing& s) const {
    const std::string next = std::visit(*this, s.then);
    if (s.reopen) return "retry: " + next;
    return "pause " + std::to_string(s.at_least.count()) + ": " + next;
  }
};
std::string words(const State& state) {
  return std::visit(Words{}, state);
}

const Listing listing{};
const Listing paging{"c"};
const Listing whole{.paged = false};
const Opening opening{"7"};
const Streaming quiet{"7", opened};
const Streaming busy{"7", opened, false};

Trouble trouble(TroubleKind kind, int retry_after = 0) {
  return {kind, "why", Milliseconds(retry_after)};
}

struct Case {
  const char* name;
  State state;
  Input input;
  SteadyTime now;
  std::string expected;
};

class StepTable : public testing::TestWithParam<Case> {};

TEST_P(StepTable, leads_where_the_error_table_says) {
  const Case& row = GetParam();
  EXPECT_EQ(words(step(row.state, row.input, row.now).next), row.expected);
}

// By the words alone: whatever leads to a list anew is a relist, and whatever leads to a stream again a restart.
Turn turn_in(const Case& row) {
  const bool goes_on = std::holds_alternative<PageListed>(row.input) && row.expected.find("pause") == std::string::npos;
  if (goes_on || std::holds_alternative<Paused>(row.input)) return Turn::none;
  if (row.expected.find("list") != std::string::npos) return Turn::relist;
  return row.expected.find("open") != std::string::npos ? Turn::restart : Turn::none;
}

TEST_P(StepTable, says_whether_a_stream_or_a_list_begins_over) {
  const Case& row = GetParam();
  EXPECT_EQ(step(row.state, row.input, row.now).turn, turn_in(row));
}

TEST(Cause, is_the_trouble_or_an_end_and_all_of_them_are_known) {
  EXPECT_EQ(cause_of(StreamEnded{}), "ended");
  EXPECT_EQ(cause_of(trouble(TroubleKind::expired)), "expired");
  EXPECT_EQ(causes(), (std::vector<std::string>{"ended", "refused", "interrupted", "idle", "expired", "throttled",
                                                "unauthorized", "forbidden", "undecodable", "other"}));
}

using enum TroubleKind;
INSTANTIATE_TEST_SUITE_P(
    Listing, StepTable,
    testing::Values(Case{"a_page_with_more", listing, PageListed{"c", "9"}, later, "list c"},
                    Case{"the_last_page", paging, PageListed{"", "9"}, later, "open 9"},
                    Case{"a_page_without_version", listing, PageListed{"", ""}, later, "pause 0: list"},
                    Case{"refused", listing, trouble(refused), later, "pause 0: list"},
                    Case{"throttled", listing, trouble(throttled, 5000), later, "pause 5000: list"},
                    Case{"unauthorized", listing, trouble(unauthorized), later, "pause 0: list"},
                    Case{"forbidden", listing, trouble(forbidden), later, "pause 0: list"},
                    Case{"broken_between_pages", paging, trouble(interrupted), later, "pause 0: list"},
                    Case{"continue_expired", paging, trouble(expired), later, "list whole"},
                    Case{"whole_list_expired", whole, trouble(expired), later, "pause 0: list"},
                    Case{"undecodable", listing, trouble(undecodable), later, "pause 0: list"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Opening, StepTable,
    testing::Values(Case{"answered", opening, StreamOpened{}, later, "stream 7"},
                    Case{"refused_keeps_the_version", opening, trouble(refused), later, "pause 0: open 7"},
                    Case{"throttled_keeps_the_version", opening, trouble(throttled, 3000), later, "pause 3000: open 7"},
                    Case{"unauthorized", opening, trouble(unauthorized), later, "pause 0: open 7"},
                    Case{"forbidden", opening, trouble(forbidden), later, "pause 0: open 7"},
                    Case{"broken_is_tried_again_soon", opening, trouble(interrupted), later, "retry: open 7 try 1"},
                    Case{"broken_the_ninth_time", Opening{"7", 8}, trouble(interrupted), later, "retry: open 7 try 9"},
                    Case{"broken_the_tenth_time", Opening{"7", 9}, trouble(interrupted), later, "pause 0: list"},
                    Case{"expired", opening, trouble(expired), later, "pause 0: list"},
                    Case{"anything_else", opening, trouble(other), later, "pause 0: list"},
                    Case{"undecodable", opening, trouble(undecodable), later, "pause 0: list"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Streaming, StepTable,
    testing::Values(Case{"ended_cleanly", quiet, StreamEnded{}, later, "open 7"},
                    Case{"ended_at_once_and_empty", quiet, StreamEnded{}, soon, "pause 0: list"},
                    Case{"ended_at_once_with_events", busy, StreamEnded{}, soon, "open 7"},
                    Case{"broke", quiet, trouble(interrupted), later, "open 7"},
                    Case{"broke_at_once_and_empty", quiet, trouble(interrupted), soon, "pause 0: list"},
                    Case{"refused", busy, trouble(refused), later, "open 7"},
                    Case{"silent", quiet, trouble(idle), later, "open 7"},
                    Case{"expired", busy, trouble(expired), later, "pause 0: list"},
                    Case{"throttled", busy, trouble(throttled, 2000), later, "pause 2000: open 7"},
                    Case{"internal_error", busy, trouble(other), later, "pause 0: list"},
                    Case{"undecodable", busy, trouble(undecodable), later, "pause 0: list"},
                    Case{"unauthorized", busy, trouble(unauthorized), later, "pause 0: list"},
                    Case{"added", quiet, EventRead{EventType::added, thing("a", "8")}, later, "stream 8"},
                    Case{"modified", quiet, EventRead{EventType::modified, thing("a", "8")}, later, "stream 8"},
                    Case{"deleted", quiet, EventRead{EventType::deleted, thing("a", "8")}, later, "stream 8"},
                    Case{"bookmark", quiet, EventRead{EventType::bookmark, thing("", "8")}, later, "stream 8"},
                    Case{"unknown_type", quiet, EventRead{}, later, "stream 7"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Pausing, StepTable,
                         testing::Values(Case{"over_to_list", Pausing{listing}, Paused{}, later, "list"},
                                         Case{"over_to_open", Pausing{opening}, Paused{}, later, "open 7"}),
                         [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(OutOfPlace, StepTable,
                         testing::Values(Case{"event_while_listing", listing, EventRead{}, later, "pause 0: list"},
                                         Case{"page_while_streaming", busy, PageListed{}, later, "pause 0: list"}),
                         [](const auto& row) { return row.param.name; });

TEST(Step, effects_follow_the_inputs) {
  EXPECT_TRUE(std::holds_alternative<ReplaceAll>(step(listing, PageListed{"", "9"}, later).effect));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(step(listing, PageListed{"c", "9"}, later).effect));
  EXPECT_TRUE(std::holds_alternative<DropPages>(step(paging, trouble(expired), later).effect));
  EXPECT_TRUE(std::holds_alternative<DropPages>(step(paging, trouble(interrupted), later).effect));
  const Step put = step(quiet, EventRead{EventType::added, thing("a", "8")}, later);
  EXPECT_EQ(std::get<Put>(put.effect).object.name(), "a");
  EXPECT_FALSE(std::get<Streaming>(put.next).quiet);
  const Step gone = step(quiet, EventRead{EventType::deleted, thing("a", "8")}, later);
  EXPECT_EQ(std::get<Remove>(gone.effect).object.name(), "a");
  const Step bookmark = step(quiet, EventRead{EventType::bookmark, thing("", "8")}, later);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(bookmark.effect));
}

TEST(ReadLine, events_are_told_apart) {
  const auto type = [](const std::string& word) {
    return std::get<EventRead>(
               read_line(R"({"type":")" + word + R"(","object":{"metadata":{"name":"a","resourceVersion":"1"}}})"))
        .type;
  };
  EXPECT_EQ(type("ADDED"), EventType::added);
  EXPECT_EQ(type("MODIFIED"), EventType::modified);
  EXPECT_EQ(type("DELETED"), EventType::deleted);
  EXPECT_EQ(type("BOOKMARK"), EventType::bookmark);
  EXPECT_EQ(type("SOMETHING"), EventType::unknown);
}

TEST(ReadLine, an_error_event_is_the_trouble_of_its_status) {
  const auto kind = [](const std::string& status) {
    return std::get<Trouble>(read_line(R"({"type":"ERROR","object":)" + status + "}"));
  };
  EXPECT_EQ(kind(R"({"code":410,"reason":"Expired"})").kind, expired);
  EXPECT_EQ(kind(R"({"reason":"Gone"})").kind, expired);
  EXPECT_EQ(kind(R"({"code":429,"details":{"retryAfterSeconds":7}})").retry_after, Seconds(7));
  EXPECT_EQ(kind(R"({"code":429,"details":{"retryAfterSeconds":-7}})").retry_after, Seconds(0));
  EXPECT_EQ(kind(R"({"code":500})").kind, other);
  EXPECT_EQ(kind(R"({"code":"x"})").kind, other);
  EXPECT_EQ(kind(R"({"code":99999999999})").kind, other);
}

TEST(ReadLine, what_is_no_event_is_undecodable) {
  for (const char* line :
       {"", "{", "5f", "null", "[]", R"({"type":"ADDED"})", R"({"object":{}})", R"({"type":"ADDED","object":[]})",
        R"({"type":"ADDED","object":{}})", R"({"type":7,"object":{"metadata":{"name":"a","resourceVersion":"1"}}})",
        R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})", R"({"type":"BOOKMARK","object":{"metadata":{}}})",
        R"({"type":"ADDED","object":{"kind":"Table","metadata":{"name":"a","resourceVersion":"1"}}})"}) {
    const Input input = read_line(line);
    ASSERT_TRUE(std::holds_alternative<Trouble>(input)) << line;
    EXPECT_EQ(std::get<Trouble>(input).kind, undecodable) << line;
  }
}

TEST(ReadLine, every_truncation_of_an_event_is_undecodable) {
  const std::string line = R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}})";
  ASSERT_TRUE(std::holds_alternative<EventRead>(read_line(line)));
  for (std::size_t length = 0; length < line.size(); ++length)
    EXPECT_TRUE(std::holds_alternative<Trouble>(read_line(line.substr(0, length)))) << length;
}

TEST(TroubleOf, an_answer_is_classified_by_its_status) {
  const auto kind = [](int status, const char* body = "") { return trouble_of(Response{status, body}).kind; };
  EXPECT_EQ(kind(410), expired);
  EXPECT_EQ(kind(429), throttled);
  EXPECT_EQ(kind(401), unauthorized);
  EXPECT_EQ(kind(403), forbidden);
  EXPECT_EQ(kind(500), other);
  EXPECT_EQ(kind(404), other);
  EXPECT_EQ(kind(504, R"({"reason":"Timeout"})"), other);
  EXPECT_EQ(kind(200, R"({"reason":"Expired"})"), expired);
  EXPECT_EQ(trouble_of(Response{429, "", Seconds(9)}).retry_after, Seconds(9));
}

TEST(TroubleOf, an_error_is_classified_by_its_fault) {
  EXPECT_EQ(trouble_of(Error{Fault::transient, ""}).kind, refused);
  EXPECT_EQ(trouble_of(Error{Fault::failed, ""}).kind, interrupted);
  EXPECT_EQ(trouble_of(Error{Fault::invalid, ""}).kind, undecodable);
  EXPECT_EQ(trouble_of(Error{Fault::denied, ""}).kind, other);
}

}  // namespace
}  // namespace tributary::kube::watching

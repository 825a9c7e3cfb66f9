#include "operator/kube/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/kube/kinds.h"
#include "operator/kube/testing/fake_api_server.h"

namespace tributary::kube {
namespace {

using testing::FakeApiServer;
using ::testing::HasSubstr;
using testing::Misfortune;
using Kind = testing::Misfortune::Kind;

const Resource things{"example.dev", "v1alpha1", "Thing", "things"};
const Key key{"shop", "one"};

Object thing(const char* spec) {
  return Object(Json{{"metadata", {{"namespace", "shop"}, {"name", "one"}}}, {"spec", Json::parse(spec)}});
}

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() { server.serve(things); }
  std::size_t count(Method method) const {
    std::size_t found = 0;
    for (const testing::Served& served : server.served()) found += served.method == method;
    return found;
  }

  FakeApiServer server;
  const std::unique_ptr<Transport> transport = open_rest_transport(server.config());
  std::stop_source stop;
  const Client client{*transport, {}, stop.get_token()};
};

TEST_F(ClientTest, an_object_lives_through_create_get_patch_and_remove) {
  const Object created = client.create(things, thing(R"({"size":1})")).value();
  EXPECT_EQ(created.generation(), 1);
  EXPECT_EQ(created.kind(), "Thing");
  EXPECT_FALSE(created.uid().empty());
  EXPECT_EQ(client.get(things, key)->resource_version(), created.resource_version());

  const Object patched = client.merge_patch(things, key, {{"spec", {{"size", 2}}}}).value();
  EXPECT_EQ(patched.generation(), 2);
  EXPECT_EQ(client.merge_patch(things, key, {{"spec", {{"size", 2}}}})->resource_version(), patched.resource_version());
  const Json replace = Json::parse(R"([{"op":"replace","path":"/spec/size","value":3}])");
  EXPECT_EQ(client.json_patch(things, key, replace)->generation(), 3);

  EXPECT_TRUE(client.remove(things, key).ok());
  EXPECT_EQ(client.get(things, key).error().fault, Fault::missing);
  EXPECT_EQ(unless_missing(client.get(things, key)).value(), std::nullopt);
}

TEST_F(ClientTest, status_and_specification_do_not_touch_each_other) {
  server.put(things, thing(R"({"size":1})").json());
  const Object status =
      client.merge_patch(things, key, Json::parse(R"({"spec":{"size":9},"status":{"phase":"x"}})"), Subresource::status)
          .value();
  EXPECT_EQ(status.generation(), 1);
  EXPECT_EQ(integer_at(status.json(), {"spec", "size"}), 1);
  EXPECT_EQ(text_at(status.json(), {"status", "phase"}), "x");
  const Object spec = client.merge_patch(things, key, Json::parse(R"({"spec":{"size":2},"status":null})")).value();
  EXPECT_EQ(text_at(spec.json(), {"status", "phase"}), "x");
  EXPECT_EQ(spec.generation(), 2);
}

TEST_F(ClientTest, apply_creates_updates_and_takes_back_what_it_no_longer_says) {
  const Object created = client.apply(things, thing(R"({"a":1,"b":{"c":2}})")).value();
  EXPECT_EQ(created.generation(), 1);
  client.merge_patch(things, key, Json::parse(R"({"spec":{"theirs":true}})")).value();
  const Object applied = client.apply(things, thing(R"({"a":5})")).value();
  EXPECT_EQ(applied.json()["spec"], Json::parse(R"({"a":5,"theirs":true})"));
  EXPECT_EQ(client.apply(things, thing(R"({"a":5})"))->resource_version(), applied.resource_version());
}

TEST_F(ClientTest, a_finalizer_holds_the_object_until_it_is_removed) {
  const Object created = client.create(things, thing("{}")).value();
  const Object held = client.merge_patch(things, key, add_finalizer(created, "example.dev/hold")).value();
  EXPECT_TRUE(held.has_finalizer("example.dev/hold"));
  EXPECT_EQ(client.merge_patch(things, key, add_finalizer(created, "other")).error().fault, Fault::conflict);
  ASSERT_TRUE(client.remove(things, key).ok());
  const Object deleting = client.get(things, key).value();
  EXPECT_TRUE(deleting.deleting());
  ASSERT_TRUE(client.merge_patch(things, key, remove_finalizer(deleting, "example.dev/hold")).ok());
  EXPECT_EQ(client.get(things, key).error().fault, Fault::missing);
}

TEST_F(ClientTest, preconditions_protect_another_incarnation) {
  client.create(things, thing("{}")).value();
  EXPECT_EQ(client.remove(things, key, {.uid = "another"}).error().fault, Fault::conflict);
  EXPECT_TRUE(client.remove(things, key, {.uid = client.get(things, key)->uid()}).ok());
  EXPECT_EQ(client.remove(things, key).error().fault, Fault::missing);
}

TEST_F(ClientTest, creating_what_exists_is_a_conflict) {
  client.create(things, thing("{}")).value();
  const Result<Object> again = client.create(things, thing("{}"));
  EXPECT_EQ(again.error().fault, Fault::conflict);
  EXPECT_THAT(again.error().what, HasSubstr("already exists"));
}

TEST_F(ClientTest, a_list_comes_in_pages_with_types_filled_in) {
  for (int i = 0; i < 5; ++i) {
    Json one = thing("{}").json();
    one["metadata"]["name"] = "n" + std::to_string(i);
    one["metadata"]["labels"]["parity"] = i % 2 == 0 ? "even" : "odd";
    server.put(things, one);
  }
  const ListResult first = client.list(things, {.space = "shop"}, {.limit = 3}).value();
  EXPECT_EQ(first.items.size(), 3U);
  EXPECT_EQ(first.items[0].api_version() + " " + first.items[0].kind(), "example.dev/v1alpha1 Thing");
  const ListResult rest = client.list(things, {}, {.limit = 3, .continue_token = first.continue_token}).value();
  EXPECT_EQ(rest.items.size(), 2U);
  EXPECT_TRUE(rest.continue_token.empty());
  EXPECT_EQ(client.list(things, {.labels = "parity in (odd)"})->items.size(), 2U);
  EXPECT_EQ(client.list(things, {.space = "other"})->items.size(), 0U);
  EXPECT_EQ(client.list(things, {.fields = "metadata.name=n3"})->items.size(), 1U);

  server.compact();
  server.put(things, thing("{}").json());
  server.compact();
  EXPECT_EQ(client.list(things, {}, {.limit = 3, .continue_token = first.continue_token}).error().fault, Fault::lost);
}

TEST_F(ClientTest, metadata_alone_leaves_the_secrets_out) {
  server.put(kinds::secrets, Json::parse(R"({"metadata":{"namespace":"a","name":"b"},"data":{"password":"eA=="}})"));
  const ListResult listed = client.list(kinds::secrets, {.detail = Detail::metadata}).value();
  ASSERT_EQ(listed.items.size(), 1U);
  EXPECT_EQ(listed.items[0].name(), "b");
  EXPECT_TRUE(at(listed.items[0].json(), {"data"}).is_null());
}

TEST_F(ClientTest, the_status_of_a_refusal_becomes_a_fault_with_the_servers_words) {
  const std::vector<std::pair<int, Fault>> table{
      {400, Fault::invalid},   {401, Fault::denied},   {403, Fault::denied},    {404, Fault::missing},
      {405, Fault::invalid},   {409, Fault::conflict}, {410, Fault::lost},      {413, Fault::invalid},
      {415, Fault::invalid},   {422, Fault::invalid},  {429, Fault::transient}, {500, Fault::transient},
      {503, Fault::transient}, {504, Fault::transient}};
  for (const auto& [status, fault] : table) {
    server.fail_next(1, {.kind = Kind::answer, .status = status, .message = "because of this"});
    const Result<Object> result = client.get(things, key);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().fault, fault) << status;
    EXPECT_EQ(result.error().what, "because of this");
  }
  EXPECT_THAT(error_of(Response{502, "<html>"}).what, HasSubstr("502"));
  std::string umlauts;
  while (umlauts.size() < 3000) umlauts += "\xC3\xBC";
  const std::string what = error_of(Response{400, Json{{"message", umlauts}}.dump()}).what;
  EXPECT_EQ(what, umlauts.substr(0, 1020) + "...");
}

TEST_F(ClientTest, a_request_that_was_turned_away_is_repeated_after_the_asked_time) {
  server.fail_next(1, {.kind = Kind::answer, .status = 429, .retry_after_seconds = 1});
  EXPECT_TRUE(client.create(things, thing("{}")).ok());
  EXPECT_EQ(count(Method::post), 2U);
}

TEST_F(ClientTest, a_wait_that_is_too_long_is_left_to_the_caller) {
  server.fail_next(1, {.kind = Kind::answer, .status = 429, .retry_after_seconds = 60});
  EXPECT_EQ(client.create(things, thing("{}")).error().fault, Fault::transient);
  EXPECT_EQ(count(Method::post), 1U);
}

TEST_F(ClientTest, a_refusal_without_retry_after_is_not_repeated) {
  server.fail_next(1, {.kind = Kind::answer, .status = 503});
  EXPECT_EQ(client.get(things, key).error().fault, Fault::transient);
  EXPECT_EQ(count(Method::get), 1U);
}

TEST_F(ClientTest, a_read_is_repeated_over_a_broken_connection) {
  server.put(things, thing("{}").json());
  server.fail_next(1, {.kind = Kind::drop});
  EXPECT_TRUE(client.get(things, key).ok());
}

TEST_F(ClientTest, a_write_of_unknown_outcome_is_never_repeated) {
  for (const Kind kind : {Kind::drop, Kind::drop_after}) {
    server.forget_served();
    server.fail_next(1, {.kind = kind});
    const Result<Object> result = client.create(things, thing("{}"));
    EXPECT_EQ(result.error().fault, Fault::transient);
    EXPECT_THAT(result.error().what, HasSubstr("unknown"));
    EXPECT_EQ(count(Method::post), 1U);
  }
  EXPECT_TRUE(client.get(things, key).ok());
}

TEST_F(ClientTest, a_stop_ends_the_wait_for_a_repetition) {
  server.set_fate([&](const testing::Served&) {
    stop.request_stop();
    return Misfortune{.kind = Kind::answer, .status = 429, .retry_after_seconds = 9};
  });
  EXPECT_EQ(client.get(things, key).error().fault, Fault::cancelled);
}

TEST_F(ClientTest, an_answer_that_is_no_object_or_list_is_invalid) {
  for (const char* body : {"", "null", "[]", "{", "{}", R"({"metadata":[]})"})
    EXPECT_FALSE(list_in(things, Detail::full, Response{200, body}).ok()) << body;
  EXPECT_FALSE(list_in(things, Detail::full, Response{200, R"({"metadata":{},"items":[7]})"}).ok());
  EXPECT_TRUE(list_in(things, Detail::full, Response{200, R"({"metadata":{},"items":null})"}).ok());
}

}  // namespace
}  // namespace tributary::kube

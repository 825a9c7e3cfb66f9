#include "operator/kube/testing/fake_api_server.h"

#include <gtest/gtest.h>

#include "operator/kube/client.h"
#include "operator/kube/kinds.h"

// What only tests rely on, and a real server shows as well (e2e/kube-conformance).
namespace tributary::kube::testing {
namespace {

const Resource things{"example.tributary.dev", "v1", "Thing", "things"};

class FakeTest : public ::testing::Test {
 protected:
  FakeTest() {
    server.serve(things, true, Json::parse(R"({"properties":{"spec":{"properties":{"known":{"type":"string"}}}}})"));
  }
  static Json named(const std::string& name) { return {{"metadata", {{"namespace", "prod"}, {"name", name}}}}; }
  Object create(const Resource& resource, Json json) const {
    return client.create(resource, Object(std::move(json))).value();
  }
  Object depend_on(const Object& owner) const {
    Json json = named("dependent");
    json["metadata"]["ownerReferences"] = Json::array({controller_reference(owner)});
    json["metadata"]["finalizers"] = {"example.org/held"};
    return create(kinds::config_maps, json);
  }
  bool has(const std::string& name) const { return !server.find(kinds::config_maps, {"prod", name}).json().is_null(); }

  FakeApiServer server{{.as_cluster = true}};
  const std::unique_ptr<Transport> transport = open_rest_transport(server.config());
  const Client client{*transport, {}, {}};
};

TEST_F(FakeTest, prunes_what_the_schema_does_not_know) {
  Json thing = named("a");
  thing["spec"] = {{"known", "x"}, {"unknown", "y"}};
  EXPECT_EQ(create(things, thing).json()["spec"], (Json{{"known", "x"}}));
}

TEST_F(FakeTest, an_owner_deleted_in_the_foreground_waits_for_what_depends_on_it) {
  const Object owner = create(kinds::config_maps, named("owner"));
  depend_on(owner);
  ASSERT_TRUE(client.remove(kinds::config_maps, owner.key(), {.propagation = Propagation::foreground}).ok());
  EXPECT_TRUE(has("owner"));
  const Object held = server.find(kinds::config_maps, {"prod", "dependent"});
  EXPECT_TRUE(held.deleting());
  ASSERT_TRUE(client.merge_patch(kinds::config_maps, held.key(), remove_finalizer(held, "example.org/held")).ok());
  EXPECT_FALSE(has("dependent"));
  EXPECT_FALSE(has("owner"));
}

TEST_F(FakeTest, an_owner_deleted_in_the_background_goes_first_and_orphans_stay) {
  Object owner = create(kinds::config_maps, named("owner"));
  depend_on(owner);
  ASSERT_TRUE(client.remove(kinds::config_maps, owner.key(), {.propagation = Propagation::orphan}).ok());
  EXPECT_FALSE(has("owner"));
  EXPECT_TRUE(server.find(kinds::config_maps, {"prod", "dependent"}).owners().empty());
  server.erase(kinds::config_maps, {"prod", "dependent"});
  owner = create(kinds::config_maps, named("owner"));
  depend_on(owner);
  ASSERT_TRUE(client.remove(kinds::config_maps, owner.key()).ok());
  EXPECT_FALSE(has("owner"));
  EXPECT_TRUE(server.find(kinds::config_maps, {"prod", "dependent"}).deleting());
}

TEST_F(FakeTest, the_pages_of_a_list_are_of_one_moment) {
  create(kinds::config_maps, named("a"));
  create(kinds::config_maps, named("c"));
  const ListResult first = client.list(kinds::config_maps, {}, {.limit = 1}).value();
  create(kinds::config_maps, named("b"));
  const ListResult rest =
      client.list(kinds::config_maps, {}, {.limit = 0, .continue_token = first.continue_token}).value();
  ASSERT_EQ(rest.items.size(), 1U);
  EXPECT_EQ(rest.items[0].name(), "c");
  server.compact();
  EXPECT_EQ(client.list(kinds::config_maps, {}, {.limit = 0, .continue_token = first.continue_token}).error().fault,
            Fault::lost);
}

TEST_F(FakeTest, a_running_pod_that_is_deleted_stays_until_its_kubelet_has_ended_it) {
  Json pod = named("pod");
  server.put(kinds::pods, pod);
  ASSERT_TRUE(client.remove(kinds::pods, {"prod", "pod"}).ok());
  EXPECT_TRUE(server.find(kinds::pods, {"prod", "pod"}).deleting());
}

TEST_F(FakeTest, a_watch_without_a_version_begins_with_what_is_there) {
  create(kinds::config_maps, named("a"));
  const Opened opened = transport->open(watch(kinds::config_maps, {}, {}), {}, {}).value();
  const Json event = parse_json(opened.lines->next({}).value().value()).json;
  EXPECT_EQ(text_at(event, {"type"}), "ADDED");
  EXPECT_EQ(text_at(event, {"object", "metadata", "name"}), "a");
}

TEST_F(FakeTest, a_watch_that_is_cut_ends_broken_and_not_in_order) {
  const Opened opened =
      transport->open(watch(kinds::config_maps, {}, {.resource_version = std::to_string(server.version())}), {}, {})
          .value();
  server.disturb_streams({.cut_after = 30});
  create(kinds::config_maps, named("a"));
  EXPECT_FALSE(opened.lines->next({}).ok());
}

}  // namespace
}  // namespace tributary::kube::testing

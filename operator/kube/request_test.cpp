#include "operator/kube/request.h"

#include <gtest/gtest.h>

#include "operator/kube/kinds.h"

namespace tributary::kube {
namespace {

const Resource things{"example.dev", "v1alpha1", "Thing", "things"};

TEST(Request, a_list_asks_for_the_newest_state_in_pages) {
  const Request request = list(kinds::pods, {.space = "shop", .labels = "app=x,tier in (a,b)"}, {.limit = 500});
  EXPECT_EQ(request.method, Method::get);
  EXPECT_EQ(request.path, "/api/v1/namespaces/shop/pods?labelSelector=app%3Dx%2Ctier%20in%20%28a%2Cb%29&limit=500");
  EXPECT_EQ(list(things, {}, {.limit = 0, .continue_token = "a+/="}).path,
            "/apis/example.dev/v1alpha1/things?continue=a%2B%2F%3D");
  EXPECT_EQ(list(kinds::namespaces, {.space = "ignored"}, {.limit = 0}).path, "/api/v1/namespaces");
}

TEST(Request, metadata_alone_is_asked_for_by_the_accept_header) {
  EXPECT_EQ(list(kinds::secrets, {.detail = Detail::metadata}, {}).accept,
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(watch(kinds::secrets, {.detail = Detail::metadata}, {"1"}).accept,
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
  EXPECT_EQ(get(kinds::secrets, {"a", "b"}).accept, "application/json");
}

TEST(Request, a_watch_names_its_version_its_end_and_asks_for_bookmarks) {
  EXPECT_EQ(watch(kinds::jobs, {.space = "shop", .fields = "metadata.name=x"}, {"42", 400}).path,
            "/apis/batch/v1/namespaces/shop/jobs?watch=1&fieldSelector=metadata.name%3Dx&resourceVersion=42"
            "&allowWatchBookmarks=true&timeoutSeconds=400");
}

TEST(Request, an_apply_carries_type_manager_and_force) {
  const Object intent(Json::parse(R"({"metadata":{"name":"n","namespace":"s"},"data":{"a":"b"}})"));
  const Request request = apply(kinds::config_maps, intent, "tributary");
  EXPECT_EQ(name_of(request.method), std::string("PATCH"));
  EXPECT_EQ(request.path, "/api/v1/namespaces/s/configmaps/n?fieldManager=tributary&force=true");
  EXPECT_EQ(request.content_type, "application/apply-patch+yaml");
  EXPECT_EQ(Json::parse(request.body),
            Json::parse(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n","namespace":"s"},
                            "data":{"a":"b"}})"));
  EXPECT_EQ(apply(things, intent, "m", Subresource::status).path,
            "/apis/example.dev/v1alpha1/namespaces/s/things/n/status?fieldManager=m&force=true");
}

TEST(Request, patches_differ_by_content_type_and_never_force) {
  const Request merge = merge_patch(things, {"s", "n"}, {{"status", 1}}, "m", Subresource::status);
  EXPECT_EQ(merge.path, "/apis/example.dev/v1alpha1/namespaces/s/things/n/status?fieldManager=m");
  EXPECT_EQ(merge.content_type, "application/merge-patch+json");
  EXPECT_EQ(json_patch(things, {"s", "n"}, Json::array(), "m").content_type, "application/json-patch+json");
}

TEST(Request, a_removal_states_propagation_and_preconditions) {
  const Request request =
      remove(kinds::jobs, {"s", "n"}, {.propagation = Propagation::foreground, .uid = "u", .grace_seconds = 0});
  EXPECT_EQ(request.path, "/apis/batch/v1/namespaces/s/jobs/n");
  EXPECT_EQ(Json::parse(request.body),
            Json::parse(R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground",
                            "preconditions":{"uid":"u"},"gracePeriodSeconds":0})"));
}

TEST(Request, names_cannot_escape_their_place_in_the_path) {
  EXPECT_EQ(get(kinds::pods, {"a/../b", "x?y=#%"}).path, "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%3D%23%25");
}

TEST(Request, bytes_that_are_no_utf8_do_not_break_a_body) {
  const Object odd(Json{{"metadata", {{"name", "\xff"}}}});
  EXPECT_NE(create(kinds::pods, odd).body, "");
}

TEST(Request, a_finalizer_is_added_and_removed_at_the_version_that_was_seen) {
  const auto patch = [](const char* finalizers) {
    return Json{{"metadata", {{"resourceVersion", "7"}, {"finalizers", Json::parse(finalizers)}}}};
  };
  const Object none(Json::parse(R"({"metadata":{"resourceVersion":"7"}})"));
  EXPECT_EQ(add_finalizer(none, "mine"), patch(R"(["mine"])"));
  const Object other(Json::parse(R"({"metadata":{"resourceVersion":"7","finalizers":["other"]}})"));
  EXPECT_EQ(add_finalizer(other, "mine"), patch(R"(["other","mine"])"));
  EXPECT_EQ(remove_finalizer(other, "mine"), patch(R"(["other"])"));
  const Object both(Json::parse(R"({"metadata":{"resourceVersion":"7","finalizers":["mine","other"]}})"));
  EXPECT_EQ(add_finalizer(both, "mine"), patch(R"(["mine","other"])"));
  EXPECT_EQ(remove_finalizer(both, "mine"), patch(R"(["other"])"));
}

}  // namespace
}  // namespace tributary::kube

#include "operator/kube/object.h"

#include <gtest/gtest.h>

namespace tributary::kube {
namespace {

Object parsed(std::string_view text) {
  Parsed answer = parse_json(text);
  EXPECT_TRUE(answer.ok) << text;
  return Object(std::move(answer.json));
}

TEST(Object, its_metadata_is_within_reach) {
  const Object object = parsed(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"copy","namespace":"shop",
    "uid":"u1","resourceVersion":"42","generation":3,"deletionTimestamp":"2026-01-01T00:00:00Z",
    "labels":{"app":"x"},"annotations":{"note":"y"},"finalizers":["a","b"],
    "ownerReferences":[{"apiVersion":"v1","kind":"Owner","name":"o","uid":"u0","controller":true}]}})");
  EXPECT_EQ(object.api_version(), "batch/v1");
  EXPECT_EQ(object.kind(), "Job");
  EXPECT_EQ(object.key(), (Key{"shop", "copy"}));
  EXPECT_EQ(object.key().text(), "shop/copy");
  EXPECT_EQ(object.uid(), "u1");
  EXPECT_EQ(object.resource_version(), "42");
  EXPECT_EQ(object.generation(), 3);
  EXPECT_TRUE(object.deleting());
  EXPECT_EQ(object.label("app"), "x");
  EXPECT_EQ(object.annotation("note"), "y");
  EXPECT_TRUE(object.has_finalizer("b"));
  EXPECT_FALSE(object.has_finalizer("c"));
  ASSERT_EQ(object.owners().size(), 1U);
  EXPECT_EQ(object.owners()[0].uid, "u0");
  EXPECT_TRUE(object.owners()[0].controller);
}

TEST(Object, odd_shapes_answer_empty_values) {
  for (const char* text :
       {"null", "[]", "\"text\"", "7", "{}", R"({"metadata":null})", R"({"metadata":[1]})", R"({"metadata":"x"})",
        R"({"metadata":{"name":7,"namespace":{},"uid":[],"resourceVersion":1,"generation":"3","labels":[],
              "annotations":"x","finalizers":{"a":1},"ownerReferences":{"uid":"u"},"deletionTimestamp":false}})",
        R"({"metadata":{"generation":18446744073709551615,"finalizers":[1,null],"labels":{"app":5}}})"}) {
    Object object = parsed(text);
    EXPECT_EQ(object.key(), Key{}) << text;
    EXPECT_EQ(object.uid() + object.resource_version() + object.label("app") + object.annotation("a"), "") << text;
    EXPECT_EQ(object.generation(), 0) << text;
    EXPECT_FALSE(object.deleting()) << text;
    EXPECT_TRUE(object.finalizers().empty()) << text;
    EXPECT_TRUE(object.owners().empty()) << text;
    drop_bookkeeping(object);
  }
}

TEST(Object, text_that_is_no_json_or_too_deep_is_refused) {
  EXPECT_FALSE(parse_json("").ok);
  EXPECT_FALSE(parse_json("{").ok);
  EXPECT_FALSE(parse_json("{\"a\":1} x").ok);
  EXPECT_FALSE(parse_json("\"\xff\"").ok);
  EXPECT_TRUE(parse_json(std::string(100, '[') + std::string(100, ']')).ok);
  EXPECT_FALSE(parse_json(std::string(100'000, '[') + std::string(100'000, ']')).ok);
  EXPECT_FALSE(parse_json(std::string(100'000, '[')).ok);
}

TEST(Object, a_cluster_wide_key_is_its_name) {
  EXPECT_EQ((Key{"", "node"}).text(), "node");
}

TEST(Object, bookkeeping_is_dropped_and_nothing_else) {
  Object object = parsed(R"({"metadata":{"name":"a","managedFields":[1],"annotations":
    {"kubectl.kubernetes.io/last-applied-configuration":"password","keep":"me"}}})");
  drop_bookkeeping(object);
  EXPECT_EQ(object.json(), Json::parse(R"({"metadata":{"name":"a","annotations":{"keep":"me"}}})"));
}

TEST(Object, an_owner_is_referred_to_as_controller) {
  const Object owner = parsed(R"({"apiVersion":"v1","kind":"Owner","metadata":{"name":"o","uid":"u0"}})");
  const Json reference = controller_reference(owner);
  EXPECT_EQ(reference.dump(),
            R"({"apiVersion":"v1","blockOwnerDeletion":true,"controller":true,"kind":"Owner","name":"o","uid":"u0"})");
}

}  // namespace
}  // namespace tributary::kube

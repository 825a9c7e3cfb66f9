#include "operator/kube/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tributary::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Read {
  Parsed list;
  std::vector<std::string> items = {};
};

Read read(std::string_view text) {
  Read out;
  out.list = parse_list(text, [&](const Json& item) { out.items.push_back(item.dump()); });
  return out;
}

TEST(ParseJson, makes_of_a_text_what_the_library_makes_of_it) {
  for (const char* text :
       {"7", "-7", "0.5", "true", "\"x\"", "null", "[]", "{}", "[[],[1,[2]],{}]", R"({"a":{"a":[{"a":1},2]},"b":null})",
        R"({"a":1,"a":{"b":2}})", R"({"managedFields":[1],"spec":{"managedFields":{"a":1}}})"}) {
    EXPECT_EQ(parse_json(text).json, Json::parse(text)) << text;
  }
}

TEST(ParseJson, leaves_out_the_managed_fields_of_metadata_wherever_that_is) {
  const Parsed parsed = parse_json(R"({"metadata":{"managedFields":[{"a":{"metadata":[1,{}]}},2],"name":"a"},
    "items":[{"metadata":{"name":"b","managedFields":null,"uid":"u"},"managedFields":3},
             {"metadata":{"managedFields":{"name":"no"}}}]})");
  ASSERT_TRUE(parsed.ok);
  EXPECT_EQ(parsed.json, Json::parse(R"({"metadata":{"name":"a"},
    "items":[{"metadata":{"name":"b","uid":"u"},"managedFields":3},{"metadata":{}}]})"));
}

TEST(ParseJson, counts_the_depth_of_what_it_leaves_out_too) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_FALSE(parse_json(R"({"metadata":{"managedFields":)" + deep + "}}").ok);
}

TEST(ParseList, hands_over_each_item_and_keeps_the_rest) {
  const Read all = read(R"({"kind":"List","metadata":{"continue":"x"},
    "items":[{"metadata":{"name":"a"},"items":[1,{}]},{"items":[]},7,"x",[1,[2]],null],"more":[1]})");
  ASSERT_TRUE(all.list.ok);
  EXPECT_THAT(all.items, ElementsAre(R"({"items":[1,{}],"metadata":{"name":"a"}})", R"({"items":[]})", "7", "\"x\"",
                                     "[1,[2]]", "null"));
  EXPECT_EQ(all.list.json, Json::parse(R"({"kind":"List","metadata":{"continue":"x"},"items":[],"more":[1]})"));
}

TEST(ParseList, items_that_are_no_array_are_no_items) {
  for (const char* text : {"{}", "[]", R"([[1]])", R"({"items":null})", R"({"items":{"items":[1],"a":{}}})",
                           R"({"spec":{"items":[1]}})", R"({"items":[]})"}) {
    const Read all = read(text);
    EXPECT_TRUE(all.list.ok) << text;
    EXPECT_THAT(all.items, IsEmpty()) << text;
    EXPECT_EQ(all.list.json, Json::parse(text)) << text;
  }
}

TEST(ParseList, text_that_ends_too_early_or_is_damaged_is_refused) {
  const std::string text = R"({"metadata":{"managedFields":[{"a":1}]},"items":[{"metadata":{"name":"a"}},[1]]})";
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(read(text.substr(0, size)).list.ok) << size;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 10'000; ++i) {
    std::string damaged = text;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    EXPECT_EQ(read(damaged).list.ok, Json::accept(damaged)) << damaged;
  }
}

}  // namespace
}  // namespace tributary::kube

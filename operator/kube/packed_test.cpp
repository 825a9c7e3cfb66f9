#include "operator/kube/packed.h"

#include <gtest/gtest.h>

namespace tributary::kube {
namespace {

TEST(Packed, gives_back_what_it_was_made_of) {
  for (const char* text :
       {"null", "{}", R"({"a":[1,-1,0.5,18446744073709551615,-9223372036854775808,true,false,null,"ü\u0000x",{},[]]})",
        R"({"metadata":{"name":"a","labels":{"x":""}}})"}) {
    const Json json = Json::parse(text);
    EXPECT_EQ(Packed(Object(json)).object().json(), json) << text;
    EXPECT_EQ(Packed(Object(json)).object().json().dump(), json.dump()) << text;
  }
  EXPECT_TRUE(Packed().object().json().is_null());
}

TEST(Packed, is_equal_where_every_member_is) {
  const auto packed = [](const char* text) { return Packed(Object(Json::parse(text))); };
  EXPECT_EQ(packed(R"({"a":1,"b":2})"), packed(R"({"b":2,"a":1})"));
  EXPECT_FALSE(packed(R"({"a":1})") == packed(R"({"a":2})"));
  EXPECT_FALSE(packed(R"({"a":1})") == packed(R"({"a":1,"b":2})"));
  EXPECT_EQ(Packed(), Packed());
}

TEST(Packed, outlives_what_it_was_copied_from) {
  Packed copy;
  {
    const Packed first(Object(Json{{"a", "value"}}));
    copy = first;
  }
  EXPECT_EQ(text_at(copy.object().json(), {"a"}), "value");
}

}  // namespace
}  // namespace tributary::kube

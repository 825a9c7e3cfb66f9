#include "operator/kube/exposition.h"

#include <gtest/gtest.h>

namespace tributary::kube {
namespace {

TEST(Exposition, a_family_is_its_help_its_type_and_a_line_for_each_sample) {
  Exposition out;
  out.family("things", "How many there are", Exposition::Type::gauge);
  out.sample({{"namespace", "prod"}, {"name", "shop"}}, 7);
  out.sample({}, 18'446'744'073'709'551'615U);
  out.family("things_total", "How many there were", Exposition::Type::counter);
  EXPECT_EQ(std::move(out).take(),
            "# HELP things How many there are\n# TYPE things gauge\n"
            "things{namespace=\"prod\",name=\"shop\"} 7\nthings 18446744073709551615\n"
            "# HELP things_total How many there were\n# TYPE things_total counter\n");
}

TEST(Exposition, what_a_label_says_cannot_end_it) {
  Exposition out;
  out.family("things", "", Exposition::Type::gauge);
  out.sample({{"mode", "a\\b\"c\nd"}}, 0);
  EXPECT_NE(std::move(out).take().find("things{mode=\"a\\\\b\\\"c\\nd\"} 0\n"), std::string::npos);
}

}  // namespace
}  // namespace tributary::kube

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/structure/structure.h"

namespace tributary::postgres::structure {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> told(const Structure& source, const Structure& target) {
  std::vector<std::string> lines;
  for (const Difference& each : compare(source, target))
    lines.push_back(each.kind + " " + each.object + ": " + each.source + " | " + each.target);
  return lines;
}

class TwoStructures : public ::testing::Test {
 protected:
  TwoStructures() {
    for (Structure* each : {&source_, &target_}) {
      each->major = 15;
      each->roles = {"alice", "bob"};
      Thing table{"table", "table", {"table"}};
      table.owner = "alice";
      table.grants.of_owner["SELECT"] = false;
      each->things[table_] = table;
      each->things[column_] = {"column", "type", {"integer"}, table_};
    }
  }

  Thing& at_source() { return source_.things[table_]; }
  Thing& at_target() { return target_.things[table_]; }

  const Key table_{"public.t", "relation"};
  const Key column_{"public.t.c", "column"};
  Structure source_;
  Structure target_;
};

TEST_F(TwoStructures, differ_in_values_that_are_not_told) {
  at_source().definition = {"OPTIONS (a=\x01one\x02, b=2)"};
  at_target().definition = {"OPTIONS (a=\x01two\x02, b=2)"};
  EXPECT_THAT(
      told(source_, target_),
      ElementsAre("table public.t: OPTIONS (a=(concealed), b=2) | OPTIONS (a=(concealed), b=2) with other values"));
  at_target().definition = {"OPTIONS (a=\x01one\x02, b=3)"};
  EXPECT_THAT(told(source_, target_),
              ElementsAre("table public.t: OPTIONS (a=(concealed), b=2) | OPTIONS (a=(concealed), b=3)"));
  at_target().definition = at_source().definition;
  EXPECT_THAT(told(source_, target_), IsEmpty());
  at_target().definition = {"OPTIONS (a=\x01never ended"};
  EXPECT_THAT(told(source_, target_),
              ElementsAre("table public.t: OPTIONS (a=(concealed), b=2) | OPTIONS (a=(concealed)"));
}

TEST_F(TwoStructures, that_are_equal_have_no_differences) {
  EXPECT_THAT(told(source_, target_), IsEmpty());
}

TEST_F(TwoStructures, tell_a_missing_thing_without_what_belongs_to_it) {
  target_.things.clear();
  EXPECT_THAT(told(source_, target_), ElementsAre("table public.t: table | "));
  EXPECT_THAT(told(target_, source_), ElementsAre("table public.t:  | table"));
}

TEST_F(TwoStructures, name_the_aspect_that_differs) {
  target_.things[column_].definition.text = "bigint";
  target_.things[column_].aspects["default"] = {"7"};
  EXPECT_THAT(told(source_, target_), ElementsAre("type public.t.c: integer | bigint", "default public.t.c:  | 7"));
}

TEST_F(TwoStructures, tell_a_thing_of_another_kind_once) {
  target_.things[table_].kind = "view";
  target_.things[table_].definition.text = "SELECT 1";
  EXPECT_THAT(told(source_, target_), ElementsAre("table public.t: table | SELECT 1"));
}

TEST_F(TwoStructures, compare_details_that_both_majors_know) {
  source_.things[column_].aspects["nullability"] = {"NOT NULL"};
  target_.things[column_].aspects["nullability"] = {"NOT NULL", "CONSTRAINT c", 18};
  target_.major = 18;
  EXPECT_THAT(told(source_, target_), IsEmpty());
  source_.major = 18;
  EXPECT_THAT(told(source_, target_), ElementsAre("nullability public.t.c: NOT NULL | NOT NULL CONSTRAINT c"));
}

TEST_F(TwoStructures, leave_out_privileges_that_one_of_them_does_not_know) {
  target_.major = 17;
  at_target().grants.of_owner["MAINTAIN"] = false;
  at_target().grants.of_roles["bob"]["MAINTAIN"] = false;
  EXPECT_THAT(told(source_, target_), IsEmpty());
  source_.major = 17;
  EXPECT_THAT(told(source_, target_), ElementsAre("grant public.t: SELECT to its owner | MAINTAIN, SELECT to its owner",
                                                  "grant public.t:  | MAINTAIN to bob"));
}

TEST_F(TwoStructures, compare_owners_and_grants_of_roles_that_both_have) {
  at_target().owner = "bob";
  at_source().grants.of_roles["bob"]["SELECT"] = false;
  EXPECT_THAT(told(source_, target_), ElementsAre("owner public.t: alice | bob"));
  at_target().owner = "alice";
  at_target().grants.of_roles[""]["SELECT"] = true;
  EXPECT_THAT(told(source_, target_),
              ElementsAre("grant public.t:  | SELECT WITH GRANT OPTION to PUBLIC", "grant public.t: SELECT to bob | "));
}

TEST_F(TwoStructures, tell_a_role_that_only_one_has_once) {
  source_.roles.insert("carol");
  at_source().owner = "carol";
  at_source().grants.of_roles["carol"]["SELECT"] = false;
  source_.things[column_].grants.of_roles["carol"]["SELECT"] = false;
  target_.roles.insert("dave");
  target_.things[column_].grants.of_roles["dave"]["SELECT"] = false;
  EXPECT_THAT(told(source_, target_), ElementsAre("role carol: exists | ", "role dave:  | exists"));
}

TEST_F(TwoStructures, tell_an_invalid_index_of_the_target_alone) {
  const Key key{"public.i", "index"};
  source_.things[key] = {"index", "index", {"CREATE INDEX i"}, table_};
  target_.things[key] = source_.things[key];
  target_.things[key].invalid = true;
  EXPECT_THAT(told(source_, target_), ElementsAre("index public.i: CREATE INDEX i | INVALID CREATE INDEX i"));
  source_.things[key].invalid = true;
  EXPECT_THAT(told(source_, target_), IsEmpty());
  target_.things.erase(key);
  EXPECT_THAT(told(source_, target_), IsEmpty());
}

}  // namespace
}  // namespace tributary::postgres::structure

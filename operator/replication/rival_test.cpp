#include "operator/replication/rival.h"

#include <gtest/gtest.h>

#include <functional>

#include "operator/replication/testing/scene.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using v1alpha1::Mode;
using v1alpha1::Replication;
using v1alpha1::RunResult;
using v1alpha1::State;

Replication older() {
  Replication object = scene().object;
  object.name = "older";
  object.uid = "older";
  object.created = noon - Seconds(60);
  return object;
}

Replication newer() {
  Replication object = scene().object;
  object.created = noon;
  return object;
}

TEST(Rival, the_older_of_two_that_write_the_same_goes_first) {
  EXPECT_EQ(rival_of(newer(), {newer(), older()}), "older");
  EXPECT_EQ(rival_of(older(), {newer(), older()}), "");
}

TEST(Rival, who_has_begun_goes_before_who_has_not_whatever_their_age) {
  Replication begun = newer();
  begun.name = "begun";
  begun.uid = "begun";
  begun.status.snapshot.emplace();
  EXPECT_EQ(rival_of(older(), {begun}), "begun");
  EXPECT_EQ(rival_of(begun, {older()}), "");
}

TEST(Rival, a_target_is_contested_whoever_goes_first) {
  EXPECT_TRUE(contested(newer(), {newer(), older()}));
  EXPECT_TRUE(contested(older(), {newer(), older()}));
  EXPECT_FALSE(contested(older(), {older()}));
  Replication elsewhere = newer();
  elsewhere.spec.target.secret = "elsewhere";
  EXPECT_FALSE(contested(older(), {elsewhere}));
}

struct Case {
  const char* sentence;
  bool conflict;
  std::function<void(Replication& older, Replication& newer)> change;
};

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    Replication first = older();
    Replication second = newer();
    one.change(first, second);
    EXPECT_EQ(rival_of(second, {first}) == "older", one.conflict) << one.sentence;
  }
}

TEST(Rival, the_same_target_is_one_that_both_name_in_the_same_way) {
  using R = Replication&;
  check({{"another secret", false, [](R, R b) { b.spec.target.secret = "x"; }},
         {"another host", false, [](R, R b) { b.spec.target.host = "x"; }},
         {"another port", false, [](R, R b) { b.spec.target.port = 9; }},
         {"another database of it", false, [](R, R b) { b.spec.target.database = "x"; }},
         {"another source", true, [](R, R b) { b.spec.source.secret = "x"; }},
         {"two secrets with one host, whose databases are not known", false,
          [](R a, R b) {
            a.spec.target.host = b.spec.target.host = "db";
            b.spec.target.secret = "x";
          }},
         {"two secrets with one host and database", true, [](R a, R b) {
            a.spec.target.host = b.spec.target.host = "db";
            a.spec.target.database = b.spec.target.database = "shop";
            b.spec.target.secret = "x";
          }}});
}

TEST(Rival, only_tables_that_both_select_are_in_the_way) {
  using R = Replication&;
  check({{"databases apart", false,
          [](R a, R b) {
            a.spec.databases.include = {"shop"};
            b.spec.databases.include = {"billing"};
          }},
         {"one database in both", true,
          [](R a, R b) {
            a.spec.databases.include = {"shop", "crm"};
            b.spec.databases.include = {"sh*p"};
          }},
         {"one database named, the other the target's own", true,
          [](R a, R b) {
            a.spec.databases.include = {"shop"};
            b.spec.target.database = a.spec.target.database = "shop";
          }},
         {"one database named, the other's is only in its secret", false,
          [](R a, R) { a.spec.databases.include = {"shop"}; }},
         {"all databases but some in both", true,
          [](R a, R b) {
            a.spec.databases.exclude = {"x"};
            b.spec.databases.exclude = {"y"};
          }},
         {"one takes all but what the other takes", false,
          [](R a, R b) {
            a.spec.databases.exclude = {"sh*"};
            b.spec.databases.include = {"shop"};
          }},
         {"one takes all but another", true,
          [](R a, R b) {
            a.spec.databases.exclude = {"x"};
            b.spec.databases.include = {"shop"};
          }},
         {"one takes all, the other's is only in its secret", false, [](R a, R) { a.spec.databases.exclude = {"x"}; }},
         {"one table in both, spelled with its schema and without", true,
          [](R a, R b) {
            a.spec.tables.include = {"shop.orders"};
            b.spec.tables.include = {"shop.public.orders"};
          }},
         {"a dot in a name makes no schema", false,
          [](R a, R b) {
            a.spec.tables.include = {"shop.\"public.orders\""};
            b.spec.tables.include = {"shop.public.orders"};
          }},
         {"tables apart", false,
          [](R a, R b) {
            a.spec.tables.include = {"shop.public.a"};
            b.spec.tables.include = {"shop.public.b"};
          }},
         {"one table in both", true,
          [](R a, R b) {
            a.spec.tables.include = {"shop.public.*"};
            b.spec.tables.include = {"shop.public.b"};
          }},
         {"what one takes the other leaves out", false, [](R a, R b) {
            a.spec.tables.exclude = {"shop.public.b*"};
            b.spec.tables.include = {"shop.public.b1", "shop.public.b2"};
          }}});
}

TEST(Rival, who_will_not_write_is_in_nobodys_way) {
  using R = Replication&;
  check({{"it only validates", false, [](R a, R) { a.spec.mode = Mode::validate; }},
         {"its spec has a flaw", false,
          [](R a, R) {
            a.flaw = Error{Fault::invalid, "odd"};
          }},
         {"it never began and is paused", false, [](R a, R) { a.spec.state = State::paused; }},
         {"its snapshot is complete", false, [](R a, R) { a.status.snapshot.emplace().result = RunResult::succeeded; }},
         {"its stream goes on after the snapshot", true,
          [](R a, R) {
            a.spec.mode = Mode::snapshot_and_sync;
            a.status.snapshot.emplace().result = RunResult::succeeded;
          }},
         {"its stream was released", false, [](R a, R) {
            a.spec.mode = Mode::snapshot_and_sync;
            a.status.snapshot.emplace().result = RunResult::succeeded;
            a.status.release.emplace().result = RunResult::succeeded;
          }}});
}

}  // namespace
}  // namespace tributary::replication

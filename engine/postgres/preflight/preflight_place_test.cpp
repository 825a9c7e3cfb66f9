#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/testing/preflight_example.h"

// Of preflight_place.cpp: what stands in the way on the target.
namespace tributary::postgres {
namespace {

using api::Severity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::function<void(Facts&)> appending(const std::function<void(TargetDatabase&)>& change) {
  return [change](Facts& f) {
    f.options.on_target_not_empty = api::OnTargetNotEmpty::append;
    change(pair(f).target);
  };
}

std::function<void(Facts&)> dropping(const std::function<void(TargetDatabase&)>& change) {
  return [change](Facts& f) {
    f.options.on_target_not_empty = api::OnTargetNotEmpty::drop;
    change(pair(f).target);
  };
}

ReplicationRow complete(const Facts& facts) {
  ReplicationRow row;
  row.source = {facts.source.server.system_identifier, "app"};
  row.complete = true;
  row.completed = "2026-11-21T18:00:00Z";
  return row;
}

const std::vector<Case> cases = {
    {"name_taken", appending([](TargetDatabase& t) { t.names_taken = {"view public.orders"}; }), "NameTaken"},
    {"table_differs", appending([](TargetDatabase& t) { t.misfits = {"public.orders has no column b"}; }),
     "TargetTableDiffers"},
    {"triggers_fire", appending([](TargetDatabase& t) { t.firing = {"trigger audit of public.orders would fire"}; }),
     "TargetTriggersFire"},
    {"table_denied", appending([](TargetDatabase& t) { t.rights.denied = {"public.orders: no INSERT"}; }),
     "TargetTableDenied"},
    {"table_taken", appending([](TargetDatabase& t) { t.taken = {"public.orders of replication x"}; }),
     "TableOfAnotherReplication"},
    {"large_object_there", appending([](TargetDatabase& t) { t.large_objects = {"4711"}; }), "LargeObjectExists"},
    {"complete", [](Facts& f) { pair(f).target.former = complete(f); }, "AlreadyComplete"},
    {"complete_and_appended_to", appending([](TargetDatabase& t) { t.former = complete(good()); }), "AlreadyComplete"},
    {"complete_as_declared",
     [](Facts& f) {
       f.replication = "uid";
       pair(f).target.former = complete(f);
     },
     "AlreadyComplete", Severity::warning},
    {"another_source",
     [](Facts& f) {
       f.replication = "uid";
       pair(f).target.former = complete(f);
       pair(f).target.former->complete = false;
       pair(f).target.former->source.database = "another";
     },
     "ReplicationOfAnotherSource"},
    {"a_stranger_where_ours_should_be",
     [](Facts& f) {
       f.options.request_id = "again";
       f.replication = "uid";
       pair(f).target.former = complete(f);
       pair(f).target.unrecorded = pair(f).target.existing = {{"public", "orders"}};
     },
     "TargetNotEmpty"},
    {"dropped", dropping([](TargetDatabase& t) { t.objects = {"table public.x"}; }), "TargetWillBeDropped",
     Severity::warning},
    {"dropped_tables",
     [](Facts& f) {
       f.options.on_target_not_empty = api::OnTargetNotEmpty::drop;
       pair(f).whole = false;
       pair(f).target.existing = {{"public", "orders"}};
     },
     "TargetWillBeDropped", Severity::warning},
};

class PlaceCheck : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Cases, PlaceCheck, ::testing::ValuesIn(cases), [](const auto& one) { return one.param.name; });

TEST_P(PlaceCheck, finds_its_subject_and_nothing_else) {
  expect_only(GetParam());
}

TEST(Place, what_is_ours_in_the_target_is_left_to_the_ledger) {
  Facts facts = good();
  pair(facts).target.former = complete(facts);
  pair(facts).target.former->complete = false;
  pair(facts).target.objects = {"table public.orders"};
  pair(facts).target.existing = {{"public", "orders"}};
  EXPECT_THAT(codes(facts, Severity::error), IsEmpty());
}

TEST(Place, what_a_drop_takes_is_told_with_its_server_also_where_the_ledger_knows_the_replication) {
  Facts facts = good();
  facts.target.address = "db.example:5432";
  pair(facts).target.former = complete(facts);
  pair(facts).target.tables = 12;
  pair(facts).target.facts.bytes = 3'400'000'000;
  pair(facts).target.objects = {"table public.orders", "table public.precious"};
  facts.options.on_target_not_empty = api::OnTargetNotEmpty::drop;
  EXPECT_THAT(codes(facts, Severity::error), IsEmpty());
  EXPECT_THAT(text(facts, "TargetWillBeDropped"),
              HasSubstr("target database app: everything in it on db.example:5432 will be dropped: 12 tables, 3.4 GB "
                        "(table public.orders, table public.precious)"));
}

TEST(Place, a_database_that_cannot_be_dropped_is_named_with_what_keeps_it) {
  Facts facts = good();
  facts.options.on_target_not_empty = api::OnTargetNotEmpty::drop;
  TargetDatabase& target = pair(facts).target;
  target.objects = {"table public.x"};
  target.others = {{"other", {"9", "shop"}, true, ""}};
  target.sessions = {"process 7 of app (psql)"};
  target.drop_obstacles = {"subscription s"};
  EXPECT_THAT(codes(facts, Severity::error), ElementsAre("OtherReplications", "DropDatabaseBlocked", "TargetInUse"));
  target.objects.clear();
  EXPECT_THAT(codes(facts, Severity::error), IsEmpty()) << "an empty one is not dropped";
}

TEST(Place, tables_that_others_depend_on_cannot_be_dropped) {
  Facts facts = good();
  facts.options.on_target_not_empty = api::OnTargetNotEmpty::drop;
  pair(facts).whole = false;
  pair(facts).target.existing = {{"public", "orders"}};
  pair(facts).target.dependants = {"view public.report"};
  EXPECT_THAT(codes(facts, Severity::error), ElementsAre("DependentObjects"));
}

TEST(Place, another_selection_of_the_same_database_is_told_from_strangers) {
  Facts facts = good();
  pair(facts).target.objects = {"table public.orders"};
  pair(facts).target.others = {{"1/app/f00", {"1", "app"}, true, "2026-11-20T08:00:00Z"}};
  EXPECT_THAT(text(facts, "TargetNotEmpty"),
              HasSubstr("another selection of database app was copied into it at 2026-11-20T08:00:00Z"));
}

TEST(Place, a_database_that_another_replication_has_begun_to_fill_is_not_empty) {
  Facts facts = good();
  pair(facts).target.others = {{"uid", {"9", "shop"}, false, ""}};
  EXPECT_THAT(text(facts, "TargetNotEmpty"), HasSubstr("it is not empty: the unfinished copy of replication uid"));
  pair(facts).target.others.front().complete = true;
  EXPECT_THAT(codes(facts, Severity::error), IsEmpty());
}

TEST(Place, a_completed_replication_says_what_it_does_not_hold) {
  Facts facts = good();
  facts.replication = "uid";
  pair(facts).target.former = complete(facts);
  pair(facts).target.unrecorded = {{"public", "items"}};
  EXPECT_THAT(text(facts, "AlreadyComplete"), HasSubstr("does not hold 1 table selected now (public.items)"));
  EXPECT_THAT(text(facts, "AlreadyComplete"), HasSubstr("requestID"));
}

}  // namespace
}  // namespace tributary::postgres

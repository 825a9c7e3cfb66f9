#include "engine/postgres/sync/table_standing.h"

#include <gmock/gmock.h>

#include "engine/postgres/ledger/shape_ledger.h"

namespace tributary::postgres::sync {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = FollowedTable::State;

FollowedTable table(const char* name, State state, const char* reason = "") {
  return {{"public", name}, state, model::Lsn{1}, reason};
}

pipeline::AskedTable asked(const char* name, std::uint32_t id = 0) {
  return {{"public", name}, id};
}

std::vector<std::string> listed(const api::TablesAside& aside) {
  std::vector<std::string> lines;
  for (const api::TableStatus& each : aside.tables) lines.push_back(each.name + " " + each.state + " " + each.reason);
  return lines;
}

TEST(TableStanding, tells_of_stopped_tables_first_and_then_of_those_that_are_on_their_way_back) {
  const pipeline::TableStanding standing =
      standing_of({table("a", State::not_streamed, "no identity"), table("b", State::recopy, "asked for"),
                   table("c", State::stopped, "a row was\nnot there")},
                  {});
  EXPECT_EQ(standing.aside.stopped, 1U);
  EXPECT_EQ(standing.aside.recopy, 1U);
  EXPECT_EQ(standing.aside.not_streamed, 1U);
  EXPECT_THAT(listed(standing.aside), ElementsAre("public.c stopped a row was not there", "public.b recopy asked for",
                                                  "public.a not_streamed no identity"));
  EXPECT_FALSE(standing.request);
}

TEST(TableStanding, a_table_that_is_only_refreshed_was_never_followed) {
  const pipeline::TableStanding standing = standing_of({table("a", State::recopy, due_for_refresh)}, {});
  EXPECT_EQ(standing.aside.recopy, 0U);
  EXPECT_EQ(standing.aside.not_streamed, 1U);
}

TEST(TableStanding, nothing_is_missing_in_a_table_that_the_source_has_dropped) {
  const std::vector<FollowedTable> tables = {
      table("a", State::stopped, "the source has dropped it; run DROP TABLE there"), table("b", State::stopped)};
  const api::TablesAside told = standing_of(tables, {}).aside;
  EXPECT_EQ(told.stopped, 1U);
  EXPECT_THAT(listed(told),
              ElementsAre("public.b stopped ", "public.a dropped the source has dropped it; run DROP TABLE there"));
  EXPECT_THAT(request_named_by({"again", {"shop.*"}}, "shop", tables, {}).tables, ElementsAre(asked("b")));
  EXPECT_THAT(request_named_by({"again", {"shop.a"}}, "shop", tables, {}).tables, ElementsAre(asked("a")));
}

TEST(TableStanding, counts_all_and_names_fifty_with_a_reason_of_bounded_length) {
  std::vector<FollowedTable> tables(70, table("t", State::stopped));
  tables[0].reason = std::string(5000, 'x');
  const api::TablesAside aside = standing_of(tables, {}).aside;
  EXPECT_EQ(aside.stopped, 70U);
  EXPECT_EQ(aside.tables.size(), 50U);
  EXPECT_EQ(aside.tables[0].reason.size(), 1000U);
}

TEST(TableStanding, a_request_names_each_table_once_and_keeps_what_names_none) {
  const std::vector<FollowedTable> tables = {table("a", State::followed), table("b", State::stopped)};
  const NamedRequest request =
      request_named_by({"again", {"shop.public.b", "shop.*", "shop.typo", "billing.public.a", "shop", "shop.public.a"}},
                       "shop", tables, {});
  EXPECT_EQ(request.id, "again");
  EXPECT_THAT(request.tables, ElementsAre(asked("b"), asked("a")));
  EXPECT_THAT(request.unknown, ElementsAre("shop.typo", "billing.public.a", "shop"));
  EXPECT_THAT(misspelt(request, "shop"), ElementsAre("shop.typo"));
}

TEST(TableStanding, a_request_is_waited_for_until_none_of_its_tables_is_to_be_copied_again) {
  const NamedRequest request{"again", {asked("a"), asked("b"), asked("c")}, {"shop.typo"}};
  const pipeline::TableStanding standing = standing_of(
      {table("a", State::recopy), table("b", State::stopped, "no such column"), table("z", State::recopy)}, request);
  ASSERT_TRUE(standing.request);
  EXPECT_EQ(standing.request->request_id, "again");
  EXPECT_EQ(standing.request->tables, 3U);
  EXPECT_EQ(standing.request->waiting, 1U);
  EXPECT_EQ(standing.request->stopped, 1U);
  EXPECT_THAT(standing.request->reasons, ElementsAre("public.b: no such column"));
  EXPECT_THAT(standing.request->unknown, ElementsAre("shop.typo"));
  const pipeline::TableStanding done = standing_of({}, request);
  EXPECT_EQ(done.request->waiting, 0U);
  EXPECT_THAT(done.request->reasons, IsEmpty());
}

TEST(TableStanding, a_request_for_a_partitioned_table_means_its_partitions) {
  std::vector<FollowedTable> tables = {table("p1", State::followed), table("p2", State::followed),
                                       table("q", State::followed)};
  for (std::uint32_t at = 0; at < 3; ++at) tables[at].id = at + 1;
  const TablesAbove above{{1, {{"public", "p"}}}, {2, {{"public", "p_low"}, {"public", "p"}}}};
  const NamedRequest request = request_named_by({"again", {"shop.public.p"}}, "shop", tables, above);
  EXPECT_THAT(request.tables, ElementsAre(asked("p1", 1), asked("p2", 2)));
  EXPECT_THAT(request.unknown, IsEmpty());
}

TEST(TableStanding, a_request_goes_on_for_a_table_that_gets_another_name) {
  const NamedRequest request{"again", {asked("a", 1), asked("b", 2)}};
  std::vector<FollowedTable> tables = {table("b", State::recopy), table("c", State::recopy)};
  tables[0].id = 3;
  tables[1].id = 1;
  EXPECT_EQ(standing_of(tables, request).request->waiting, 1U) << "what is called b now was never asked for";
}

}  // namespace
}  // namespace tributary::postgres::sync

#include "operator/replication/table_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/replication/status.h"
#include "operator/replication/testing/decisions.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using v1alpha1::RunResult;
using v1alpha1::State;
using v1alpha1::TableState;
using v1alpha1::TableStatus;
using v1alpha1::Truth;

// Each table of the engine's only database as its state.
void aside(Observed& seen, const std::vector<api::TableStatus>& tables, std::uint64_t recopy_seconds = 0) {
  api::TablesAside told{.recopy_seconds = recopy_seconds, .tables = tables};
  for (const api::TableStatus& table : tables) {
    told.stopped += table.state == "stopped" ? 1U : 0U;
    told.recopy += table.state == "recopy" ? 1U : 0U;
    told.not_streamed += table.state == "not_streamed" ? 1U : 0U;
  }
  seen.voice->progress->databases.at(0).stream->aside = told;
}

const api::TableStatus orders{"public.orders", "stopped", "an UPDATE found no row"};
const api::TableStatus keyless{"public.log", "not_streamed", "it has no primary key"};

Observed with_tables(const std::vector<api::TableStatus>& tables, std::uint64_t recopy_seconds = 0) {
  Observed seen = followed();
  seen.now += Seconds(15);
  aside(seen, tables, recopy_seconds);
  return seen;
}

std::vector<std::string> reasons_of(const std::vector<kube::EventNote>& notes) {
  std::vector<std::string> reasons;
  for (const kube::EventNote& note : notes) reasons.push_back(note.reason);
  return reasons;
}

std::vector<kube::EventNote> told(const Observed& seen, const Decision& decision) {
  return news(seen.object.status, decision.status);
}

// --- tables that do not follow

TEST(TablesOfAStream, one_that_stopped_is_told_of_loudly) {
  const Observed seen = with_tables({orders});
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "TablesStopped");
  EXPECT_EQ(truth(decision, "Ready"), Truth::no);
  EXPECT_EQ(truth(decision, "Synced"), Truth::no);
  EXPECT_TRUE(stalled(decision));
  EXPECT_THAT(message(decision), AllOf(HasSubstr("1 table does not follow"), HasSubstr("shop.public.orders"),
                                       HasSubstr("an UPDATE found no row"), HasSubstr("spec.recopy")));
  EXPECT_THAT(decision.status.not_streamed,
              ElementsAre(TableStatus{"shop.public.orders", TableState::stopped, "an UPDATE found no row"}));
  EXPECT_EQ(decision.status.sync->tables_stopped, 1U);
  EXPECT_EQ(decision.status.sync->lag, "0s") << "the others go on";
  EXPECT_THAT(names(decision), IsEmpty());
  const std::vector<kube::EventNote> notes = told(seen, decision);
  ASSERT_THAT(reasons_of(notes), ElementsAre("TablesStopped"));
  EXPECT_EQ(notes[0].kind, kube::EventKind::warning);
}

TEST(TablesOfAStream, a_further_one_is_told_of_as_well_and_the_same_ones_are_not) {
  Observed seen = with_tables({orders});
  seen = after(seen, look(seen));
  EXPECT_EQ(look(seen).status, seen.object.status);
  aside(seen, {orders, {"public.items", "stopped", "a DELETE found two rows"}});
  const Decision decision = look(seen);
  EXPECT_THAT(message(decision), AllOf(HasSubstr("2 tables do not follow"), HasSubstr("shop.public.items")));
  EXPECT_THAT(reasons_of(told(seen, decision)), ElementsAre("TablesStopped"));
  seen = after(seen, decision);
  aside(seen, {});
  const Decision mended = look(seen);
  EXPECT_EQ(reason(mended), "Following");
  EXPECT_FALSE(stalled(mended));
  EXPECT_THAT(mended.status.not_streamed, IsEmpty());
}

TEST(TablesOfAStream, late_ones_do_not_hide_those_that_stopped) {
  Observed seen = with_tables({orders});
  seen.voice->progress->databases[0].stream->lag_seconds = 500;
  seen = after(seen, look(seen));
  EXPECT_EQ(seen.object.status.sync->lag, "8m20s");
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "TablesStopped");
  EXPECT_EQ(decision.status, seen.object.status) << "nothing has changed";
}

TEST(TablesOfAStream, an_engine_that_is_silent_for_a_moment_changes_nothing_about_them) {
  Observed seen = with_tables({orders});
  seen = after(seen, look(seen));
  seen.voice = Voice{.silent_since = seen.now};
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "TablesStopped");
  EXPECT_TRUE(stalled(decision));
  EXPECT_EQ(decision.status.not_streamed.size(), 1U);
}

TEST(TablesOfAStream, an_engine_that_has_not_read_the_ledger_proves_nothing) {
  Observed seen = with_tables({orders});
  seen = after(seen, look(seen));
  seen.voice->progress->databases[0].stream->aside.reset();
  EXPECT_EQ(reason(look(seen)), "TablesStopped");
  seen.voice->progress->databases[0].stream->state = api::StreamState::connecting;
  const Decision connecting = look(seen);
  EXPECT_EQ(reason(connecting), "Connecting");
  EXPECT_EQ(connecting.status.not_streamed.size(), 1U);
}

TEST(TablesOfAStream, ones_that_cannot_be_streamed_are_named_and_break_no_promise) {
  const Decision decision = look(with_tables({keyless}));
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_THAT(message(decision), HasSubstr("; 1 table cannot be streamed, which status.notStreamed names"));
  EXPECT_THAT(decision.status.not_streamed,
              ElementsAre(TableStatus{"shop.public.log", TableState::not_streamed, "it has no primary key"}));
  EXPECT_EQ(decision.status.sync->tables_not_streamed, 1U);
}

TEST(TablesOfAStream, ones_that_the_source_has_dropped_are_named_last_and_break_no_promise) {
  const Decision decision = look(with_tables({{"public.old", "dropped", "the source has dropped it"}, keyless}));
  EXPECT_EQ(reason(decision), "Following");
  ASSERT_EQ(decision.status.not_streamed.size(), 2U);
  EXPECT_EQ(decision.status.not_streamed[1].state, TableState::dropped);
}

TEST(TablesOfAStream, ones_that_are_copied_again_keep_the_promise_for_as_long_as_the_lag_allows) {
  const api::TableStatus changed{"public.orders", "recopy", "the source has changed it"};
  EXPECT_EQ(reason(look(with_tables({changed}, 60))), "Following");
  const Decision decision = look(with_tables({changed}, 61));
  EXPECT_EQ(reason(decision), "Recopying");
  EXPECT_EQ(truth(decision, "Ready"), Truth::no);
  EXPECT_FALSE(stalled(decision));
  EXPECT_EQ(decision.status.sync->tables_recopied, 1U);
  EXPECT_EQ(decision.status.sync->lag, "0s");
  Observed any = with_tables({changed}, 61);
  any.object.spec.sync.max_lag = Seconds(0);
  EXPECT_EQ(reason(look(any)), "Following");
}

TEST(TablesOfAStream, all_are_counted_and_some_listed_those_that_stopped_first) {
  Observed seen = followed();
  aside(seen, std::vector<api::TableStatus>(40, {"public.log", "not_streamed", "it has no primary key"}));
  api::DatabaseProgress billing = seen.voice->progress->databases[0];
  billing.name = "billing";
  billing.stream->aside = api::TablesAside{.stopped = 1, .tables = {orders}};
  seen.voice->progress->databases.push_back(billing);
  const Decision decision = look(seen);
  ASSERT_EQ(decision.status.not_streamed.size(), v1alpha1::most_not_streamed);
  EXPECT_EQ(decision.status.not_streamed[0].table, "billing.public.orders");
  EXPECT_EQ(decision.status.sync->tables_not_streamed, 40U);
  EXPECT_EQ(decision.status.sync->tables_stopped, 1U);
}

TEST(TablesOfAStream, have_no_more_room_in_a_status_than_a_status_has) {
  const std::string name = "public." + std::string(300, 'x');
  const Decision decision =
      look(with_tables(std::vector<api::TableStatus>(40, {name, "stopped", std::string(900, 'y')})));
  EXPECT_EQ(decision.status.not_streamed.size(), 4U);
  EXPECT_EQ(decision.status.sync->tables_stopped, 40U);
  EXPECT_THAT(message(decision), AllOf(HasSubstr(" and 39 more"), HasSubstr("status.notStreamed has each reason")));
  EXPECT_LE(to_json(decision.status).dump().size(), 8192U);
}

TEST(TablesOfAStream, are_named_so_that_a_recopy_takes_the_names) {
  Observed seen = with_tables({orders});
  seen.voice->progress->databases[0].name = "shop-eu";
  EXPECT_EQ(look(seen).status.not_streamed.at(0).table, "shop-eu.public.orders");
  seen.voice->progress->databases[0].name = "v1.\"shop\"";
  EXPECT_EQ(look(seen).status.not_streamed.at(0).table, R"("v1.""shop""".public.orders)");
}

TEST(TablesOfAStream, another_snapshot_forgets_them) {
  Observed seen = with_tables({orders});
  seen = after(seen, look(seen));
  seen.object.spec.snapshot.request_id = "again";
  seen.object.generation = 2;
  for (int turns = 0; turns < 3 && !seen.object.status.not_streamed.empty(); ++turns) {
    seen.pods.clear();
    seen.voice.reset();
    seen = after(seen, look(seen));
  }
  EXPECT_THAT(seen.object.status.not_streamed, IsEmpty());
}

// --- spec.recopy

// Asked for, and its pod replaced.
Observed asked(const char* request = "first") {
  Observed seen = followed();
  seen.object.spec.recopy = {request, {"shop.public.orders", "shop.public.items"}};
  seen.object.generation = 2;
  return seen;
}

Observed answered(Observed seen, std::uint64_t copied, std::uint64_t stopped,
                  const std::vector<std::string>& failures = {}) {
  seen.now += Seconds(15);
  seen.voice = Voice{.progress = following(0)};
  seen.voice->progress->request = api::RecopyRequest{.request_id = seen.object.spec.recopy.request_id,
                                                     .tables = 2,
                                                     .copied = copied,
                                                     .stopped = stopped,
                                                     .failures = failures};
  return seen;
}

TEST(Recopy, a_request_replaces_the_pod_and_is_not_done_before_the_engine_says_so) {
  Observed seen = asked();
  const Decision rolling = look(seen);
  EXPECT_THAT(names(rolling), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  ASSERT_TRUE(rolling.status.recopy);
  EXPECT_EQ(rolling.status.recopy->request_id, "first");
  EXPECT_EQ(rolling.status.recopy->start_time, rfc3339(seen.now));
  EXPECT_EQ(rolling.status.recopy->result, RunResult::none);
  seen = after(seen, rolling);
  const Decision waiting = look(seen);
  EXPECT_EQ(reason(waiting), "Recopying") << "the engine before it knows nothing of it";
  EXPECT_EQ(truth(waiting, "Ready"), Truth::no);
  EXPECT_THAT(names(waiting), IsEmpty());
  seen = answered(after(seen, waiting), 1, 0);
  seen.voice->progress->databases[0].stream->recopy = api::RecopyProgress{2, 1, "public.items", 7, 3'456'789, ""};
  const Decision half = look(seen);
  EXPECT_EQ(reason(half), "Recopying");
  EXPECT_THAT(message(half), HasSubstr("1 of 2 tables copied again; now shop.public.items, 3.4 MB so far"));
  EXPECT_EQ(half.status.recopy->tables, 2U);
  EXPECT_EQ(half.status.recopy->tables_copied, 1U);
  seen.voice->progress->databases[0].stream->recopy->error = "the source is away";
  EXPECT_THAT(look(seen).status.recopy->message, HasSubstr("retrying: the source is away"));
}

TEST(Recopy, a_request_that_is_done_says_so_once_and_stays_so) {
  Observed seen = asked();
  seen = after(seen, look(seen));
  seen = answered(seen, 2, 0);
  const Decision done = look(seen);
  EXPECT_EQ(reason(done), "Following");
  EXPECT_EQ(truth(done, "Ready"), Truth::yes);
  EXPECT_EQ(done.status.recopy->result, RunResult::succeeded);
  EXPECT_EQ(done.status.recopy->completion_time, rfc3339(seen.now));
  EXPECT_EQ(done.status.recopy->message, "2 of 2 tables copied again");
  EXPECT_THAT(reasons_of(told(seen, done)), ::testing::Contains("Recopied"));
  seen = answered(after(seen, done), 1, 1, {"shop.public.orders: an UPDATE found no row"});
  aside(seen, {orders});
  const Decision later = look(seen);
  EXPECT_EQ(later.status.recopy, done.status.recopy) << "it stopped afterwards";
  EXPECT_EQ(reason(later), "TablesStopped");
  EXPECT_THAT(reasons_of(told(seen, later)), ElementsAre("TablesStopped"));
  seen = after(seen, later);
  seen.object.spec.recopy.request_id = "second";
  const Decision again = look(seen);
  EXPECT_THAT(names(again), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
  EXPECT_EQ(again.status.recopy->request_id, "second");
  EXPECT_EQ(again.status.recopy->result, RunResult::none);
  EXPECT_EQ(again.status.recopy->tables_copied, 0U);
}

TEST(Recopy, taking_the_request_away_replaces_no_pod_and_asking_again_does) {
  Observed seen = asked();
  seen = after(seen, look(seen));
  seen = answered(seen, 2, 0);
  seen = after(seen, look(seen));
  const v1alpha1::RecopySpec request = seen.object.spec.recopy;
  seen.object.spec.recopy = {};
  seen.object.generation = 3;
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes);
  seen = after(seen, look(seen));
  seen.object.spec.recopy = request;
  EXPECT_THAT(names(look(seen)), IsEmpty()) << "its engine knows of that one";
  seen.object.spec.recopy.request_id = "second";
  EXPECT_THAT(names(look(seen)), ElementsAre("ApplyConfigMap", "ApplyDeployment"));
}

TEST(Recopy, a_request_fails_with_what_was_not_copied) {
  Observed seen = asked();
  seen = after(seen, look(seen));
  seen = answered(seen, 2, 0, {"'shop.public.typo' is no table of this replication"});
  const Decision decision = look(seen);
  EXPECT_EQ(decision.status.recopy->result, RunResult::failed);
  EXPECT_THAT(decision.status.recopy->message, HasSubstr("shop.public.typo"));
  const std::vector<kube::EventNote> notes = told(seen, decision);
  ASSERT_THAT(reasons_of(notes), ::testing::Contains("RecopyFailed"));
  EXPECT_EQ(notes.back().kind, kube::EventKind::warning);
  EXPECT_THAT(notes.back().note, HasSubstr("request first"));
  EXPECT_EQ(reason(decision), "Following") << "nothing that follows is amiss";
}

TEST(Recopy, the_answer_to_another_request_is_none) {
  Observed seen = asked();
  seen = after(seen, look(seen));
  seen = answered(seen, 2, 0);
  seen.voice->progress->request->request_id = "zeroth";
  EXPECT_EQ(look(seen).status.recopy->result, RunResult::none);
}

TEST(Recopy, one_that_is_withdrawn_before_it_is_done_is_not_waited_for) {
  Observed seen = asked();
  seen = after(seen, look(seen));
  seen.object.spec.recopy = {};
  EXPECT_FALSE(look(seen).status.recopy);
  seen = answered(asked(), 2, 0);
  seen = after(seen, look(seen));
  seen = answered(seen, 2, 0);
  seen = after(seen, look(seen));
  seen.object.spec.recopy = {};
  EXPECT_TRUE(look(seen).status.recopy) << "it is a record of what was done";
}

TEST(Recopy, a_pause_comes_first) {
  Observed seen = asked();
  seen.object.spec.state = State::paused;
  seen = after(seen, look(seen));
  seen.voice = Voice{.progress = holding()};
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "Paused");
  EXPECT_EQ(decision.status.recopy->result, RunResult::none);
}

TEST(Recopy, a_mode_without_a_stream_refuses_it) {
  Observed seen = scene();
  seen.object.spec.recopy = {"first", {"shop.public.orders"}};
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "InvalidSpec");
  EXPECT_THAT(message(decision), HasSubstr("spec.recopy is for a stream"));
  EXPECT_THAT(names(decision), IsEmpty());
}

}  // namespace
}  // namespace tributary::replication

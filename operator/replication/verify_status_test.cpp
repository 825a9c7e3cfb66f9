#include "operator/replication/verify_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/conditions.h"
#include "operator/replication/status.h"
#include "operator/replication/testing/comparisons.h"

namespace tributary::replication {
namespace {

using namespace testing;  // NOLINT: the scene
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1alpha1::Mismatch;
using v1alpha1::MismatchKind;
using v1alpha1::Mode;
using v1alpha1::OnMismatch;
using v1alpha1::Truth;
using v1alpha1::VerifyState;
using v1alpha1::VerifyStatus;

Observed with_result(Mode mode, const api::Verification& verification) {
  const int code = verification.result == api::Comparison::equal       ? 0
                   : verification.result == api::Comparison::different ? 3
                                                                       : 1;
  return compared(comparing(mode, running()), code, found(verification));
}

// Another request, whose engine finds this.
Observed again(Observed seen, const api::Verification& verification) {
  seen.object.spec.verify.request_id += "+";
  seen = after(seen, look(seen));
  const int code = verification.result == api::Comparison::equal       ? 0
                   : verification.result == api::Comparison::different ? 3
                                                                       : 1;
  return compared(seen, code, found(verification));
}

api::TableVerification table(const char* name, api::Comparison result) {
  api::TableVerification table;
  table.database = "shop";
  table.name = name;
  table.result = result;
  return table;
}

std::vector<std::string> told(const Observed& before, const Observed& after) {
  std::vector<std::string> reasons;
  for (const kube::EventNote& note : news(before.object.status, after.object.status)) {
    reasons.push_back((note.kind == kube::EventKind::warning ? "! " : "") + note.reason);
  }
  return reasons;
}

// --- what was found

TEST(VerifyStatus, equal_ends_are_verified) {
  const Observed seen = with_result(Mode::snapshot_and_sync, equal());
  const VerifyStatus& verify = *seen.object.status.verify;
  EXPECT_EQ(verify.state, VerifyState::equal);
  EXPECT_EQ(verify.result, VerifyState::equal);
  EXPECT_EQ(verify.position, "0/5000");
  EXPECT_EQ(verify.tables_checked, 4U);
  EXPECT_EQ(verify.rows, 1'234'567U);
  EXPECT_EQ(verify.time, rfc3339(noon));
  EXPECT_THAT(verify.mismatches, IsEmpty());
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Verified"), Truth::yes);
  EXPECT_EQ(reason(decision, "Verified"), "Verified");
  EXPECT_EQ(message(decision, "Verified"), "both ends were compared");
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
}

TEST(VerifyStatus, a_mismatch_is_listed_and_makes_ready_false) {
  for (const Mode mode : {Mode::snapshot, Mode::snapshot_and_sync}) {
    const Observed seen = with_result(mode, different());
    const VerifyStatus& verify = *seen.object.status.verify;
    EXPECT_EQ(verify.result, VerifyState::mismatch);
    EXPECT_EQ(verify.tables_mismatched, 1U);
    EXPECT_THAT(verify.mismatches, ElementsAre(Mismatch{"shop.public.load", "id=7", MismatchKind::differs, {"n"}},
                                               Mismatch{"shop.public.load", "id=8", MismatchKind::missing, {}}));
    const Decision decision = look(seen);
    for (const char* type : {"Ready", "Verified"}) {
      EXPECT_EQ(truth(decision, type), Truth::no);
      EXPECT_EQ(reason(decision, type), "VerifyMismatch");
      EXPECT_THAT(message(decision, type), HasSubstr("shop.public.load differs in the row id=7 (n)"));
      EXPECT_THAT(message(decision, type), HasSubstr(v1alpha1::streams(mode) ? "spec.recopy" : "since the snapshot"));
    }
    EXPECT_TRUE(stalled(decision)) << "a person has to act";
    EXPECT_EQ(decision.status.phase, v1alpha1::streams(mode) ? v1alpha1::Phase::syncing : v1alpha1::Phase::completed);
  }
}

TEST(VerifyStatus, on_mismatch_report_leaves_ready_as_it_is) {
  Observed seen = with_result(Mode::snapshot_and_sync, different());
  seen.object.spec.verify.on_mismatch = OnMismatch::report;
  Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(reason(decision), "Following");
  EXPECT_FALSE(stalled(decision));
  EXPECT_EQ(truth(decision, "Verified"), Truth::no);
  seen = after(seen, decision);
  seen.object.spec.verify.on_mismatch = OnMismatch::degrade;
  EXPECT_EQ(reason(look(seen)), "VerifyMismatch");
}

TEST(VerifyStatus, each_table_is_listed_with_one_row_before_any_with_its_second) {
  api::Verification verification = different();
  verification.tables.push_back(verification.tables[0]);
  verification.tables[1].name = "public.mark";
  verification.tables.push_back(table("public.wide", api::Comparison::different));
  verification.tables.back().extra = 7;
  verification.tables.push_back(table("public.same", api::Comparison::equal));
  verification.sequences = {{"shop", "sequence", "public.mark_id_seq", "17", "12"}};
  const Observed seen = with_result(Mode::snapshot, verification);
  std::vector<std::string> tables;
  for (const Mismatch& mismatch : seen.object.status.verify->mismatches) tables.push_back(mismatch.table);
  EXPECT_THAT(tables, ElementsAre("shop.public.wide", "shop.public.load", "shop.public.mark", "shop.public.mark_id_seq",
                                  "shop.public.load", "shop.public.mark"));
  EXPECT_EQ(seen.object.status.verify->mismatches[0].kind, MismatchKind::extra);
  EXPECT_EQ(seen.object.status.verify->mismatches[3].kind, MismatchKind::sequence);
}

TEST(VerifyStatus, at_most_twenty_mismatches_and_no_endless_text_fit) {
  api::Verification verification = different();
  verification.tables[0].rows.clear();
  for (int row = 0; row < 50; ++row) {
    verification.tables[0].rows.push_back({.key = "id=" + std::to_string(row), .columns = {std::string(300, 'c')}});
  }
  const Observed seen = with_result(Mode::snapshot, verification);
  EXPECT_LE(seen.object.status.verify->mismatches.size(), 20U);
  EXPECT_EQ(truth(look(seen), "Verified"), Truth::no);
}

TEST(VerifyStatus, differences_without_a_report_are_differences_all_the_same) {
  const Observed seen = compared(comparing(Mode::snapshot, running()), 3, "");
  EXPECT_EQ(seen.object.status.verify->result, VerifyState::mismatch);
  EXPECT_THAT(message(look(seen)), HasSubstr("exit code 3"));
}

TEST(VerifyStatus, nothing_is_equal_without_a_report_that_says_so) {
  Observed seen = compared(comparing(Mode::snapshot, running()), 0, "");
  EXPECT_EQ(seen.object.status.verify->result, VerifyState::incomplete);
  EXPECT_EQ(truth(look(seen), "Verified"), Truth::unknown);
  seen = compared(comparing(Mode::snapshot, running()), 0, found(equal(), "another"));
  EXPECT_EQ(seen.object.status.verify->result, VerifyState::incomplete) << "of another replication";
}

TEST(VerifyStatus, what_was_not_compared_is_neither_equal_nor_different) {
  const Observed seen = with_result(Mode::snapshot, not_compared());
  EXPECT_EQ(seen.object.status.verify->tables_not_compared, 1U);
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Verified"), Truth::unknown);
  EXPECT_EQ(reason(decision, "Verified"), "VerifyIncomplete");
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
}

// --- how long a mismatch stands

TEST(VerifyStatus, a_mismatch_stands_until_both_ends_are_equal) {
  Observed seen = with_result(Mode::snapshot_and_sync, different());
  Observed running_again = seen;
  running_again.object.spec.verify.request_id = "second";
  running_again = after(running_again, look(running_again));
  EXPECT_EQ(reason(look(running_again)), "VerifyMismatch") << "while it is looked at";
  EXPECT_EQ(reason(look(running_again), "Verified"), "Verifying");
  seen = again(seen, not_compared());
  EXPECT_EQ(seen.object.status.verify->state, VerifyState::incomplete);
  EXPECT_EQ(reason(look(seen)), "VerifyMismatch") << "nothing has disproved it";
  EXPECT_THAT(message(look(seen)), AllOf(HasSubstr("id=7"), HasSubstr("incomplete")));
  seen = again(seen, equal());
  const Decision decision = look(seen);
  EXPECT_EQ(truth(decision, "Ready"), Truth::yes);
  EXPECT_EQ(reason(decision), "Following");
  EXPECT_EQ(truth(decision, "Verified"), Truth::yes);
  EXPECT_FALSE(stalled(decision));
  EXPECT_THAT(decision.status.verify->mismatches, IsEmpty());
}

TEST(VerifyStatus, another_snapshot_forgets_what_was_found) {
  Observed seen = with_result(Mode::snapshot, different());
  seen.object.spec.snapshot.request_id = "again";
  seen.pods.clear();
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "Repeating");
  EXPECT_EQ(truth(decision, "Verified"), Truth::unknown);
  EXPECT_EQ(reason(decision, "Verified"), "NeverVerified");
  EXPECT_EQ(decision.status.verify->result, VerifyState::none);
  EXPECT_EQ(decision.status.verify->request_id, "first") << "which was answered";
}

TEST(VerifyStatus, what_is_worse_is_told_instead_and_the_mismatch_again_when_it_is_mended) {
  Observed seen = with_result(Mode::snapshot_and_sync, different());
  const std::string since = v1alpha1::find_condition(seen.object.status, "Ready")->last_transition_time;
  seen.now += std::chrono::minutes(5);
  seen.voice = Voice{.progress = following(1000)};
  seen = after(seen, look(seen));
  EXPECT_EQ(reason(look(seen)), "LagTooHigh");
  EXPECT_FALSE(stalled(look(seen)));
  seen.voice = Voice{.progress = following(0)};
  const Decision decision = look(seen);
  EXPECT_EQ(reason(decision), "VerifyMismatch");
  EXPECT_EQ(v1alpha1::find_condition(decision.status, "Ready")->last_transition_time, since)
      << "Ready was False all the time";
}

TEST(VerifyStatus, a_stream_that_is_not_heard_for_a_moment_changes_nothing) {
  Observed seen = with_result(Mode::snapshot_and_sync, different());
  seen.now += Seconds(10);
  seen.voice = Voice{.silent_since = seen.now};
  EXPECT_EQ(look(seen).status, seen.object.status);
}

// --- failures

TEST(VerifyStatus, after_an_outage_another_attempt_follows_by_itself) {
  Observed seen = comparing(Mode::snapshot, running());
  seen = compared(seen, 1, report(1, "SourceUnreachable", "connection refused"));
  EXPECT_EQ(seen.object.status.verify->outages, 1);
  EXPECT_THAT(message(look(seen), "Verified"), HasSubstr("another attempt is due at"));
  EXPECT_EQ(look(seen).recheck, std::chrono::minutes(1));
  seen.now += std::chrono::minutes(1);
  seen = after(seen, look(seen));
  EXPECT_EQ(seen.verifications.back().outages, 1);
  EXPECT_EQ(seen.verifications.back().attempt, 2);
  seen.now += Seconds(30);
  seen = compared(seen, 0, found(equal()));
  EXPECT_EQ(seen.object.status.verify->outages, 0);
  EXPECT_EQ(seen.object.status.verify->result, VerifyState::equal);
}

TEST(VerifyStatus, what_only_a_person_can_mend_is_not_tried_again) {
  Observed seen = comparing(Mode::snapshot, running());
  seen = compared(seen, 2, report(2, "SourceMisconfigured", "secret for source has no key host"));
  EXPECT_EQ(message(look(seen), "Verified"), "secret shop-source has no key host");
  EXPECT_FALSE(look(seen).recheck);
  seen.now += std::chrono::hours(48);
  EXPECT_THAT(names(look(seen)), IsEmpty());
  EXPECT_EQ(truth(look(seen), "Ready"), Truth::yes);
}

// --- Events

TEST(VerifyStatus, an_event_tells_each_mismatch_and_the_first_time_that_both_ends_are_equal) {
  const Observed before = comparing(Mode::snapshot, running());
  const Observed good = compared(before, 0, found(equal()));
  EXPECT_THAT(told(before, good), ElementsAre("Verified"));
  EXPECT_THAT(told(good, good), IsEmpty());
  const Observed good_again = again(good, equal());
  EXPECT_THAT(told(good, good_again), IsEmpty());
  const Observed bad = again(good_again, different());
  EXPECT_THAT(told(good_again, bad), ElementsAre("! VerifyMismatch"));
  EXPECT_THAT(news(good_again.object.status, bad.object.status).at(0).note,
              HasSubstr("shop.public.load differs in the row id=7"));
  EXPECT_THAT(told(bad, again(bad, different())), ElementsAre("! VerifyMismatch"));
  EXPECT_THAT(told(bad, again(bad, not_compared())), ElementsAre("! VerifyMismatch"));
  EXPECT_THAT(told(bad, again(bad, equal())), ElementsAre("SnapshotComplete", "Verified"));
  EXPECT_THAT(told(good, again(good, not_compared())), ElementsAre("! VerifyIncomplete"));
}

TEST(VerifyStatus, with_report_the_event_is_all_that_ready_is_not) {
  Observed before = comparing(Mode::snapshot, running());
  before.object.spec.verify.on_mismatch = OnMismatch::report;
  EXPECT_THAT(told(before, compared(before, 3, found(different()))), ElementsAre("! VerifyMismatch"));
}

}  // namespace
}  // namespace tributary::replication

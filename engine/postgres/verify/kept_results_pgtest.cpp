#include "engine/postgres/verify/kept_results.h"

#include <gtest/gtest.h>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/postgres/verify/comparison_plan.h"
#include "engine/postgres/verify/verify.h"

namespace tributary::postgres::verify {
namespace {

using api::Comparison;
using testbed::done;
using testbed::StreamPair;

Until soon() {
  return {Deadline::after(Seconds{60}), {}};
}

// A copy of two tables, whose target has a ledger.
struct Copied : StreamPair {
  Copied() : StreamPair("kept", 15, 18) {
    source.exec(
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2), (3);"
        "CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b VALUES (1)");
    EXPECT_TRUE(done(init()));
    target.exec("DELETE FROM _tributary.stream");  // nothing follows
  }
  DatabaseEnds ends() const {
    return {[this] { return parse_conninfo(source.uri()); }, [this] { return parse_conninfo(target.uri()); }};
  }
  std::unique_ptr<KeptResults> open(const std::string& run = "run", bool restart = false) const {
    Result<std::unique_ptr<KeptResults>> kept = KeptResults::open(ends(), run, restart, soon());
    EXPECT_TRUE(kept) << describe(kept.error());
    return std::move(*kept);
  }
  api::Verification compare(bool restart = false) const {
    ComparisonOptions options;
    options.ends = ends();
    options.selects = [](const model::Name&, const std::vector<model::Name>&) { return true; };
    options.run = "run";
    options.restart = restart;
    pipeline::ProgressBoard board("");
    api::Verification found;
    const Result<void> compared = compare_database(options, board, found, soon());
    EXPECT_TRUE(compared) << describe(compared.error());
    return found;
  }
  void both(const std::string& sql) const {
    source.exec(sql);
    target.exec(sql);
  }
  std::string left() const { return target.scalar("SELECT count(*) FROM _tributary.compared_range"); }
};

api::TableVerification one_missing() {
  api::TableVerification found;
  found.source_rows = 3;
  found.target_rows = 2;
  found.missing = 1;
  found.rows.push_back({api::RowDifference::Kind::missing, "id=2"});
  return found;
}

// The lock of a comparison goes with its session, which the server ends in its own time.
void wait_until_alone(const Copied& copied) {
  testbed::wait_until("no comparison has a session", [&] {
    return copied.target.scalar(
               "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tributary/verify'"
               " AND datname = current_database()") == "0";
  });
}

// As one that was killed leaves them: of a, what it found; of b nothing.
using Left = std::map<std::string, api::TableVerification>;
void leave_results(const Copied& copied, const Left& left = {{"a", one_missing()}}) {
  ComparisonOptions options;
  options.ends = copied.ends();
  options.selects = [](const model::Name&, const std::vector<model::Name>&) { return true; };
  ComparisonPlan plan = make_plan(options, soon()).value();
  {
    const std::unique_ptr<KeptResults> kept = copied.open();
    ASSERT_TRUE(kept);
    take_up(*kept, plan, soon());
    for (const auto& [table, found] : left) kept->record({"public", table}, 0, found, soon());
    kept->flush(soon());
  }
  wait_until_alone(copied);
}

TEST(KeptResults, are_read_as_they_were_written) {
  const Copied copied;
  {
    const std::unique_ptr<KeptResults> kept = copied.open();
    ASSERT_TRUE(kept);
    EXPECT_TRUE(kept->ranges_of({"public", "a"}, "shape").empty());
    const tributary::verify::KeyRange first{{}, {"it's", "a,\"b\""}};
    const tributary::verify::KeyRange second{{"it's", "a,\"b\""}, {}};
    kept->plan({{{"public", "a"}, "shape", {first, second}}}, soon());
    kept->record({"public", "a"}, 1, one_missing(), soon());
    kept->flush(soon());
  }
  wait_until_alone(copied);
  const std::vector<KeptRange> ranges = copied.open()->ranges_of({"public", "a"}, "shape");
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0].keys.before, (tributary::verify::Key{"it's", "a,\"b\""}));
  EXPECT_EQ(ranges[1].keys.from, ranges[0].keys.before);
  EXPECT_FALSE(ranges[0].found);
  ASSERT_TRUE(ranges[1].found);
  EXPECT_EQ(ranges[1].found->missing, 1U);
  EXPECT_EQ(ranges[1].found->rows, one_missing().rows);
}

TEST(KeptResults, are_gone_on_with) {
  const Copied copied;
  leave_results(copied);
  const api::Verification found = copied.compare();
  ASSERT_GE(found.tables.size(), 2U);
  EXPECT_EQ(found.tables[0].result, Comparison::different) << "what was found before is not looked at again";
  EXPECT_EQ(found.tables[0].missing, 1U);
  EXPECT_EQ(found.tables[1].result, Comparison::equal);
  EXPECT_EQ(copied.left(), "0") << "a comparison that came to its end forgets all";
  EXPECT_EQ(copied.compare().tables_different, 0U);
}

api::TableVerification three_equal() {
  api::TableVerification found;
  found.source_rows = found.target_rows = 3;
  return found;
}

TEST(KeptResults, are_told_of_with_when_they_were_read) {
  const Copied copied;
  leave_results(copied, {{"a", three_equal()}});
  const std::string before =
      copied.target.scalar("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
  const api::Verification found = copied.compare();
  ASSERT_GE(found.tables.size(), 2U);
  EXPECT_EQ(found.tables[0].kept_rows, 3U);
  EXPECT_FALSE(found.tables[0].kept_since.empty());
  EXPECT_LE(found.tables[0].kept_since, before);
  EXPECT_EQ(found.tables[1].kept_since, "");
  EXPECT_EQ(found.kept_rows, 3U);
  EXPECT_EQ(found.kept_since, found.tables[0].kept_since);
  const api::Verification again = copied.compare();
  EXPECT_EQ(again.kept_rows, 0U);
  EXPECT_EQ(again.kept_since, "");
}

TEST(KeptResults, are_no_proof_by_themselves) {
  const Copied copied;
  leave_results(copied, {{"a", three_equal()}, {"b", three_equal()}, {"mark", three_equal()}});
  ASSERT_EQ(copied.target.scalar("SELECT count(*) FROM _tributary.compared_range WHERE found IS NULL"), "0");
  copied.target.exec("DELETE FROM a WHERE id = 2");
  const api::Verification found = copied.compare();
  EXPECT_EQ(found.moments, 1U);
  EXPECT_EQ(found.tables_different, 1U);
  EXPECT_EQ(found.kept_since, "");
}

TEST(KeptResults, are_of_comparisons_that_have_a_name) {
  const Copied copied;
  copied.target.exec(
      "CREATE TABLE public.log (run text); CREATE FUNCTION public.record() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN INSERT INTO public.log VALUES (new.run); RETURN new; END';"
      "CREATE TRIGGER record AFTER INSERT ON _tributary.compared_range FOR EACH ROW EXECUTE FUNCTION public.record()");
  const auto kept_by = [&](const std::string& request, const std::string& replication) {
    copied.target.exec("TRUNCATE public.log");
    api::Spec spec;
    spec.source.uri = copied.source.uri();
    spec.target.uri = copied.target.uri();
    spec.verify.request_id = request;
    spec.replication = replication;
    pipeline::ProgressBoard board("");
    const Result<api::Verification> found = verify(spec, {}, board, nullptr, soon());
    EXPECT_TRUE(found) << describe(found.error());
    return copied.target.scalar("SELECT count(*) > 0 FROM public.log");
  };
  EXPECT_EQ(kept_by("", ""), "f") << "whoever types it again wants to know what is there now";
  EXPECT_EQ(kept_by("nightly", ""), "t");
  EXPECT_EQ(kept_by("", "shop"), "t");
}

TEST(KeptResults, are_forgotten_where_it_is_asked_for) {
  const Copied copied;
  leave_results(copied);
  EXPECT_EQ(copied.compare(true).tables_different, 0U);
}

TEST(KeptResults, that_were_read_more_than_an_hour_ago_are_worth_nothing) {
  const Copied copied;
  leave_results(copied);
  copied.target.exec("UPDATE _tributary.compared_range SET planned = now() - interval '61 minutes'");
  EXPECT_EQ(copied.compare().tables_different, 0U);
}

TEST(KeptResults, of_a_table_that_was_another_are_worth_nothing) {
  const Copied copied;
  leave_results(copied);
  copied.both("ALTER TABLE a ADD b int");
  EXPECT_EQ(copied.compare().tables_different, 0U);
}

TEST(KeptResults, of_another_run_are_its_own) {
  const Copied copied;
  leave_results(copied);
  EXPECT_TRUE(copied.open("other")->ranges_of({"public", "a"}, "shape").empty());
}

const std::string keeper = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7526756";

void lose_session(const Copied& copied) {
  copied.target.exec("SELECT pg_terminate_backend(pid) FROM (" + keeper + ") AS k");
  wait_until_alone(copied);
}

TEST(KeptResults, are_kept_again_from_the_next_moment_where_the_session_was_lost) {
  const Copied copied;
  const auto kept = copied.open();
  kept->plan({{{"public", "a"}, "shape", {{{}, {"2"}}, {{"2"}, {}}}}}, soon());
  lose_session(copied);
  const auto record = [&](int range) {
    kept->record({"public", "a"}, range, three_equal(), soon());
    kept->flush(soon());
  };
  record(0);
  kept->begin_moment(soon());
  record(1);
  EXPECT_EQ(copied.target.scalar("SELECT string_agg(number::text, ',') FROM _tributary.compared_range"
                                 " WHERE found IS NOT NULL"),
            "1");
  lose_session(copied);
  kept->forget(soon());
  EXPECT_EQ(copied.left(), "0");
}

TEST(KeptResults, are_not_mixed_with_those_of_a_process_that_had_the_run_meanwhile) {
  const Copied copied;
  const auto kept = copied.open();
  kept->plan({{{"public", "a"}, "shape", {{{}, {"2"}}, {{"2"}, {}}}}}, soon());
  lose_session(copied);
  {
    const auto other = copied.open();
    kept->begin_moment(soon());  // not while the other is at work
    other->plan({{{"public", "a"}, "shape", {{{}, {"3"}}, {{"3"}, {}}}}}, soon());
  }
  wait_until_alone(copied);
  kept->begin_moment(soon());
  kept->record({"public", "a"}, 0, three_equal(), soon());
  kept->flush(soon());
  EXPECT_EQ(copied.target.scalar("SELECT count(*) FROM _tributary.compared_range WHERE found IS NOT NULL"), "0");
  EXPECT_TRUE(copied.open()) << "the run is free";
}

TEST(KeptResults, belong_to_one_process_at_a_time) {
  const Copied copied;
  const std::unique_ptr<KeptResults> first = copied.open();
  ASSERT_TRUE(first);
  EXPECT_FALSE(copied.open());
  EXPECT_TRUE(copied.open("other"));
}

TEST(KeptResults, are_none_without_a_ledger) {
  const Copied copied;
  copied.target.exec("DROP SCHEMA _tributary CASCADE");
  EXPECT_FALSE(copied.open());
  const api::Verification found = copied.compare();
  EXPECT_GE(found.tables_compared, 2U);
  EXPECT_EQ(found.tables_different + found.tables_not_compared, 0U);
}

TEST(KeptResults, are_none_where_the_role_may_not_write_them) {
  const Copied copied;
  const std::string role = copied.target.name() + "_reader";
  copied.target.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'p'; GRANT USAGE ON SCHEMA _tributary TO " + role +
                     "; GRANT SELECT ON ALL TABLES IN SCHEMA _tributary, public TO " + role);
  DatabaseEnds ends = copied.ends();
  ends.target = [&] { return parse_conninfo(testbed::server(18).tcp_uri(copied.target.name(), role, "p")); };
  const auto kept = KeptResults::open(ends, "run", false, soon());
  copied.target.exec("DROP OWNED BY " + role + "; DROP ROLE " + role);
  ASSERT_TRUE(kept) << describe(kept.error());
  EXPECT_FALSE(*kept);
}

}  // namespace
}  // namespace tributary::postgres::verify

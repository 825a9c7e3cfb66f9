#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "engine/postgres/apply/applier.h"
#include "engine/postgres/apply/testing/applying.h"
#include "engine/postgres/client/session_settings.h"

// What becomes of changes that do not fit, and of transactions that are cut off.
namespace tributary::postgres::apply {
namespace {

using model::LogTable;
using pipeline::ApplyMode;
using testbed::Applying;
using testbed::ChangeLog;
using testbed::described;
using testbed::every_version_and_mode;
using testbed::LogTablePtr;
using testbed::Replica;
using testbed::soon;

class ATroubledApplier : public Applying {};
INSTANTIATE_TEST_SUITE_P(Majors, ATroubledApplier, every_version_and_mode());

TEST_P(ATroubledApplier, stops_a_table_whose_update_or_delete_meets_no_row) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY)");
  const LogTablePtr t = log("t");
  EXPECT_EQ(why_stopped(ChangeLog().begin().insert(log("u"), {"1"}).update(t, {"1", "a"}).commit()),
            "t: an update did not meet exactly one row on the target: 0 rows were touched instead of 1");
  EXPECT_EQ(why_stopped(ChangeLog().begin().remove(t, {"1", nullptr}).insert(log("u"), {"1"}).commit()),
            "t: a delete did not meet exactly one row on the target: 0 rows were touched instead of 1");
  EXPECT_EQ(all("u"), "");
}

TEST_P(ATroubledApplier, stops_a_table_whose_update_meets_two_rows) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text)");
  const LogTablePtr t = log("t");
  replica_->database().exec("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (1, 'a'), (1, 'b')");
  EXPECT_EQ(why_stopped(ChangeLog().begin().update(t, {"1", "c"}).commit()),
            "t: an update did not meet exactly one row on the target: 2 rows were touched instead of 1");
  EXPECT_EQ(all("t"), "1|a\n1|b\n");
}

TEST_P(ATroubledApplier, stops_a_table_whose_insert_meets_a_row_with_its_key) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text)", "INSERT INTO t VALUES (1, 'there')");
  EXPECT_EQ(why_stopped(ChangeLog().begin().insert(log("t"), {"2", "x"}).insert(log("t"), {"1", "x"}).commit()),
            "t: an insert met a row with the same key on the target (constraint t_pkey)");
  EXPECT_EQ(all("t"), "1|there\n");
}

TEST_P(ATroubledApplier, stops_a_table_that_refuses_a_value_and_never_says_which) {
  follow(
      "CREATE TABLE c (id int PRIMARY KEY, a int CHECK (a < 10)); CREATE TABLE v (id int PRIMARY KEY, a varchar(3));"
      "CREATE TABLE n (id int PRIMARY KEY, a int NOT NULL)");
  EXPECT_EQ(why_stopped(ChangeLog().begin().insert(log("c"), {"1", "4242"}).commit()),
            "c: an insert was refused by the target: new row for relation \"c\" violates check constraint \"c_a_check\""
            " [23514]");
  EXPECT_EQ(why_stopped(ChangeLog().begin().insert(log("v"), {"1", "secret"}).commit()),
            "v: an insert was refused by the target: a string is too long for its column [22001]");
  EXPECT_EQ(why_stopped(ChangeLog().begin().insert(log("c"), {"1", "secret"}).commit()),
            "c: an insert was refused by the target: a value's text is malformed for its type [22P02]");
  EXPECT_EQ(why_stopped(ChangeLog().begin().insert(log("n"), {"1", nullptr}).commit()).find("n: an insert was refused"),
            0u);
}

TEST_P(ATroubledApplier, stops_a_table_that_the_target_lacks_or_has_otherwise) {
  follow("CREATE TABLE t (id int PRIMARY KEY, \"A b\" text); CREATE TABLE gone (id int PRIMARY KEY)");
  const LogTablePtr t = log("t");
  const LogTablePtr gone = log("gone");
  replica_->database().exec("ALTER TABLE t DROP COLUMN \"A b\"; DROP TABLE gone");
  EXPECT_EQ(why_stopped(ChangeLog().begin().insert(t, {"1", "x"}).commit()),
            "t: the target's table has no column \"A b\"");
  EXPECT_EQ(why_stopped(ChangeLog().begin().truncate({gone}).commit()), "gone: the target has no table public.gone");
}

TEST_P(ATroubledApplier, stops_a_table_whose_changes_do_not_say_which_row) {
  follow("CREATE TABLE t (id int, a text)", "INSERT INTO t VALUES (1, 'a')");
  EXPECT_EQ(why_stopped(ChangeLog().begin().update(log("t"), {"1", "b"}).commit()),
            "t: an update does not tell which row it is about");
}

TEST_P(ATroubledApplier, takes_no_change_that_does_not_fit_its_table) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text)");
  const Result<void> applied = try_to_apply(ChangeLog().begin().insert(log("t"), {"1"}).commit().batch());
  ASSERT_FALSE(applied);
  EXPECT_EQ(describe(applied.error()), "a change does not fit its table public.t");
}

TEST_P(ATroubledApplier, goes_on_with_the_other_tables_once_the_ledger_says_that_one_has_stopped) {
  follow("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)");
  ChangeLog changes;
  changes.begin().insert(log("u"), {"1"}).insert(log("t"), {"1"}).commit();
  changes.begin().insert(log("u"), {"2"}).insert(log("t"), {"2"}).commit();
  EXPECT_NE(why_stopped(changes), "applied");
  const Result<void> stopped = applier_->stop(*applier_->stopped(), soon());
  ASSERT_TRUE(stopped) << describe(stopped.error());
  const Result<void> applied = try_to_apply(changes.batch());
  ASSERT_TRUE(applied) << describe(applied.error());
  EXPECT_EQ(all("t"), "1\n");
  EXPECT_EQ(all("u"), "1\n2\n");
  EXPECT_EQ(replica_->ledger(),
            "0/1018|2023-11-14 22:13:20.004112|t: an insert met a row with the same key on the target"
            " (constraint t_pkey)\n");
  applier_ = replica_->open();
  ASSERT_TRUE(try_to_apply(ChangeLog({0x2000}).begin().insert(log("t"), {"5"}).commit().batch()));
  EXPECT_EQ(all("t"), "1\n");
}

TEST_P(ATroubledApplier, fails_for_want_of_rights_without_stopping_the_table) {
  follow("CREATE TABLE t (id int PRIMARY KEY)");
  replica_->database().exec(
      "DO $$BEGIN CREATE ROLE no_writer LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$;"
      "GRANT USAGE ON SCHEMA _tributary TO no_writer; GRANT ALL ON ALL TABLES IN SCHEMA _tributary TO no_writer;"
      "ALTER ROLE no_writer PASSWORD 'pw'");
  auto session = open_target_session(
      parse_conninfo(testbed::server(std::get<0>(GetParam())).tcp_uri(replica_->database().name(), "no_writer", "pw"))
          .value(),
      "tributary/test/apply", "UTF8", soon());
  ASSERT_TRUE(session) << describe(session.error());
  applier_ = open_applier(std::move(session).value(), replica_->owner(), soon()).value();
  const Result<void> applied = try_to_apply(ChangeLog().begin().insert(log("t"), {"1"}).commit().batch());
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::denied);
  EXPECT_FALSE(applier_->stopped());
}

TEST_P(ATroubledApplier, keeps_nothing_of_a_transaction_whose_session_ends_before_its_commit) {
  follow("CREATE TABLE t (id int PRIMARY KEY)");
  const LogTablePtr t = log("t");
  ASSERT_TRUE(try_to_apply(ChangeLog().begin().insert(t, {"1"}).commit().batch()));
  const std::string before = replica_->ledger();
  ChangeLog changes({0x2000});
  changes.begin().insert(t, {"2"}).commit();
  ASSERT_TRUE(applier_->apply(changes.batch(), mode(), soon()));
  replica_->end_sessions();
  const Result<void> committed = applier_->commit(true, soon());
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().fault, Fault::transient);
  EXPECT_FALSE(applier_->stopped());
  EXPECT_FALSE(applier_->usable());
  EXPECT_EQ(all("t"), "1\n");
  EXPECT_EQ(replica_->ledger(), before);
  applier_ = replica_->open();
  ASSERT_TRUE(try_to_apply(changes.batch()));
  EXPECT_EQ(all("t"), "1\n2\n");
}

TEST_P(ATroubledApplier, keeps_nothing_once_another_engine_has_taken_over) {
  follow("CREATE TABLE t (id int PRIMARY KEY)");
  const std::unique_ptr<pipeline::Applier> old = std::exchange(applier_, nullptr);
  ChangeLog changes;
  changes.begin().insert(log("t"), {"1"}).commit();
  ASSERT_TRUE(old->apply(changes.batch(), mode(), soon()));
  applier_ = replica_->open();
  const Result<void> fenced = old->commit(false, soon());
  ASSERT_FALSE(fenced);
  EXPECT_EQ(fenced.error().fault, Fault::fenced) << describe(fenced.error());
  EXPECT_EQ(all("t"), "");
  EXPECT_EQ(old->stop({{"public", "t"}, "too late"}, soon()).error().fault, Fault::fenced);
  ASSERT_TRUE(try_to_apply(changes.batch()));
  EXPECT_EQ(all("t"), "1\n");
  EXPECT_EQ(replica_->ledger(), "0/1008|2023-11-14 22:13:20.004096|-\n");
}

TEST_P(ATroubledApplier, gives_up_when_it_is_stopped_and_keeps_nothing) {
  follow("CREATE TABLE t (id int PRIMARY KEY)");
  testbed::Session lock(replica_->database().uri());
  lock.exec("BEGIN; LOCK TABLE t");
  std::stop_source stop;
  stop.request_stop();
  ChangeLog changes;
  changes.begin().insert(log("t"), {"1"}).commit();
  const Until stopped{Deadline::after(Seconds{60}), stop.get_token()};
  Result<void> applied = applier_->apply(changes.batch(), mode(), stopped);
  if (applied) applied = applier_->commit(false, stopped);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().fault, Fault::cancelled);
  lock.exec("ROLLBACK");
  applier_ = replica_->open();
  EXPECT_EQ(all("t"), "");
  ASSERT_TRUE(try_to_apply(changes.batch()));
  EXPECT_EQ(all("t"), "1\n");
}

// More than any buffer between the two holds, in one transaction.
TEST_P(ATroubledApplier, neither_side_waits_for_the_other_to_read) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text)");
  const LogTablePtr t = log("t");
  ChangeLog changes;
  changes.begin();
  const std::string large(200'000, 'x');
  for (int id = 0; id < 30'000; ++id) changes.insert(t, {std::to_string(id), id % 1000 == 0 ? large : "small"});
  changes.commit();
  const Result<void> applied = try_to_apply(changes.batch());
  ASSERT_TRUE(applied) << describe(applied.error());
  EXPECT_EQ(replica_->rows("SELECT count(*), sum(length(a)) FROM t"), "30000|6149850\n");
}

TEST_P(ATroubledApplier, prepares_no_more_statements_than_the_server_should_keep) {
  std::string columns, row;
  for (int column = 0; column < 12; ++column) columns += ", c" + std::to_string(column) + " int";
  follow("CREATE TABLE t (id int" + columns + "); ALTER TABLE t REPLICA IDENTITY FULL");
  const LogTablePtr t = log("t");
  ChangeLog changes;
  changes.begin();
  for (int mask = 0; mask < 4096; ++mask) {
    testbed::Cells cells{std::to_string(mask)};
    for (int column = 0; column < 12; ++column)
      cells.push_back((mask >> column & 1) != 0 ? testbed::Cell("1") : testbed::Cell(nullptr));
    changes.insert(t, cells).remove(t, cells);
  }
  changes.commit();
  const Result<void> applied = try_to_apply(changes.batch());
  ASSERT_TRUE(applied) << describe(applied.error());
  EXPECT_EQ(all("t"), "");
}

TEST(ADurableCommit, survives_a_crash_of_the_server_with_all_before_it) {
  testbed::PostgresServer own(18, testbed::Flavour::logical, 5);
  Replica replica(own, "CREATE TABLE t (id int PRIMARY KEY)");
  const LogTablePtr t = described(replica.database(), "t");
  auto applier = replica.open();
  const ChangeLog first = ChangeLog().begin().insert(t, {"1"}).commit();
  ASSERT_TRUE(applier->apply(first.batch(), ApplyMode::ordered, soon()));
  ASSERT_TRUE(applier->commit(false, soon()));
  ASSERT_TRUE(applier->commit(true, soon()));
  own.kill();
  own.start();
  EXPECT_EQ(replica.rows("SELECT * FROM t"), "1\n");
  EXPECT_EQ(replica.ledger(), "0/1008|2023-11-14 22:13:20.004096|-\n");
}

// While it lives, the server answers no COMMIT before a standby has it that there is not.
class WaitForNobody {
 public:
  explicit WaitForNobody(testbed::PostgresServer& server) : server_(server) {
    server_.exec("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    server_.exec("postgres", "SELECT pg_reload_conf()");
  }
  WaitForNobody(const WaitForNobody&) = delete;
  WaitForNobody& operator=(const WaitForNobody&) = delete;
  ~WaitForNobody() {
    server_.exec("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    server_.exec("postgres", "SELECT pg_reload_conf()");
  }

 private:
  testbed::PostgresServer& server_;
};

// A server that waits for a standby before it answers a COMMIT has carried it out all the same. Some commits may be
// answered until it has read its configuration anew.
TEST(ACommit, that_is_not_answered_is_found_in_the_ledger) {
  testbed::PostgresServer own(18, testbed::Flavour::logical, 6);
  Replica replica(own, "CREATE TABLE t (id int PRIMARY KEY)");
  const LogTablePtr t = described(replica.database(), "t");
  auto applier = replica.open();
  std::uint64_t number = 0;
  const auto insert = [&] { return ChangeLog({number * 0x1000}).begin().insert(t, {std::to_string(number)}).commit(); };
  std::optional<WaitForNobody> waits(own);
  Result<void> committed;
  while (committed && number < 100) {
    ++number;
    ASSERT_TRUE(applier->apply(insert().batch(), ApplyMode::ordered, soon()));
    committed = applier->commit(true, {Deadline::after(Seconds{3}), {}});
  }
  waits.reset();
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().fault, Fault::transient) << describe(committed.error());
  EXPECT_FALSE(applier->usable());
  applier = replica.open();
  EXPECT_EQ(applier->position().applied.value, number * 0x1000 + 8);
  ASSERT_TRUE(applier->apply(insert().batch(), ApplyMode::ordered, soon()));
  ASSERT_TRUE(applier->commit(true, soon()));
  EXPECT_EQ(replica.rows("SELECT count(*) FROM t"), std::to_string(number) + "\n");
}

TEST(OpeningAnApplier, needs_a_stream_in_the_ledger) {
  Replica replica(testbed::server(15), "CREATE TABLE t (id int PRIMARY KEY)");
  replica.database().exec("DELETE FROM _tributary.stream");
  auto session =
      open_target_session(parse_conninfo(replica.database().uri()).value(), "tributary/test/apply", "UTF8", soon());
  ASSERT_TRUE(session);
  const auto applier = open_applier(std::move(session).value(), replica.owner(), soon());
  ASSERT_FALSE(applier);
  EXPECT_EQ(applier.error().fault, Fault::missing);
}

class NothingFits : public Descriptions {
 public:
  bool fits(const LogTable&) const override { return false; }
  Result<void> look_into(const LogTable&, const Until&) override {
    ++looks;
    return {};
  }
  Result<bool> learn_values(const Until&) override { return false; }
  int looks = 0;
};

TEST(AnApplierThatGoesOn, forgets_a_description_that_was_looked_into) {
  Replica replica(testbed::server(15), "CREATE TABLE t (id int PRIMARY KEY)");
  replica.open();
  auto session =
      open_target_session(parse_conninfo(replica.database().uri()).value(), "tributary/test/apply", "UTF8", soon());
  ASSERT_TRUE(session);
  NothingFits descriptions;
  const auto applier = open_applier(std::move(session).value(), replica.owner(), soon(), &descriptions).value();
  ChangeLog log;
  log.begin().insert(described(replica.database(), "t"), {"1"}).commit();
  ASSERT_FALSE(applier->apply(log.batch(), ApplyMode::ordered, soon()));
  const std::optional<pipeline::StoppedTable> stopped = applier->stopped();
  ASSERT_TRUE(stopped);
  ASSERT_TRUE(applier->stop(*stopped, soon()));
  EXPECT_EQ(descriptions.looks, 1);
  EXPECT_FALSE(applier->stopped()) << "another fault of the stream would stop it for good";
}

TEST(OpeningAnApplier, needs_the_streams_epoch) {
  Replica replica(testbed::server(15), "CREATE TABLE t (id int PRIMARY KEY)");
  const Owner old = replica.owner();
  const auto current = replica.open();
  auto session =
      open_target_session(parse_conninfo(replica.database().uri()).value(), "tributary/test/apply", "UTF8", soon());
  ASSERT_TRUE(session);
  const auto applier = open_applier(std::move(session).value(), old, soon());
  ASSERT_FALSE(applier);
  EXPECT_EQ(applier.error().fault, Fault::fenced);
}

}  // namespace
}  // namespace tributary::postgres::apply

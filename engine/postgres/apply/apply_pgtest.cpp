#include <gtest/gtest.h>

#include <tuple>

#include "engine/postgres/apply/testing/applying.h"

// What each kind of change does to a target, in both modes.
namespace tributary::postgres::apply {
namespace {

using model::LogTable;
using pipeline::ApplyMode;
using testbed::Applying;
using testbed::Cell;
using testbed::ChangeLog;
using testbed::described;
using testbed::every_version_and_mode;
using testbed::LogTablePtr;
using testbed::Replica;
using testbed::soon;
using testbed::with_identity;

const Cell same = Cell::same();

class AnApplier : public Applying {
 protected:
  void apply(const ChangeLog& changes) {
    const Result<void> applied = try_to_apply(changes.batch());
    ASSERT_TRUE(applied) << describe(applied.error());
  }
};
INSTANTIATE_TEST_SUITE_P(Majors, AnApplier, every_version_and_mode());

TEST_P(AnApplier, carries_inserts_updates_and_deletes_and_moves_the_ledger_with_them) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text, n numeric(10,2), at timestamptz)",
         "INSERT INTO t VALUES (1, 'one', 1, NULL), (2, 'two', 2, NULL)");
  const LogTablePtr t = log("t");
  ChangeLog changes;
  changes.begin()
      .insert(t, {"3", "three", "3.50", "2024-02-29 12:00:00+00"})
      .update(t, {"1", "uno", "1.25", nullptr})
      .remove(t, {"2", nullptr, nullptr, nullptr})
      .commit();
  apply(changes);
  EXPECT_EQ(all("t"), "1|uno|1.25|-\n3|three|3.50|2024-02-29 12:00:00+00\n");
  EXPECT_EQ(replica_->ledger(), "0/1008|2023-11-14 22:13:20.004096|-\n");
  EXPECT_EQ(to_string(applier_->position().applied), "0/1008");
}

// Rows that one statement wrote have one command's number.
TEST_P(AnApplier, writes_rows_one_by_one_or_by_sets) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int, a text)",
         "INSERT INTO t SELECT i FROM generate_series(1, 50) i");
  const LogTablePtr t = log("t");
  const LogTablePtr u = log("u");
  ChangeLog changes;
  for (int id = 1; id <= 50; ++id) {
    changes.begin()
        .update(t, {std::to_string(id), "a"})
        .update(t, {std::to_string(id), "b"})
        .insert(t, {std::to_string(id + 50), "x"})
        .insert(u, {"1", "x"})
        .commit();
  }
  apply(changes);
  const bool by_sets = mode() == ApplyMode::coalesced;
  EXPECT_EQ(rows("SELECT count(DISTINCT cmin::text), count(*) FROM t"), by_sets ? "2|100\n" : "100|100\n");
  EXPECT_EQ(rows("SELECT count(DISTINCT cmin::text), count(*) FROM u"), by_sets ? "1|50\n" : "50|50\n");
}

TEST_P(AnApplier, leaves_what_the_log_does_not_repeat_as_it_is) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text, b text)",
         "INSERT INTO t VALUES (1, 'a', 'large'), (2, 'a', 'large')");
  const LogTablePtr t = log("t");
  apply(
      ChangeLog().begin().update(t, {"1", "b", same}).update(t, {"2", "c", same}).update(t, {"2", same, "d"}).commit());
  EXPECT_EQ(all("t"), "1|b|large\n2|c|d\n");
}

TEST_P(AnApplier, changes_keys_and_swaps_them) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text, b text)",
         "INSERT INTO t VALUES (1, 'one', 'large'), (2, 'two', 'large')");
  const LogTablePtr t = log("t");
  apply(ChangeLog()
            .begin()
            .update(t, {"9", "one", same}, {"1", nullptr, nullptr})
            .update(t, {"1", "two", same}, {"2", nullptr, nullptr})
            .update(t, {"2", "one", same}, {"9", nullptr, nullptr})
            .commit());
  EXPECT_EQ(all("t"), "1|two|large\n2|one|large\n");
  apply(ChangeLog({0x2000})
            .begin()
            .update(t, {"9", "x", "x"}, {"1", nullptr, nullptr})
            .update(t, {"1", "y", "y"}, {"2", nullptr, nullptr})
            .update(t, {"2", "z", same}, {"9", nullptr, nullptr})
            .commit());
  EXPECT_EQ(all("t"), "1|y|y\n2|z|x\n");
}

TEST_P(AnApplier, writes_a_row_whose_every_column_is_its_key) {
  follow("CREATE TABLE t (a int, b text, PRIMARY KEY (a, b))", "INSERT INTO t VALUES (1, 'x')");
  const LogTablePtr t = log("t");
  apply(ChangeLog().begin().update(t, {"1", "x"}).insert(t, {"2", ""}).update(t, {"1", "y"}, {"1", "x"}).commit());
  EXPECT_EQ(all("t"), "1|y\n2|\n");
  EXPECT_EQ(why_stopped(ChangeLog({0x2000}).begin().update(t, {"5", "x"}).commit()),
            "t: an update did not meet exactly one row on the target: 0 rows were touched instead of 1");
}

TEST_P(AnApplier, matches_a_whole_row_by_the_form_of_its_values_and_takes_one_of_equals) {
  follow("CREATE TABLE t (n numeric, j json, p point, x text, f float8); ALTER TABLE t REPLICA IDENTITY FULL",
         "INSERT INTO t VALUES (1.0, '{\"a\":1}', '(1,2)', NULL, '-0'), (1.00, '{\"a\":1}', '(1,2)', NULL, '-0'),"
         " (1.00, '{\"a\":1}', '(1,2)', NULL, '-0'), (NULL, NULL, NULL, 'x', 1)");
  const LogTablePtr t = log("t");
  apply(ChangeLog()
            .begin()
            .remove(t, {"1.00", "{\"a\":1}", "(1,2)", nullptr, "-0"})
            .update(t, {"2", same, "(3,4)", "y", "0"}, {nullptr, nullptr, nullptr, "x", "1"})
            .commit());
  EXPECT_EQ(rows("SELECT n, j, p, x, f FROM t ORDER BY n"),
            "1.0|{\"a\":1}|(1,2)|-|-0\n1.00|{\"a\":1}|(1,2)|-|-0\n2|-|(3,4)|y|0\n");
  EXPECT_EQ(why_stopped(ChangeLog({0x2000}).begin().remove(t, {"1.000", "{\"a\":1}", "(1,2)", nullptr, "-0"}).commit()),
            "t: a delete did not meet exactly one row on the target: 0 rows were touched instead of 1");
}

TEST_P(AnApplier, follows_a_unique_index_as_identity) {
  follow(
      "CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, a int); CREATE UNIQUE INDEX t_code ON t (code);"
      "ALTER TABLE t REPLICA IDENTITY USING INDEX t_code",
      "INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2)");
  const LogTablePtr t = log("t");
  apply(ChangeLog()
            .begin()
            .update(t, {"5", "x", "5"})
            .update(t, {"2", "z", "3"}, {nullptr, "y", nullptr})
            .remove(t, {nullptr, "x", nullptr})
            .commit());
  EXPECT_EQ(all("t"), "2|z|3\n");
}

TEST_P(AnApplier, writes_identity_columns_that_are_always_generated) {
  follow(
      "CREATE TABLE k (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text, extra int DEFAULT 7);"
      "CREATE TABLE o (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, a text)",
      "INSERT INTO k (a, extra) VALUES ('one', 1), ('two', 2); INSERT INTO o VALUES (1, DEFAULT, 'large')");
  const LogTablePtr k = log("k");
  const LogTablePtr o = log("o");
  apply(ChangeLog()
            .begin()
            .insert(k, {"10", "ten", "10"})
            .update(k, {"1", "uno", "1"})
            .update(k, {"20", same, "2"}, {"2", nullptr, nullptr})
            .update(o, {"1", "44", same})
            .insert(o, {"2", "45", "new"})
            .commit());
  EXPECT_EQ(all("k"), "1|uno|1\n10|ten|10\n20|two|2\n");
  EXPECT_EQ(all("o"), "1|44|large\n2|45|new\n");
}

TEST_P(AnApplier, leaves_generated_columns_to_the_target_and_further_ones_alone) {
  follow(
      "CREATE TABLE t (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED, note text DEFAULT 'd')",
      "INSERT INTO t VALUES (1, 1, DEFAULT, 'mine')");
  auto described_by_log = std::make_shared<LogTable>(*log("t"));
  described_by_log->columns.pop_back();                           // the source has no note
  described_by_log->columns.push_back({"twice", 23, -1, false});  // and sends what it computes
  const LogTablePtr t = described_by_log;
  apply(ChangeLog().begin().update(t, {"1", "5", "999"}).insert(t, {"2", "2", "999"}).commit());
  EXPECT_EQ(rows("SELECT id, a, twice, note FROM t ORDER BY id"), "1|5|10|mine\n2|2|4|d\n");
  apply(ChangeLog({0x2000}).begin().update(t, {"3", "6", "999"}, {"1", nullptr, nullptr}).commit());
  EXPECT_EQ(rows("SELECT id, a, twice, note FROM t ORDER BY id"), "2|2|4|d\n3|6|12|mine\n");
}

TEST_P(AnApplier, truncates_the_tables_of_a_list_at_once) {
  follow(
      "CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);"
      "CREATE TABLE c (id int PRIMARY KEY)",
      "INSERT INTO a DEFAULT VALUES; INSERT INTO b VALUES (1, 1); INSERT INTO c VALUES (1)");
  const LogTablePtr a = log("a");
  const LogTablePtr b = log("b");
  const LogTablePtr c = log("c");
  ChangeLog changes;
  changes.begin().insert(c, {"2"}).insert(a, {"2"}).truncate({a, b}, true).insert(a, {"3"}).remove(c, {"1"}).commit();
  apply(changes);
  EXPECT_EQ(all("a"), "3\n");
  EXPECT_EQ(all("b"), "");
  EXPECT_EQ(all("c"), "2\n");
  EXPECT_EQ(rows("SELECT nextval('a_id_seq')"), "1\n");
}

TEST_P(AnApplier, never_empties_a_table_that_only_refers_to_the_truncated_one) {
  follow("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)",
         "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1)");
  replica_->copied_at("b", {0x9000});
  applier_ = replica_->open();
  apply(ChangeLog().begin().truncate({log("a"), log("b")}, true).commit());
  EXPECT_EQ(all("a"), "");
  EXPECT_EQ(all("b"), "1|1\n");
}

TEST_P(AnApplier, passes_over_what_is_below_a_tables_own_position_and_what_is_not_followed) {
  follow("CREATE TABLE early (id int PRIMARY KEY); CREATE TABLE late (id int PRIMARY KEY)");
  replica_->database().exec("CREATE TABLE other (id int PRIMARY KEY)");
  replica_->copied_at("late", {0x1010});
  applier_ = replica_->open();
  ChangeLog changes;
  for (const char* id : {"1", "2", "3"})
    changes.begin().insert(log("early"), {id}).insert(log("late"), {id}).insert(log("other"), {id}).commit();
  apply(changes);
  EXPECT_EQ(all("early"), "1\n2\n3\n");
  EXPECT_EQ(all("late"), "2\n3\n");
  EXPECT_EQ(all("other"), "");
}

TEST_P(AnApplier, passes_over_whole_transactions_that_come_again) {
  follow("CREATE TABLE t (id int PRIMARY KEY)");
  const LogTablePtr t = log("t");
  ChangeLog changes;
  changes.begin().insert(t, {"1"}).commit().begin().insert(t, {"2"}).commit();
  apply(changes);
  applier_ = replica_->open();
  EXPECT_EQ(to_string(applier_->position().applied), "0/1018");
  apply(changes);
  EXPECT_EQ(replica_->ledger(), "0/1018|2023-11-14 22:13:20.004112|-\n");
  changes.begin().insert(t, {"3"}).commit();
  apply(changes);
  EXPECT_EQ(all("t"), "1\n2\n3\n");
}

TEST_P(AnApplier, takes_a_transaction_of_several_batches) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a text)");
  const LogTablePtr t = log("t");
  ChangeLog changes;
  changes.begin().insert(t, {"1", "a"});
  const auto first = changes.cut();
  changes.update(t, {"1", "b"}).commit().idle({0x5000});
  ASSERT_TRUE(applier_->apply(*first, mode(), soon()));
  EXPECT_EQ(all("t"), "");
  apply(changes);
  EXPECT_EQ(all("t"), "1|b\n");
  EXPECT_EQ(replica_->ledger(), "0/5000|2023-11-14 22:13:20.004096|-\n");
}

TEST_P(AnApplier, follows_a_table_whose_description_changes) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a int)");
  const LogTablePtr before = log("t");
  ChangeLog changes;
  changes.begin().insert(before, {"1", "1"}).commit();
  apply(changes);
  replica_->database().exec("ALTER TABLE t ADD COLUMN b text; ALTER TABLE t ALTER COLUMN a TYPE text");
  const LogTablePtr after = log("t");
  apply(ChangeLog({0x2000}).begin().insert(after, {"2", "two", "b"}).update(after, {"1", "x", "y"}).commit());
  EXPECT_EQ(all("t"), "1|x|y\n2|two|b\n");
}

TEST_P(AnApplier, changes_the_description_within_a_transaction) {
  follow("CREATE TABLE t (id int PRIMARY KEY, a int, b int)");
  const LogTablePtr whole = log("t");
  auto fewer = std::make_shared<LogTable>(*whole);
  fewer->columns.pop_back();
  apply(ChangeLog()
            .begin()
            .insert(fewer, {"1", "1"})
            .insert(whole, {"2", "2", "2"})
            .update(fewer, {"2", "3"})
            .update(whole, {"1", "5", "5"})
            .commit());
  EXPECT_EQ(all("t"), "1|5|5\n2|3|2\n");
}

TEST_P(AnApplier, carries_values_of_every_kind_of_type) {
  follow(
      "CREATE TYPE mood AS ENUM ('sad', 'it''s fine'); CREATE TYPE pair AS (a int, b text);"
      "CREATE DOMAIN short AS varchar(5);"
      "CREATE TABLE t (id uuid PRIMARY KEY, c char(5), v varchar(5), b bytea, m mood, ms mood[], p pair, d short,"
      "  i int[], j jsonb, x xml, bits bit(3), vb varbit, iv interval, r int4range, one \"char\", ok bool, f real,"
      "  cash money, net inet)");
  const LogTablePtr t = log("t");
  ChangeLog changes;
  changes.begin()
      .insert(t, {"8b8a1b1e-0000-4000-8000-000000000001",
                  "ab   ",
                  "ab  ",
                  "\\x00ff",
                  "it's fine",
                  "{sad,\"it's fine\"}",
                  "(1,\"b c\")",
                  "abcde",
                  "{1,NULL,3}",
                  "{\"a\": [1, 2]}",
                  "<a>1</a>",
                  "101",
                  "1",
                  "1 mon 2 days",
                  "[1,5)",
                  "z",
                  "t",
                  "1.5",
                  "$1.50",
                  "10.0.0.1"})
      .commit();
  apply(changes);
  EXPECT_EQ(
      rows("SELECT c || '|', v || '|', b, m, ms, p, d, i, j, x, bits, vb, iv, r, one, ok, f, cash, net FROM t"),
      "ab||ab  ||\\x00ff|it's fine|{sad,\"it's fine\"}|(1,\"b c\")|abcde|{1,NULL,3}|{\"a\": [1, 2]}|<a>1</a>|101|1|"
      "1 mon 2 days|[1,5)|z|t|1.5|$1.50|10.0.0.1\n");
}

TEST_P(AnApplier, writes_to_a_partitioned_table) {
  follow(
      "CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);"
      "CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (10) TO (100)",
      "INSERT INTO t VALUES (1, 'a'), (12, 'b')");
  const LogTablePtr t = log("t");
  apply(
      ChangeLog().begin().insert(t, {"3", "c"}).update(t, {"12", "d"}).update(t, {"20", "a"}, {"1", nullptr}).commit());
  EXPECT_EQ(all("t_low"), "3|c\n");
  EXPECT_EQ(all("t_high"), "12|d\n20|a\n");
  const LogTablePtr whole = with_identity(t, LogTable::Identity::whole_row);
  apply(ChangeLog({0x2000}).begin().remove(whole, {"12", "d"}).update(whole, {"4", "x"}, {"20", "a"}).commit());
  EXPECT_EQ(all("t"), "3|c\n4|x\n");
  apply(ChangeLog({0x3000}).begin().truncate({t}).commit());
  EXPECT_EQ(all("t"), "");
}

TEST_P(AnApplier, never_touches_rows_of_child_tables) {
  follow("CREATE TABLE parent (id int PRIMARY KEY, a text); CREATE TABLE child () INHERITS (parent)",
         "INSERT INTO parent VALUES (1, 'p'), (2, 'p'); INSERT INTO child VALUES (1, 'c'), (2, 'c')");
  const LogTablePtr parent = log("parent");
  apply(ChangeLog().begin().update(parent, {"1", "x"}).remove(parent, {"2", nullptr}).commit());
  EXPECT_EQ(all("child"), "1|c\n2|c\n");
  apply(ChangeLog({0x2000}).begin().truncate({parent}).commit());
  EXPECT_EQ(all("parent"), "1|c\n2|c\n");
}

TEST_P(AnApplier, fires_no_triggers_and_asks_no_foreign_keys) {
  follow(
      "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE CASCADE);"
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';"
      "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 1);"
      "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON b FOR EACH ROW EXECUTE FUNCTION refuse()");
  apply(ChangeLog().begin().insert(log("b"), {"2", "99"}).remove(log("a"), {"1"}).commit());
  EXPECT_EQ(all("b"), "1|1\n2|99\n");
}

// Each in order meets no taken code; updates before inserts, or all at once, would.
TEST_P(AnApplier, hands_a_unique_value_from_one_row_to_another) {
  follow("CREATE TABLE t (id int PRIMARY KEY, code int UNIQUE)", "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
  const LogTablePtr t = log("t");
  apply(ChangeLog()
            .begin()
            .update(t, {"1", nullptr})
            .update(t, {"2", "1"})
            .update(t, {"3", "2"})
            .update(t, {"1", "3"})
            .insert(t, {"4", "4"})
            .update(t, {"4", "5"})
            .insert(t, {"5", "4"})
            .commit());
  EXPECT_EQ(all("t"), "1|3\n2|1\n3|2\n4|5\n5|4\n");
}

TEST_P(AnApplier, tells_keys_apart_as_the_target_does) {
  follow("CREATE TABLE n (k numeric PRIMARY KEY, a text); CREATE TABLE c (k char(4) PRIMARY KEY, a text)",
         "INSERT INTO n VALUES (1.0, 'a'); INSERT INTO c VALUES ('x', 'a')");
  const LogTablePtr n = log("n");
  const LogTablePtr c = log("c");
  apply(ChangeLog()
            .begin()
            .update(n, {"1.00", "b"}, {"1.0", nullptr})
            .remove(n, {"1.00", nullptr})
            .insert(n, {"1.0", "c"})
            .update(n, {"1.000", "d"}, {"1.0", nullptr})
            .update(c, {"x   ", "b"})
            .remove(c, {"x   ", nullptr})
            .insert(c, {"x   ", "c"})
            .commit());
  EXPECT_EQ(all("n"), "1.000|d\n");
  EXPECT_EQ(all("c"), "x   |c\n");
}

TEST_P(AnApplier, finds_keys_by_the_equality_of_an_extensions_type) {
  follow(
      "CREATE EXTENSION citext; CREATE TABLE t (k citext PRIMARY KEY, a text);"
      "CREATE TABLE w (k citext, a text); ALTER TABLE w REPLICA IDENTITY FULL",
      "INSERT INTO t VALUES ('Ab', 'x'); INSERT INTO w VALUES ('ab', 'x'), ('AB', 'x')");
  const LogTablePtr t = log("t");
  apply(ChangeLog()
            .begin()
            .update(t, {"aB", "y"}, {"Ab", nullptr})
            .remove(t, {"AB", nullptr})
            .insert(t, {"ab", "z"})
            .remove(log("w"), {"AB", "x"})
            .commit());
  EXPECT_EQ(all("t"), "ab|z\n");
  EXPECT_EQ(all("w"), "ab|x\n");
}

// As on a managed server whose roles may not say session_replication_role.
TEST_P(AnApplier, keeps_to_foreign_keys_where_they_are_asked) {
  follow("CREATE TABLE z (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, z int REFERENCES z)");
  applier_.reset();
  replica_->database().exec(
      "DO $$BEGIN CREATE ROLE plain_writer LOGIN PASSWORD 'pw'; EXCEPTION WHEN duplicate_object THEN NULL; END$$;"
      "GRANT USAGE ON SCHEMA _tributary TO plain_writer; GRANT ALL ON ALL TABLES IN SCHEMA _tributary TO plain_writer;"
      "GRANT ALL ON z, b TO plain_writer");
  applier_ = replica_->open_as("plain_writer", "pw");
  const LogTablePtr z = log("z");
  const LogTablePtr b = log("b");
  apply(ChangeLog()
            .begin()
            .insert(z, {"1"})
            .insert(b, {"1", "1"})
            .insert(b, {"2", "1"})
            .remove(b, {"1", nullptr})
            .update(b, {"2", nullptr})
            .remove(z, {"1"})
            .insert(z, {"2"})
            .update(b, {"2", "2"})
            .commit());
  EXPECT_EQ(all("b"), "2|2\n");
  EXPECT_EQ(all("z"), "2\n");
}

}  // namespace
}  // namespace tributary::postgres::apply

#include <gmock/gmock.h>

#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/postgres/verify/testing/repair_steps.h"
#include "engine/postgres/verify/verify.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"
#include "engine/testing/seeds.h"

// The statements that would mend a target change the rows they name and no others, whatever acts on its tables.
namespace tributary::postgres::verify {
namespace {

using testbed::server;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Ends {
  explicit Ends(int from = 17, int to = 18, const std::string& options = "")
      : source(server(from).create_database("repair_source", options)),
        target(server(to).create_database("repair_target", options)) {}

  void both(const std::string& sql) const {
    source.exec(sql);
    target.exec(sql);
  }
  testbed::RepairSteps compare() {
    testbed::RepairSteps steps;
    api::Spec spec;
    spec.source.uri = source.uri();
    spec.target.uri = target.uri();
    pipeline::ProgressBoard board("");
    const auto take = [&](const RepairPlace& place, const RepairStep& step) {
      encoding = place.encoding;
      steps.take(step);
      return Result<void>{};
    };
    const Result<api::Verification> compared = verify(spec, {}, board, take, {Deadline::after(Seconds{120}), {}});
    EXPECT_TRUE(compared) << (compared ? "" : describe(compared.error()));
    if (compared) found = *compared;
    return steps;
  }
  // As who may do anything.
  void mend() {
    const testbed::RepairSteps steps = compare();
    EXPECT_EQ(steps.run(target.uri(), encoding), "") << steps.text();
    EXPECT_EQ(steps.remarks(), "");
    expect_same();
  }
  void expect_same() const { EXPECT_EQ(testbed::fingerprint(target.uri()), testbed::fingerprint(source.uri())); }

  testbed::Database source;
  testbed::Database target;
  std::string encoding;
  api::Verification found;
};

// ---------------------------------------------------------------------------------------------- keys

class ARespelledKey : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(ARespelledKey, is_mended_in_place_whatever_refers_to_it) {
  const std::vector<std::string>& type = GetParam();
  Ends ends;
  ends.both(
      "CREATE EXTENSION citext; CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = "
      "false); CREATE TABLE t (k " +
      type[0] + " PRIMARY KEY, a text, b int UNIQUE); CREATE TABLE child (k " + type[0] +
      " REFERENCES t ON UPDATE CASCADE ON DELETE CASCADE)");
  for (const bool with_more : {false, true}) {
    ends.both("TRUNCATE t, child");
    ends.source.exec("INSERT INTO t VALUES ('" + type[1] + "', 'x', 1); INSERT INTO child VALUES ('" + type[1] + "')");
    ends.target.exec("INSERT INTO t VALUES ('" + type[2] + "', '" + (with_more ? "y" : "x") + "', " +
                     (with_more ? "2" : "1") + "); INSERT INTO child VALUES ('" + type[1] + "')");
    const testbed::RepairSteps steps = ends.compare();
    EXPECT_EQ(steps.text().find("INSERT") == std::string::npos, !with_more) << steps.text();
    EXPECT_EQ(steps.run(ends.target.uri()), "");
    ends.expect_same();
  }
}

INSTANTIATE_TEST_SUITE_P(OfAnyType, ARespelledKey,
                         testing::Values(std::vector<std::string>{"citext", "b", "B"},
                                         std::vector<std::string>{"numeric", "1.0", "1.00"},
                                         std::vector<std::string>{"numeric[]", "{1.0}", "{1.00}"},
                                         std::vector<std::string>{"jsonb", "2.0", "2.00"},
                                         std::vector<std::string>{"float8", "0", "-0"},
                                         std::vector<std::string>{"interval", "1 day", "24 h"},
                                         std::vector<std::string>{"text COLLATE caseless", "b", "B"}));

TEST(Repairs, leave_a_row_alone_that_the_target_takes_for_another_of_the_source) {
  Ends ends;
  ends.target.exec("CREATE EXTENSION citext; CREATE TABLE t (k citext PRIMARY KEY); INSERT INTO t VALUES ('a')");
  ends.source.exec("CREATE EXTENSION citext; CREATE TABLE t (k text PRIMARY KEY); INSERT INTO t VALUES ('a'), ('A')");
  const testbed::RepairSteps steps = ends.compare();
  EXPECT_EQ(steps.text(), "");
  EXPECT_EQ(steps.mends(), 0U);
  EXPECT_EQ(steps.remarks(),
            "public.t: k='A' is not mended: the target takes its key for that of another row, which the source has "
            "too\n");
}

TEST(Repairs, respell_one_row_for_one_of_the_source) {
  Ends ends;
  ends.target.exec("CREATE EXTENSION citext; CREATE TABLE t (k citext PRIMARY KEY); INSERT INTO t VALUES ('aBc')");
  ends.source.exec(
      "CREATE EXTENSION citext; CREATE TABLE t (k text PRIMARY KEY); INSERT INTO t VALUES ('abc'), ('ABC')");
  const testbed::RepairSteps steps = ends.compare();
  EXPECT_EQ(steps.run(ends.target.uri()), "") << steps.text();
  const std::string left = ends.target.scalar("SELECT string_agg(k::text, ',') FROM t");
  EXPECT_TRUE(left == "abc" || left == "ABC") << left;
  EXPECT_EQ(steps.mends(), 2U) << "that one is missing, and that the other is too many";
  EXPECT_EQ(steps.remarks(), "public.t: k='" + std::string(left == "abc" ? "ABC" : "abc") +
                                 "' is not mended: the target takes its key for that of another row, which the source "
                                 "has too\n");
}

TEST(Repairs, keep_one_row_of_a_key_that_the_target_has_several_times) {
  Ends ends;
  ends.source.exec("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')");
  ends.target.exec(
      "CREATE TABLE t (id int NOT NULL, a text); INSERT INTO t VALUES (1, 'x'), (1, 'x'), (2, 'a'), (2, 'b'), (2, 'y'),"
      " (4, 'n'), (4, 'n'), (4, 'm')");
  ends.mend();
}

TEST(Repairs, keep_what_only_the_target_has_of_a_row) {
  Ends ends;
  ends.source.exec("CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE); INSERT INTO t VALUES (1, 10), (2, 20)");
  ends.target.exec(
      "CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, own text); INSERT INTO t VALUES (1, 11, 'kept'), (2, 20, "
      "'b')");
  const testbed::RepairSteps steps = ends.compare();
  EXPECT_EQ(steps.run(ends.target.uri()), "");
  EXPECT_EQ(ends.target.scalar("SELECT string_agg(t::text, ' ' ORDER BY id) FROM t"), "(1,10,kept) (2,20,b)");
}

TEST(Repairs, of_a_table_without_a_key_remove_rows_that_hold_just_this) {
  Ends ends;
  ends.both(
      "CREATE TABLE t (a numeric, b text, c text[], d char(4), e jsonb, g int GENERATED ALWAYS AS (length(b)) STORED)");
  ends.both("INSERT INTO t VALUES (1.0, '', '{}', 'x', '{\"a\": 1}'), (NULL, NULL, NULL, NULL, NULL)");
  ends.target.exec(
      "INSERT INTO t VALUES (1.00, '', '{}', 'x', '{\"a\": 1}'), (1.0, NULL, '{}', 'x', '{\"a\": 1}'),"
      " (1.0, NULL, '{}', 'x', '{\"a\": 1}'), (NULL, NULL, NULL, NULL, 'null'), (NULL, NULL, NULL, NULL, NULL)");
  const testbed::RepairSteps steps = ends.compare();
  EXPECT_EQ(steps.text().find("hash"), std::string::npos) << "a hash may be that of another row";
  EXPECT_EQ(steps.mends(), 5U);
  EXPECT_EQ(steps.run(ends.target.uri()), "");
  ends.expect_same();
}

TEST(Repairs, hold_bytes_that_are_in_no_encoding) {
  Ends ends(17, 18, "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
  ends.both("CREATE TABLE t (id int PRIMARY KEY, a text)");
  const std::string insert = "SET client_encoding = SQL_ASCII; INSERT INTO t VALUES (1, E'caf\\xe9'), (2, ";
  ends.source.exec(insert + "E'\\xff')");
  ends.target.exec(insert + "'')");
  ends.mend();
}

// ---------------------------------------------------------------------------------------------- what acts

constexpr const char* acting =
    "CREATE TABLE log (what text); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO public.log VALUES (TG_OP || ' ' || TG_TABLE_NAME); RETURN coalesce(NEW, OLD); END $$;";

TEST(Repairs, of_a_role_that_may_not_silence_what_acts_change_nothing_and_say_why) {
  Ends ends(17, 18);
  server(18).exec("postgres", "DROP ROLE IF EXISTS mender; CREATE ROLE mender LOGIN PASSWORD 'm'");
  ends.both("CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE)");
  ends.source.exec("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)");
  ends.target.exec(
      "INSERT INTO t VALUES (1, 20), (2, 10), (4, 40); CREATE TABLE u (id int REFERENCES t); INSERT INTO u VALUES (1), "
      "(4);" +
      std::string("GRANT ALL ON t, u TO mender; GRANT ALL ON SCHEMA public TO mender"));
  const std::string uri = server(18).tcp_uri(ends.target.name(), "mender", "m");
  const std::string rows = "SELECT string_agg(t::text, ' ' ORDER BY id) FROM t";
  const std::string before = ends.target.scalar(rows);
  const testbed::RepairSteps steps = ends.compare();
  EXPECT_THAT(steps.run(uri), HasSubstr("violates foreign key constraint"));
  ends.target.exec(
      "ALTER TABLE u DROP CONSTRAINT u_id_fkey; ALTER TABLE u ADD FOREIGN KEY (id) REFERENCES t ON DELETE CASCADE");
  EXPECT_THAT(steps.run(uri),
              HasSubstr("role mender may not set session_replication_role, and foreign key u_id_fkey of "
                        "public.u would act on what the statements do"));
  EXPECT_EQ(ends.target.scalar(rows), before);
  ends.target.exec("ALTER TABLE u DROP CONSTRAINT u_id_fkey");
  EXPECT_EQ(steps.run(uri), "") << "nothing acts any more";
  EXPECT_EQ(ends.target.scalar(rows), ends.source.scalar(rows));
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM u"), "2");
  ends.target.exec(std::string(acting) +
                   "CREATE TRIGGER note BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note();"
                   "GRANT ALL ON log TO mender; UPDATE t SET a = 5 WHERE id = 1; TRUNCATE log");
  const testbed::RepairSteps again = ends.compare();
  EXPECT_THAT(again.run(uri), HasSubstr("trigger note of public.t would act"));
  ends.target.exec("GRANT SET ON PARAMETER session_replication_role TO mender");
  EXPECT_EQ(again.run(uri), "");
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM log"), "0");
  ends.target.exec("REVOKE SET ON PARAMETER session_replication_role FROM mender; DROP OWNED BY mender");
  server(18).exec("postgres", "DROP ROLE mender");
}

TEST(Repairs, name_a_trigger_that_acts_on_replicas_too) {
  Ends ends;
  ends.both(
      "CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY LIST (id); CREATE TABLE t1 PARTITION OF t DEFAULT");
  ends.source.exec("INSERT INTO t VALUES (1, 1)");
  ends.target.exec(std::string(acting) +
                   "CREATE TRIGGER note AFTER INSERT ON t1 FOR EACH ROW EXECUTE FUNCTION note();"
                   "ALTER TABLE t1 ENABLE ALWAYS TRIGGER note");
  const testbed::RepairSteps steps = ends.compare();
  EXPECT_THAT(steps.run(ends.target.uri()), HasSubstr("nothing was mended: trigger note of public.t1 would act"));
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM t"), "0");
}

TEST(Repairs, break_no_constraint_that_the_role_of_a_replica_does_not_enforce) {
  Ends ends(18, 18);
  ends.both(
      "CREATE TABLE parent (id int, region int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);"
      "CREATE TABLE parent1 PARTITION OF parent FOR VALUES IN (1); CREATE TABLE parent2 PARTITION OF parent DEFAULT;"
      "CREATE TABLE child (id int PRIMARY KEY, p int, r int, FOREIGN KEY (p, r) REFERENCES parent);"
      "CREATE TABLE one (id int PRIMARY KEY, a int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
      "CREATE TABLE apart (id int PRIMARY KEY, r int4range, EXCLUDE USING gist (r WITH &&) WHERE (id > 0) DEFERRABLE);"
      "CREATE TABLE period (id int4range, at daterange, PRIMARY KEY (id, at WITHOUT OVERLAPS));"
      "CREATE TABLE within (n int PRIMARY KEY, id int4range, at daterange,"
      " FOREIGN KEY (id, PERIOD at) REFERENCES period (id, PERIOD at))");
  ends.source.exec(
      "INSERT INTO parent VALUES (1, 1), (2, 2); INSERT INTO child VALUES (1, 1, 1), (2, 2, 2), (3, 2, NULL);"
      "INSERT INTO one VALUES (1, 7), (2, NULL), (3, NULL); INSERT INTO apart VALUES (1, '[1,5)'), (0, '[1,5)'), (2, "
      "'[5,9)');"
      "INSERT INTO period VALUES ('[1,1]', '[2020-01-01,2021-01-01)'), ('[1,1]', '[2021-01-01,2022-01-01)');"
      "INSERT INTO within VALUES (1, '[1,1]', '[2020-06-01,2021-06-01)')");
  const testbed::RepairSteps steps = ends.compare();
  const std::vector<std::pair<std::string, std::string>> meanwhile{
      {"INSERT INTO one VALUES (9, 7)", "one_a_key of public.one"},
      {"INSERT INTO apart VALUES (9, '[4,5)')", "apart_r_excl of public.apart"}};
  for (const auto& [change, broken] : meanwhile) {
    ends.target.exec(change);
    EXPECT_THAT(steps.run(ends.target.uri()), HasSubstr("constraint " + broken + " would not hold"));
    ends.target.exec("DELETE FROM one; DELETE FROM apart");
    EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM parent"), "0");
  }
  EXPECT_EQ(steps.run(ends.target.uri()), "");
  ends.expect_same();
  for (const std::string gone : {"parent WHERE id = 2", "period WHERE at @> '2021-02-01'::date"}) {
    ends.source.exec("SET session_replication_role = replica; DELETE FROM " + gone);
    const testbed::RepairSteps orphans = ends.compare();
    EXPECT_THAT(orphans.run(ends.target.uri()), HasSubstr("would not hold")) << gone;
  }
}

// ---------------------------------------------------------------------------------------------- what is not mended

TEST(Repairs, say_what_they_do_not_mend) {
  Ends ends;
  ends.source.exec(
      "CREATE TABLE absent (id int PRIMARY KEY); INSERT INTO absent VALUES (1), (2);"
      "CREATE TABLE shown (id int PRIMARY KEY); INSERT INTO shown VALUES (1);"
      "CREATE TABLE narrow (id int PRIMARY KEY, \"a\n\\! b\" int); INSERT INTO narrow VALUES (1, 2);"
      "CREATE TABLE computed (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 1) STORED);"
      "INSERT INTO computed VALUES (1, 2)");
  ends.target.exec(
      "CREATE VIEW shown AS SELECT 1 AS id; CREATE TABLE narrow (id int PRIMARY KEY);"
      "CREATE TABLE computed (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 2) STORED);"
      "INSERT INTO computed VALUES (1, 2)");
  const testbed::RepairSteps steps = ends.compare();
  EXPECT_EQ(steps.text(), "");
  EXPECT_EQ(steps.mends(), 0U);
  EXPECT_THAT(steps.remarks(), HasSubstr("table public.absent is not mended: the target has no such table"));
  EXPECT_THAT(steps.remarks(), HasSubstr("table public.shown is not mended: "));
  EXPECT_THAT(steps.remarks(), HasSubstr("table public.narrow is not mended: the target lacks column a \\! b"));
  EXPECT_THAT(steps.remarks(),
              HasSubstr("public.computed: id=1 is not mended: only columns differ that the target computes"));
}

// ---------------------------------------------------------------------------------------------- drawn

// One end's rows of tables whose rows are in each other's way.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  // Of 0..19, in any order.
  std::vector<int> some() {
    std::vector<int> all(20);
    for (int each = 0; each < 20; ++each) all[static_cast<std::size_t>(each)] = each;
    std::shuffle(all.begin(), all.end(), random_);
    return all;
  }
  std::string rows(int major);

 private:
  std::mt19937_64 random_;
};

std::string text(int number) {
  return std::to_string(number);
}

std::string Draw::rows(int major) {
  std::string sql = "SET session_replication_role = replica;";
  const std::vector<int> ids = some(), a = some(), b = some(), r = some(), w = some();
  std::vector<int> above;
  const std::size_t count = static_cast<std::size_t>(below(20));
  for (std::size_t each = 0; each < count; ++each) {
    const std::string id = text(ids[each]);
    const std::string other = a[each] == 0 ? "NULL" : text(a[each]);
    sql += "INSERT INTO u VALUES (" + id + ", " + text(a[each]) + ", " + text(b[each]) + ", " + text(below(2)) + ");";
    sql += "INSERT INTO n VALUES (" + id + ", " + other + ");";
    sql += "INSERT INTO x VALUES (" + id + ", int4range(" + text(10 * r[each]) + ", " + text(10 * r[each] + 8) +
           "), '" + text(r[each]) + "');";
    if (major >= 18)
      sql += "INSERT INTO w VALUES (int4range(" + text(w[each] % 3) + ", " + text(w[each] % 3 + 1) +
             "), daterange('2020-01-01'::date + " + text(w[each] * 10) + ", '2020-01-01'::date + " +
             text(w[each] * 10 + 1 + below(10)) + "), " + text(below(2)) + ");";
    above.push_back(ids[each]);
    const int parent = below(4) == 0 ? -1 : above[static_cast<std::size_t>(below(static_cast<int>(above.size())))];
    sql += "INSERT INTO s VALUES (" + id + ", " + (parent < 0 ? "NULL" : text(parent)) + ", " + text(below(2)) + ");";
    const std::vector<std::string> spellings{"", ".0", ".00"};
    const std::string k = id + spellings[static_cast<std::size_t>(below(3))];
    sql += "INSERT INTO par VALUES (" + k + ", " + text(below(2)) + ", " + text(a[each]) + ");";
    if (below(2) == 0)
      sql += "INSERT INTO ch VALUES (" + id + ", " + id + spellings[static_cast<std::size_t>(below(3))] + ");";
    sql += "INSERT INTO part VALUES (" + id + ", " + text(below(3)) + ", " + text(b[each]) + ");";
    sql += "INSERT INTO e VALUES (" + id + ", 'Q" + text(a[each]) + "', " + text(below(2)) + ");";
  }
  return sql;
}

std::string tables(int major) {
  std::string sql =
      std::string(acting) +
      "CREATE TABLE u (id int PRIMARY KEY, a int UNIQUE, b int UNIQUE DEFERRABLE INITIALLY DEFERRED, c int);"
      "CREATE TABLE n (id int PRIMARY KEY, a int, UNIQUE " +
      (major >= 15 ? "NULLS NOT DISTINCT " : "") +
      "(a));"
      "CREATE TABLE x (id int PRIMARY KEY, r int4range, k text, EXCLUDE USING gist (r WITH &&),"
      " EXCLUDE (k WITH =) DEFERRABLE INITIALLY DEFERRED);"
      "CREATE TABLE s (id int PRIMARY KEY, parent int REFERENCES s ON DELETE CASCADE ON UPDATE CASCADE, c int);"
      "CREATE TABLE par (k numeric PRIMARY KEY, c int, a int UNIQUE);"
      "CREATE TABLE ch (id int PRIMARY KEY, k numeric REFERENCES par ON DELETE CASCADE ON UPDATE CASCADE);"
      "CREATE TABLE part (id int, p int, a int, PRIMARY KEY (id, p), UNIQUE (a, p)) PARTITION BY LIST (p);"
      "CREATE TABLE part0 PARTITION OF part FOR VALUES IN (0); CREATE TABLE part1 PARTITION OF part DEFAULT;"
      "CREATE TABLE e (id int PRIMARY KEY, k text, c int); CREATE UNIQUE INDEX ON e (lower(k)) WHERE c < 5;";
  if (major >= 18) sql += "CREATE TABLE w (id int4range, at daterange, c int, PRIMARY KEY (id, at WITHOUT OVERLAPS));";
  std::vector<std::string> all{"u", "n", "x", "s", "par", "ch", "part0", "part1", "e"};
  if (major >= 18) all.push_back("w");
  for (const std::string& table : all)
    sql +=
        "CREATE TRIGGER note BEFORE INSERT OR UPDATE OR DELETE ON " + table + " FOR EACH ROW EXECUTE FUNCTION note();";
  return sql;
}

class RowsInEachOthersWay : public testing::TestWithParam<std::uint64_t> {};

INSTANTIATE_TEST_SUITE_P(AtRandom, RowsInEachOthersWay, testing::ValuesIn(testbed::seeds()));

TEST_P(RowsInEachOthersWay, are_mended) {
  std::cout << "TRIBUTARY_SEED=" << GetParam() << std::endl;
  SCOPED_TRACE("TRIBUTARY_SEED=" + std::to_string(GetParam()));
  Draw draw(GetParam());
  const int from = 12 + draw.below(7);
  const int to = 12 + draw.below(7);
  Ends ends(from, to);
  const int common = std::min(from, to);
  ends.both(tables(common));
  ends.source.exec(draw.rows(common));
  ends.target.exec(draw.rows(common));
  ends.mend();
  EXPECT_EQ(ends.target.scalar("SELECT count(*) FROM log"), "0") << "a trigger has acted";
  const testbed::RepairSteps nothing = ends.compare();
  EXPECT_EQ(nothing.text(), "");
}

}  // namespace
}  // namespace tributary::postgres::verify

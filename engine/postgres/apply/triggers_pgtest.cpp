#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/apply/testing/applying.h"
#include "engine/postgres/testing/snapshot.h"

// Triggers and rules of the target that would write beside the stream, or change what it writes.
namespace tributary::postgres::apply {
namespace {

using pipeline::ApplyMode;
using testbed::Applying;
using testbed::ChangeLog;
using testbed::LogTablePtr;
using testbed::soon;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* audited =
    "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE seen (what text);"
    "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS"
    "  'BEGIN INSERT INTO seen VALUES (TG_OP); RETURN NEW; END';";

class AnApplierAmongTriggers : public Applying {
 protected:
  void become_a_plain_writer() {
    applier_.reset();
    replica_->database().exec(
        "DO $$BEGIN CREATE ROLE plain_writer LOGIN PASSWORD 'pw'; EXCEPTION WHEN duplicate_object THEN NULL; END$$;"
        "GRANT USAGE ON SCHEMA _tributary TO plain_writer;"
        "GRANT ALL ON ALL TABLES IN SCHEMA _tributary, public TO plain_writer");
    applier_ = replica_->open_as("plain_writer", "pw");
  }
  std::string why_stopped_by_an_insert(const std::string& table, const testbed::Cells& row) {
    return why_stopped(ChangeLog().begin().insert(log(table), row).commit());
  }
};
// What partitions have of triggers above them is internal on 12.
INSTANTIATE_TEST_SUITE_P(Majors, AnApplierAmongTriggers,
                         ::testing::Combine(::testing::Values(12, 13, 15, 17, 18),
                                            ::testing::Values(ApplyMode::ordered, ApplyMode::coalesced)));

TEST_P(AnApplierAmongTriggers, stops_a_table_whose_triggers_or_rules_would_fire_and_goes_on_with_the_others) {
  follow(std::string(audited) +
         "CREATE TRIGGER \"See it\" AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION see();"
         "CREATE TRIGGER at_all AFTER TRUNCATE ON t EXECUTE FUNCTION see();"
         "CREATE TRIGGER never AFTER INSERT ON t EXECUTE FUNCTION see();"
         "CREATE RULE twice AS ON UPDATE TO t DO ALSO INSERT INTO seen VALUES ('rule');"
         "ALTER TABLE t ENABLE ALWAYS TRIGGER \"See it\", ENABLE REPLICA TRIGGER at_all, ENABLE REPLICA RULE twice");
  ChangeLog changes;
  changes.begin().insert(log("u"), {"1"}).insert(log("t"), {"1", "a"}).commit();
  EXPECT_EQ(why_stopped(changes),
            "t: on the target, trigger \"See it\", trigger at_all and rule twice of public.t would fire for what is "
            "written to it: ALTER TABLE public.t DISABLE TRIGGER \"See it\", DISABLE TRIGGER at_all, DISABLE RULE twice"
            " there, then copy the table again");
  ASSERT_TRUE(applier_->stop(*applier_->stopped(), soon()));
  ASSERT_TRUE(try_to_apply(changes.batch()));
  EXPECT_EQ(all("u"), "1\n");
  EXPECT_EQ(all("t") + all("seen"), "");
  EXPECT_THAT(replica_->ledger(), HasSubstr("ALTER TABLE public.t DISABLE TRIGGER"));
}

TEST_P(AnApplierAmongTriggers, stops_a_table_before_it_is_truncated) {
  follow(std::string(audited) +
             "CREATE TRIGGER see BEFORE TRUNCATE ON t EXECUTE FUNCTION see(); ALTER TABLE t ENABLE ALWAYS TRIGGER see",
         "INSERT INTO t VALUES (1, 'a')");
  EXPECT_THAT(why_stopped(ChangeLog().begin().truncate({log("t")}).commit()),
              StartsWith("t: on the target, trigger see of public.t would fire"));
  EXPECT_EQ(all("t"), "1|a\n");
}

// As on a managed server whose roles may not say session_replication_role.
TEST_P(AnApplierAmongTriggers, stops_a_table_with_an_ordinary_trigger_where_its_role_may_not_be_a_replica) {
  follow(std::string(audited) +
         "CREATE TABLE r (id int PRIMARY KEY, t int REFERENCES t);"
         "CREATE TRIGGER see AFTER INSERT ON u FOR EACH STATEMENT EXECUTE FUNCTION see();"
         "CREATE TRIGGER see AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION see();"
         "ALTER TABLE t ENABLE REPLICA TRIGGER see");
  become_a_plain_writer();
  const std::string why = why_stopped_by_an_insert("u", {"1"});
  EXPECT_THAT(why, StartsWith("u: on the target, trigger see of public.u would fire"));
  EXPECT_THAT(why, HasSubstr("since role plain_writer may not set session_replication_role"));
  if (std::get<0>(GetParam()) >= 15) {
    EXPECT_THAT(why, HasSubstr("GRANT SET ON PARAMETER session_replication_role TO plain_writer"));
  }
  EXPECT_THAT(why, HasSubstr("ALTER TABLE public.u DISABLE TRIGGER see"));
  ASSERT_TRUE(
      try_to_apply(ChangeLog().begin().insert(log("t"), {"1", "a"}).insert(log("r"), {"1", "1"}).commit().batch()))
      << "neither a trigger of replicas nor a foreign key is in the way";
  EXPECT_EQ(all("seen"), "");
}

TEST_P(AnApplierAmongTriggers, looks_at_the_triggers_that_fire_in_partitions) {
  follow(std::string(audited) +
         "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
         "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
         "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
         "CREATE TRIGGER of_all AFTER INSERT ON p EXECUTE FUNCTION see();"
         "ALTER TABLE ONLY p ENABLE ALWAYS TRIGGER of_all;"
         "CREATE TRIGGER of_rows AFTER INSERT ON p FOR EACH ROW EXECUTE FUNCTION see();"
         "ALTER TABLE p2 ENABLE ALWAYS TRIGGER of_rows");
  ASSERT_TRUE(try_to_apply(ChangeLog().begin().insert(log("p1"), {"1"}).commit().batch()));
  EXPECT_THAT(why_stopped(ChangeLog({0x2000}).begin().insert(log("p2"), {"11"}).commit()),
              StartsWith("p2: on the target, trigger of_rows of public.p2 would fire"));
  EXPECT_THAT(why_stopped(ChangeLog({0x2000}).begin().insert(log("p"), {"2"}).commit()),
              HasSubstr("ALTER TABLE public.p DISABLE TRIGGER of_all; ALTER TABLE public.p2 DISABLE TRIGGER of_rows"));
  EXPECT_EQ(all("seen"), "");
}

TEST_P(AnApplierAmongTriggers, stops_a_table_that_gets_one_while_it_is_followed) {
  follow(audited);
  const LogTablePtr t = log("t");
  ASSERT_TRUE(try_to_apply(ChangeLog().begin().insert(t, {"1", "a"}).insert(log("u"), {"1"}).commit().batch()));
  replica_->database().exec(
      "CREATE TRIGGER see AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION see(); ALTER TABLE t ENABLE ALWAYS TRIGGER "
      "see");
  ChangeLog changes({0x2000});
  changes.begin().insert(log("u"), {"2"}).insert(t, {"2", "a"}).commit();
  EXPECT_THAT(why_stopped(changes), StartsWith("t: on the target, trigger see of public.t would fire"));
  ASSERT_TRUE(applier_->stop(*applier_->stopped(), soon()));
  ASSERT_TRUE(try_to_apply(changes.batch()));
  EXPECT_EQ(all("t") + all("u") + all("seen"), "1|a\n1\n2\n");
}

TEST_P(AnApplierAmongTriggers, stops_a_table_that_gets_one_amid_a_transaction) {
  follow(audited);
  ChangeLog first;
  first.begin().insert(log("u"), {"1"});
  ASSERT_TRUE(applier_->apply(first.batch(), mode(), soon()));
  replica_->database().exec(
      "CREATE TRIGGER see AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION see(); ALTER TABLE t ENABLE ALWAYS TRIGGER "
      "see");
  EXPECT_THAT(why_stopped(ChangeLog().insert(log("t"), {"1", "a"}).commit()),
              StartsWith("t: on the target, trigger see of public.t would fire"));
  EXPECT_EQ(all("t") + all("u") + all("seen"), "");
}

// What is written in sets is written at the end of the transaction, until when nobody who enables a trigger waits.
TEST_P(AnApplierAmongTriggers, looks_behind_the_last_change) {
  follow(audited);
  const LogTablePtr t = log("t");
  ASSERT_TRUE(try_to_apply(ChangeLog().begin().insert(t, {"1", "a"}).commit().batch()));
  replica_->database().exec("CREATE TRIGGER see AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION see()");
  ChangeLog changes({0x2000});
  changes.begin().insert(t, {"2", "a"});
  ASSERT_TRUE(applier_->apply(changes.batch(), mode(), soon()));
  const std::string enable = "SET lock_timeout = '300ms'; ALTER TABLE t ENABLE ALWAYS TRIGGER see";
  if (mode() == ApplyMode::ordered) {
    testbed::wait_until("the change that is on its way is written", [&] {
      return replica_->database().scalar("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND granted") !=
             "0";
    });
    EXPECT_THROW(replica_->database().exec(enable), std::exception) << "who enables one waits for who has written";
    return;
  }
  replica_->database().exec(enable);
  EXPECT_THAT(why_stopped(ChangeLog({0x2000}).commit()), StartsWith("t: on the target, trigger see of public.t"));
  EXPECT_EQ(all("t") + all("seen"), "1|a\n");
}

}  // namespace
}  // namespace tributary::postgres::apply

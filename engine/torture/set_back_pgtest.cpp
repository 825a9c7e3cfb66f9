#include <gtest/gtest.h>

#include "engine/postgres/testing/snapshot.h"
#include "engine/torture/trial.h"

// A target whose files are put back as they were some time ago, while its source went on. Positions tell what is right:
// what the source still has is sent again; over a gap nothing is applied.
namespace tributary::torture {
namespace {

class ATargetThatIsSetBack : public ::testing::TestWithParam<int> {
 protected:
  ATargetThatIsSetBack() {
    trial.pair.source.exec("CREATE TABLE t (id serial PRIMARY KEY, n int); INSERT INTO t (n) VALUES (0), (0)");
    trial.copy();
    change_and_stop();
    trial.pair.to.stop();
    trial.pair.to.back_up();
    trial.pair.to.start();
  }

  // A sync that has applied some changes, and said so to the source.
  void change_and_stop() {
    trial.start();
    trial.pair.source.exec(
        "INSERT INTO t (n) SELECT 0 FROM generate_series(1, 5); UPDATE t SET n = n + 1; DELETE FROM t WHERE id % 5 = "
        "0");
    trial.pair.wait_until_applied();
    EXPECT_EQ(trial.stop(), 0) << trial.log();
    testbed::wait_until("the slot is free", [&] {
      return trial.pair.source.scalar(
                 "SELECT count(*) FROM pg_replication_slots WHERE active AND database = "
                 "current_database()") == "0";
    });
  }

  void set_back() {
    trial.pair.to.stop();
    trial.pair.to.set_back();
    trial.pair.to.start();
  }

  Trial trial{"set_back", GetParam(), GetParam()};
};

INSTANTIATE_TEST_SUITE_P(OfMajor, ATargetThatIsSetBack, ::testing::Values(13, 15, 17, 18));

TEST_P(ATargetThatIsSetBack, follows_on_from_there_where_the_slot_still_has_what_it_lacks) {
  // As if the source had never heard of what was applied since.
  const auto put = [&](const char* from, const char* to) {
    trial.pair.source.exec(std::string("SELECT pg_copy_logical_replication_slot(") + from + ", " + to + ")");
  };
  const std::string own = "'" +
                          trial.pair.source.scalar(
                              "SELECT slot_name FROM pg_replication_slots WHERE database = "
                              "current_database()") +
                          "'";
  put(own.c_str(), "'unheard'");
  change_and_stop();
  trial.pair.source.exec("SELECT pg_drop_replication_slot(" + own + ")");
  put("'unheard'", own.c_str());
  trial.pair.source.exec("SELECT pg_drop_replication_slot('unheard')");
  set_back();
  ASSERT_FALSE(trial.is_lost());
  change_and_stop();
  EXPECT_EQ(difference(trial), "");
}

TEST_P(ATargetThatIsSetBack, is_refused_where_the_slot_was_confirmed_beyond_it_until_all_is_copied_anew) {
  change_and_stop();
  set_back();
  ASSERT_TRUE(trial.is_lost());
  const std::string before = trial.pair.target.scalar("SELECT sum(n) FROM t");
  trial.start();
  EXPECT_EQ(trial.wait(), 4) << trial.log();
  EXPECT_NE(trial.log().find("those between are not sent any more"), std::string::npos) << trial.log();
  EXPECT_EQ(trial.run("status").code, 4);
  EXPECT_EQ(trial.pair.target.scalar("SELECT sum(n) FROM t"), before) << "nothing is applied over a gap";
  trial.copy({"--drop-existing", "--yes"});
  EXPECT_EQ(difference(trial), "");
  change_and_stop();
  EXPECT_EQ(difference(trial), "");
}

}  // namespace
}  // namespace tributary::torture

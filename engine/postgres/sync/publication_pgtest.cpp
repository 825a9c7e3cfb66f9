#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/postgres/sync/sync_servers.h"
#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"

// Publications that are altered after the stream was made: what they leave out is told of, and copied again.
namespace tributary::postgres::sync {
namespace {

using testbed::done;
using testbed::Following;
using testbed::reason_of;
using testbed::state_of;
using testbed::StreamPair;
using testbed::wait_until;
using testbed::wait_until_back;
using ::testing::HasSubstr;

constexpr Milliseconds often{50};
// Only the catalog's fingerprint calls for a look.
constexpr Seconds seldom{3'600};

constexpr const char* tables =
    "CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE c (id int PRIMARY KEY, n int);"
    "CREATE TABLE e (id int PRIMARY KEY, n int); INSERT INTO a SELECT i, i FROM generate_series(1, 9) i;"
    "INSERT INTO c SELECT * FROM a; INSERT INTO e SELECT * FROM a;";
constexpr const char* writes =
    "; UPDATE a SET n = -n; DELETE FROM a WHERE id = 3; INSERT INTO c VALUES (50, 50); UPDATE c SET n = 7 WHERE id = 2;"
    "INSERT INTO e VALUES (50, 50)";

// A stream looks when something has come of it.
constexpr const char* mark = "INSERT INTO mark DEFAULT VALUES";

struct Change {
  const char* name;
  int since;
  const char* change;  // of publication $
  const char* table;   // that it does not carry whole any more
  const char* words;   // of the reason
};

const Change changes[] = {
    {"operations", 13, "ALTER PUBLICATION $ SET (publish = 'insert')", "a",
     "does not publish update, delete, truncate"},
    {"table", 13, "ALTER PUBLICATION $ DROP TABLE c", "c", "does not carry it"},
    {"filter", 15, "ALTER PUBLICATION $ SET TABLE mark, a, c WHERE (id < 10), e", "c", "a row filter or a column list"},
    {"columns", 15, "ALTER PUBLICATION $ SET TABLE mark, a (id), c, e", "a", "a row filter or a column list"},
};

struct Case {
  int source;
  int target;
  const Change* change;
};

void PrintTo(const Case& each, std::ostream* out) {
  *out << each.source << " to " << each.target << ": " << each.change->change;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto& [source, target] : {std::pair{13, 15}, std::pair{18, 18}})
    for (const Change& each : changes)
      if ((source < 15) == (each.since < 15)) cases.push_back({source, target, &each});
  return cases;
}

// What the reason tells its reader to run.
std::string remedy_in(const std::string& reason) {
  const std::string before = "run on the source: ";
  const std::size_t at = reason.find(before);
  return at == std::string::npos ? "" : reason.substr(at + before.size());
}

bool same_rows(const StreamPair& pair) {
  return testbed::fingerprint(pair.source.uri()) == testbed::fingerprint(pair.target.uri());
}

class AChangedPublication : public ::testing::TestWithParam<Case> {
 protected:
  void make(const std::string& publication) {
    pair_.source.exec(tables);
    if (!publication.empty()) pair_.source.exec("CREATE PUBLICATION " + publication + " FOR TABLE mark, a, c, e");
    init_ = pair_.spec(api::Mode::snapshot_and_sync);
    sync_ = pair_.spec(api::Mode::sync);
    init_.sync.publication = sync_.sync.publication = publication;
    ASSERT_TRUE(done(testbed::snapshot(init_)));
    publication_ = pair_.source.scalar("SELECT quote_ident(pubname) FROM pg_publication");
  }

  // With what is written then, which it does not publish.
  void change() {
    std::string sql = GetParam().change->change;
    sql.replace(sql.find('$'), 1, publication_);
    pair_.source.exec(sql + writes);
    pair_.source.exec(mark);
  }

  // A stream that is given something comes to its looks without delay.
  void wait_among_writes(const std::string& table, const std::string& state) {
    wait_until(table + " is " + state, [&] {
      pair_.source.exec(mark);
      return testbed::state_of(pair_, table) == state;
    });
  }

  // Until the person who reads the reason has done as it says.
  void expect_told_and_mended() {
    const std::string table = GetParam().change->table;
    wait_among_writes(table, "not_streamed");
    const std::string reason = reason_of(pair_, table);
    EXPECT_THAT(reason, HasSubstr(GetParam().change->words));
    ASSERT_NE(remedy_in(reason), "") << reason;
    pair_.source.exec(remedy_in(reason));
    wait_among_writes(table, "followed");
    pair_.source.exec("UPDATE a SET n = n + 1; DELETE FROM c WHERE id = 50");
    wait_until("all are equal", [&] { return same_rows(pair_); });
  }

  void expect_mended_by_itself() {
    wait_until("all are equal", [&] {
      pair_.source.exec(mark);
      pair_.wait_until_applied();
      return same_rows(pair_);
    });
    for (const char* each : {"a", "c", "e", "mark"}) wait_until_back(pair_, each);
    pair_.source.exec("UPDATE a SET n = n + 1; DELETE FROM c WHERE id = 50");
    pair_.wait_until_applied();
    EXPECT_TRUE(same_rows(pair_));
  }

  StreamPair pair_{"published", GetParam().source, GetParam().target};
  api::Spec init_;
  api::Spec sync_;
  std::string publication_;
};

INSTANTIATE_TEST_SUITE_P(Of, AChangedPublication, ::testing::ValuesIn(all_cases()), [](const auto& each) {
  return std::to_string(each.param.source) + "_" + each.param.change->name;
});

TEST_P(AChangedPublication, of_somebody_else_is_told_of_while_a_stream_follows) {
  make("pub");
  Following following(sync_, seldom);
  pair_.wait_until_applied();
  change();
  expect_told_and_mended();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST_P(AChangedPublication, of_somebody_else_is_told_of_when_a_stream_comes_late) {
  make("pub");
  change();
  Following following(sync_, often);
  expect_told_and_mended();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST_P(AChangedPublication, of_our_own_is_put_right_while_a_stream_follows) {
  make("");
  Following following(sync_, often);
  pair_.wait_until_applied();
  change();
  expect_mended_by_itself();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

TEST_P(AChangedPublication, of_our_own_is_put_right_when_a_stream_comes_late) {
  make("");
  change();
  Following following(sync_, often);
  expect_mended_by_itself();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// A recopy brings the publication to its own table: what the others have missed must not be forgotten over that.
TEST_P(AChangedPublication, of_our_own_is_put_right_though_another_table_is_copied_again_first) {
  make("");
  testbed::ask_for(pair_, "e");
  Following following(sync_, often);
  wait_until_back(pair_, "e");
  change();
  testbed::ask_for(pair_, "e");
  expect_mended_by_itself();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

class ADroppedPublication : public ::testing::TestWithParam<std::pair<int, int>> {
 protected:
  void make(const std::string& publication) {
    if (!publication.empty()) pair_.source.exec(create_);
    api::Spec init = pair_.spec(api::Mode::snapshot_and_sync);
    sync_ = pair_.spec(api::Mode::sync);
    init.sync.publication = sync_.sync.publication = publication;
    ASSERT_TRUE(done(testbed::snapshot(init)));
    drop_ = pair_.source.scalar("SELECT 'DROP PUBLICATION ' || quote_ident(pubname) FROM pg_publication");
  }
  void expect_lost(const api::Report& report) {
    EXPECT_TRUE(testbed::failed(report, api::ExitCode::lost_position, "publication"));
    EXPECT_EQ(report.reason, "PositionLost");
    EXPECT_THAT(report.hint, HasSubstr("take a new snapshot"));
  }

  StreamPair pair_{"unpublished", GetParam().first, GetParam().second};
  const std::string create_ = "CREATE PUBLICATION pub FOR TABLE mark";
  api::Spec sync_;
  std::string drop_;
};

INSTANTIATE_TEST_SUITE_P(Of, ADroppedPublication,
                         ::testing::Values(std::pair{13, 15}, std::pair{15, 18}, std::pair{17, 17}, std::pair{18, 18}),
                         [](const auto& each) { return std::to_string(each.param.first); });

TEST_P(ADroppedPublication, of_our_own_is_a_lost_position_while_a_stream_follows) {
  make("");
  Following following(sync_, often);
  pair_.wait_until_applied();
  pair_.source.exec(drop_);
  pair_.source.exec(mark);
  expect_lost(following.wait());
  EXPECT_EQ(pair_.source.scalar("SELECT count(*) FROM pg_publication"), "0") << "never made anew in silence";
}

TEST_P(ADroppedPublication, of_our_own_is_a_lost_position_when_a_stream_comes_late) {
  make("");
  pair_.source.exec(drop_);
  pair_.source.exec(mark);
  expect_lost(Following(sync_).wait());
  EXPECT_EQ(pair_.source.scalar("SELECT count(*) FROM pg_publication"), "0") << "never made anew in silence";
  const auto servers = make_sync_servers(sync_);
  const auto status = servers->status({pair_.source.name(), pair_.target.name()}, {Deadline::after(Seconds{60}), {}});
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_THAT(status->problem, HasSubstr("publication"));
}

TEST_P(ADroppedPublication, of_somebody_else_is_asked_for_and_then_is_a_lost_position_where_something_was_written) {
  make("pub");
  pair_.source.exec(drop_);
  const api::Report missing = Following(sync_).wait();
  EXPECT_TRUE(testbed::failed(missing, api::ExitCode::bad_configuration, "publication pub does not exist"));
  EXPECT_THAT(missing.hint, HasSubstr("only a new snapshot"));
  pair_.source.exec(mark);
  pair_.source.exec(create_);
  expect_lost(Following(sync_).wait());
}

TEST_P(ADroppedPublication, of_somebody_else_that_is_made_again_before_anything_is_written_is_gone_on_with) {
  make("pub");
  pair_.source.exec(drop_);
  pair_.source.exec(create_);
  Following following(sync_);
  pair_.wait_until_applied();
  EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
}

// Only its owner may publish a table; the stream of the others goes on.
TEST(ATableOfAnotherOwner, is_told_of_and_ends_no_stream) {
  StreamPair pair("owned", 15, 18);
  const std::string role = "role_of_" + pair.source.name();
  const std::string other = "other_of_" + pair.source.name();
  pair.source.exec("CREATE TABLE a (id int PRIMARY KEY, n int); CREATE ROLE " + role +
                   " LOGIN REPLICATION PASSWORD 'secret'; CREATE ROLE " + other + "; GRANT CREATE ON DATABASE " +
                   pair.source.name() + " TO " + role + "; ALTER TABLE a OWNER TO " + role +
                   "; ALTER TABLE mark OWNER TO " + role);
  ASSERT_TRUE(done(pair.init()));
  pair.source.exec("ALTER PUBLICATION " + pair.source.scalar("SELECT pubname FROM pg_publication") + " OWNER TO " +
                   role);
  api::Spec spec = pair.spec(api::Mode::sync);
  spec.source.uri = pair.from.tcp_uri(pair.source.name(), role, "secret");
  {
    Following following(spec, often);
    pair.source.exec("CREATE TABLE theirs (id int PRIMARY KEY); ALTER TABLE theirs OWNER TO " + other +
                     "; GRANT SELECT ON theirs TO " + role + "; INSERT INTO theirs VALUES (1)");
    wait_until_back(pair, "theirs", "not_streamed");
    EXPECT_THAT(reason_of(pair, "theirs"), HasSubstr("belongs to role " + other));
    pair.source.exec("INSERT INTO a VALUES (1, 1)");
    pair.wait_until_applied();
    pair.source.exec("GRANT " + other + " TO " + role);
    wait_until_back(pair, "theirs");
    pair.wait_until_applied();
    const api::Report report = following.stop();
    EXPECT_EQ(report.exit_code, api::ExitCode::done) << report.message;
  }
  EXPECT_EQ(pair.target.scalar("SELECT (SELECT count(*) FROM a) || ' ' || (SELECT count(*) FROM theirs)"), "1 1");
  pair.source.exec("REASSIGN OWNED BY " + role + ", " + other + " TO CURRENT_USER; DROP OWNED BY " + role + ", " +
                   other + "; DROP ROLE " + role + ", " + other);
}

}  // namespace
}  // namespace tributary::postgres::sync

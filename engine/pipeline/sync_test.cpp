#include "engine/pipeline/sync.h"

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/pipeline/testing/alarm.h"

namespace tributary::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One end of every database stays with what it is told to answer.
class StubbornServers : public SyncServers {
 public:
  Result<std::vector<DatabasePair>> databases(const Until&) override {
    if (listing_failures > 0) {
      --listing_failures;
      return Error{Fault::transient, "the source is away"};
    }
    return std::vector<DatabasePair>{{"one", "one"}, {"two", "two"}};
  }
  std::unique_ptr<StreamEnds> ends(const DatabasePair& databases) override {
    return std::make_unique<Ends>(*this, databases.source);
  }
  Result<api::StreamStatus> status(const DatabasePair&, const Until&) override { return api::StreamStatus{}; }
  Result<std::vector<api::Finding>> release(const DatabasePair& databases, Keep, const Until&) override {
    released.push_back(databases.source);
    if (on_release) on_release(databases.source);
    const auto failure = failures.find(databases.source);
    if (failure != failures.end()) return failure->second;
    return left[databases.source];
  }

  Result<std::vector<AskedTable>> ask_for_recopy(const DatabasePair& databases, const std::vector<std::string>&,
                                                 const Until&) override {
    return asked[databases.source];
  }
  Result<RecopyStanding> look_at_recopy(const DatabasePair& databases, const std::vector<AskedTable>& tables,
                                        const Until&) override {
    EXPECT_EQ(tables, asked[databases.source]);
    std::vector<RecopyStanding>& next = standings[databases.source];
    const RecopyStanding now = next.front();
    if (next.size() > 1) next.erase(next.begin());
    return now;
  }

  int listing_failures = 0;
  std::map<std::string, Error> failures;                  // by database; another one waits for the stop
  std::map<std::string, std::vector<api::Finding>> left;  // by database
  std::vector<std::string> released;
  std::function<void(const std::string&)> on_release;
  std::map<std::string, std::vector<AskedTable>> asked;          // by database
  std::map<std::string, std::vector<RecopyStanding>> standings;  // likewise, in the order of the looks

 private:
  class Ends : public StreamEnds {
   public:
    Ends(StubbornServers& servers, std::string database) : servers_(servers), database_(std::move(database)) {}
    Result<std::unique_ptr<Applier>> applier(const Until& until) override {
      const auto failure = servers_.failures.find(database_);
      if (failure != servers_.failures.end()) return failure->second;
      static_cast<void>(pause_for(Milliseconds{60'000}, until.stop));
      return Error{Fault::cancelled, "stopped"};
    }
    Result<std::unique_ptr<ChangeStream>> stream(const StreamPosition&, const Until&) override {
      return Error{Fault::failed, "never asked"};
    }
    Result<SlotHealth> look_at_slot(const Until&) override { return Error{Fault::failed, "never asked"}; }
    Result<SlotHealth> look_at_slot_alone(const Until&) override { return Error{Fault::failed, "never asked"}; }
    Result<TableStanding> look_at_ledger(const Until&) override { return Error{Fault::failed, "never asked"}; }
    Result<void> carry_sequences(const Until&) override { return Error{Fault::failed, "never asked"}; }
    Result<bool> look_at_tables(model::Lsn, Look, const Until&) override { return Error{Fault::failed, "never asked"}; }
    Result<void> record_end(const Error&, const Until&) override { return {}; }
    std::unique_ptr<RecopyEnds> recopy_ends() override { return nullptr; }
    Holds& holds() override { std::abort(); }

   private:
    StubbornServers& servers_;
    const std::string database_;
  };
};

constexpr Backoff::Limits at_once{Milliseconds{1}, 1.0, Milliseconds{1}, 0.0};

class ASyncOfTwoDatabases : public ::testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::error); }

  const testing::Alarm alarm{"a sync of two databases"};
  StubbornServers servers;
  ProgressBoard board{""};
};

TEST_F(ASyncOfTwoDatabases, ends_with_the_first_one_that_cannot_go_on) {
  servers.failures.insert({"two", Error{Fault::lost, "the slot is gone", "take a new snapshot"}});
  const api::Report report = run_sync({}, servers, Manner::follow, board, {}, at_once);
  EXPECT_EQ(report.exit_code, api::ExitCode::lost_position);
  EXPECT_EQ(report.reason, "PositionLost");
  EXPECT_EQ(report.message, "database two: the slot is gone");
  EXPECT_EQ(report.hint, "take a new snapshot");
}

TEST_F(ASyncOfTwoDatabases, releases_the_other_while_one_waits_for_its_target) {
  servers.failures.insert({"one", Error{Fault::transient, "the target is away"}});
  std::stop_source stop;
  servers.on_release = [&](const std::string& database) {
    if (database == "two") stop.request_stop();
  };
  api::Spec spec;
  spec.replication = "a-uid";
  const api::Report report =
      run_release(spec, servers, Keep::data, board, {Deadline::never(), stop.get_token()}, at_once);
  EXPECT_THAT(servers.released, ElementsAre("one", "two"));
  EXPECT_EQ(report.reason, "Unavailable");
  EXPECT_THAT(report.message, HasSubstr("database one: the target is away"));
}

TEST_F(ASyncOfTwoDatabases, releases_at_last_what_waited_for_its_target) {
  servers.failures.insert({"one", Error{Fault::transient, "the target is away"}});
  servers.on_release = [&](const std::string&) {
    if (servers.released.size() == 5) servers.failures.clear();
  };
  api::Spec spec;
  spec.replication = "a-uid";
  EXPECT_EQ(run_release(spec, servers, Keep::data, board, {}, at_once).exit_code, api::ExitCode::done);
  EXPECT_THAT(servers.released, ElementsAre("one", "two", "one", "one", "one"));
}

TEST_F(ASyncOfTwoDatabases, is_done_when_it_is_stopped) {
  std::stop_source stop;
  servers.listing_failures = 2;
  const std::jthread stopper([&] {
    while (board.snapshot().phase != api::Phase::following) std::this_thread::yield();
    stop.request_stop();
  });
  const api::Report report = run_sync({}, servers, Manner::hold, board, {Deadline::never(), stop.get_token()}, at_once);
  EXPECT_EQ(report.exit_code, api::ExitCode::done);
  EXPECT_EQ(report.reason, "Stopped");
}

TEST_F(ASyncOfTwoDatabases, releases_the_other_where_one_fails) {
  servers.failures.insert({"one", Error{Fault::denied, "must be owner"}});
  const api::Report report = run_release({}, servers, Keep::everything, board, {}, at_once);
  EXPECT_THAT(servers.released, ElementsAre("one", "two"));
  EXPECT_EQ(report.exit_code, api::exit_code_of(Fault::denied));
  EXPECT_THAT(report.message, HasSubstr("database one: must be owner"));
}

TEST_F(ASyncOfTwoDatabases, waits_for_all_tables_that_are_to_be_copied_again) {
  servers.asked["one"].assign(3000, {{"public", "t"}, 7});
  servers.asked["two"] = {{{"public", "u"}, 8}};
  servers.standings["one"] = {{{.waiting = 2500}, true}, {{.waiting = 0}, true}};
  servers.standings["two"] = {{}};
  const api::Report report = run_recopy({}, {"*.*"}, servers, board, {}, Seconds{0}, at_once);
  EXPECT_EQ(report.exit_code, api::ExitCode::done);
  EXPECT_EQ(report.message, "3001 tables copied again");
}

TEST_F(ASyncOfTwoDatabases, says_that_a_stream_which_cannot_go_on_copies_nothing_again) {
  servers.asked["two"] = {{{"public", "t"}, 7}};
  servers.standings["two"] = {{{.waiting = 1}, false, "slot x is gone", "take a new snapshot"}};
  const api::Report report = run_recopy({}, {"*.*"}, servers, board, {}, Seconds{0}, at_once);
  EXPECT_EQ(report.exit_code, api::ExitCode::lost_position);
  EXPECT_EQ(report.message, "database two: slot x is gone");
  EXPECT_EQ(report.hint, "take a new snapshot");
}

TEST_F(ASyncOfTwoDatabases, says_how_many_tables_could_not_be_copied_again) {
  servers.asked["one"] = {{{"public", "t"}, 7}, {{"public", "u"}, 8}};
  servers.standings["one"] = {{{.stopped = 2, .reasons = {"public.t: a constraint", "public.u: another"}}, true}};
  const api::Report report = run_recopy({}, {"*.*"}, servers, board, {}, Seconds{0}, at_once);
  EXPECT_EQ(report.exit_code, api::exit_code_of(Fault::failed));
  EXPECT_EQ(report.message, "could not be copied again: one.public.t: a constraint; and 1 more");
}

TEST_F(ASyncOfTwoDatabases, copies_nothing_again_where_one_entry_is_of_no_selected_database) {
  servers.asked["one"] = {{{"public", "t"}, 7}};
  servers.standings["one"] = {{}};
  const api::Report report = run_recopy({}, {"one.t", "onw.u"}, servers, board, {}, Seconds{0}, at_once);
  EXPECT_EQ(report.exit_code, api::ExitCode::bad_configuration);
  EXPECT_EQ(report.message, "'onw.u' is in no selected database");
  EXPECT_EQ(run_recopy({}, {"one.t"}, servers, board, {}, Seconds{0}, at_once).exit_code, api::ExitCode::done);
}

TEST_F(ASyncOfTwoDatabases, is_released) {
  const api::Report report = run_release({}, servers, Keep::data, board, {}, at_once);
  EXPECT_EQ(report.exit_code, api::ExitCode::done);
  EXPECT_EQ(report.reason, "Released");
  EXPECT_EQ(report.message, "the source keeps nothing for this replication any more");
}

TEST_F(ASyncOfTwoDatabases, is_released_with_what_it_copied_and_says_what_stays) {
  EXPECT_THAT(run_release({}, servers, Keep::nothing, board, {}, at_once).message,
              HasSubstr("and the target nothing of what it copied"));
  servers.left["two"] = {{api::Severity::warning, "TargetDataLeft", "table public.t", "left on the target: x", ""}};
  const api::Report report = run_release({}, servers, Keep::nothing, board, {}, at_once);
  EXPECT_EQ(report.exit_code, api::ExitCode::done);
  EXPECT_THAT(report.message, HasSubstr("gone from the target but for 1 object"));
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].subject, "table public.t");
}

}  // namespace
}  // namespace tributary::pipeline

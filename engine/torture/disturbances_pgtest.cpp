#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/seeds.h"
#include "engine/torture/trial.h"
#include "engine/torture/workload.h"

// A sync under writers and changes of definitions that never rest, whose engine is killed, whose servers are ended, set
// back and restarted, and whose networks are cut, at random. TRIBUTARY_SEEDS says how many times, TRIBUTARY_SEED draws
// once what that seed draws; the moments are never the same.
namespace tributary::torture {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testbed::Proxy;

// Each draws the major version of its source by its remainder, so that all have their turn.
constexpr int majors[] = {13, 15, 17, 18};

class Torture {
 public:
  explicit Torture(std::uint64_t seed)
      : random_(seed), trial_("disturbed", majors[seed % 4], std::max(majors[seed % 4], majors[random_() % 4])) {
    make_tables(trial_.pair.source.uri());
    trial_.copy();
    workload_.emplace(trial_.pair.source.uri(), random_());
    trial_.start();
  }

  void disturb();
  // Ends the workload, and then the engine when it says that nothing is missing.
  void come_to_rest();
  // At once, for its log.
  void end() {
    if (trial_.is_running()) trial_.kill();
  }
  const Trial& trial() const { return trial_; }

 private:
  void end_sessions(testbed::PostgresServer& of, const testbed::Database& database);
  void restart(testbed::PostgresServer& server);
  void cut(Proxy& network);
  void set_back();
  void tend();
  void await(const std::string& what, const std::function<bool()>& is_true);
  void give_keys_back();
  bool is_all_there();
  void pause(std::uint64_t longest) { std::this_thread::sleep_for(milliseconds(random_() % longest)); }

  std::mt19937_64 random_;
  Trial trial_;
  std::optional<Workload> workload_;
  bool has_backup_ = false;
  bool was_set_back_ = false;  // since the copy
};

void Torture::end_sessions(testbed::PostgresServer& of, const testbed::Database& database) {
  of.exec("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + database.name() +
                          "' AND application_name LIKE 'tributary/%'");
}

// A source that shuts down waits for whoever streams from it.
void Torture::restart(testbed::PostgresServer& server) {
  if (&server == &trial_.pair.to && random_() % 2 == 0) {
    server.stop();
  } else {
    server.kill();
  }
  pause(300);
  server.start();
}

// In the end all that was sent arrives, or the connections are gone.
void Torture::cut(Proxy& network) {
  constexpr Proxy::Way ways[] = {Proxy::Way::both, Proxy::Way::to_server, Proxy::Way::to_client};
  network.cut(ways[random_() % 3]);
  pause(1500);
  if (random_() % 4 == 0) {
    tend();
    trial_.kill();
    trial_.start();
    pause(500);
  }
  if (random_() % 2 == 0) network.drop();
  network.mend();
}

// The first time only the backup is made.
void Torture::set_back() {
  testbed::PostgresServer& target = trial_.pair.to;
  const bool is_alive = random_() % 2 == 0;
  if (is_alive) {
    trial_.send(SIGSTOP);
  } else {
    trial_.kill();
  }
  target.stop();
  if (has_backup_) {
    target.set_back();
  } else {
    target.back_up();
  }
  target.start();
  was_set_back_ = has_backup_;
  has_backup_ = true;
  const bool is_lost = trial_.is_lost();
  if (is_alive) {
    trial_.send(SIGCONT);
  } else {
    trial_.start();
  }
  if (!is_lost) return;
  testbed::wait_until("the engine refuses to go on over a gap", [&] { return !trial_.is_running(); });
  tend();
}

// An engine may end by itself for one reason alone, and is told what helps then.
void Torture::tend() {
  if (trial_.is_running()) return;
  const int code = trial_.wait();
  const bool says_why = trial_.log().find("the target was set back to an older state") != std::string::npos;
  if (code != 4 || !was_set_back_ || !trial_.is_lost() || !says_why)
    throw std::runtime_error("the engine has ended with " + std::to_string(code));
  std::cout << "position lost" << std::endl;
  const auto no_changes = workload_->hold_changes();
  trial_.copy({"--drop-existing", "--yes"});
  was_set_back_ = false;
  trial_.start();
}

void Torture::disturb() {
  pause(700);
  tend();
  testbed::StreamPair& pair = trial_.pair;
  switch (random_() % 10) {
    case 0:
      trial_.kill();
      trial_.start();
      break;
    case 1:
      end_sessions(pair.to, pair.target);
      break;
    case 2:
      end_sessions(pair.from, pair.source);
      break;
    case 3:
    case 4:
      restart(pair.to);
      break;
    case 5:
      restart(pair.from);
      break;
    case 6:
      cut(trial_.source_network);
      break;
    case 7:
      cut(trial_.target_network);
      break;
    default:
      set_back();
  }
}

void Torture::await(const std::string& what, const std::function<bool()>& is_true) {
  const auto deadline = steady_clock::now() + std::chrono::minutes(3);
  for (; !is_true(); std::this_thread::sleep_for(milliseconds(20))) {
    tend();
    if (steady_clock::now() > deadline) throw std::runtime_error("waited too long: " + what);
  }
}

// As the engine that was stopped says.
bool Torture::is_all_there() {
  const Ended status = trial_.run("status", {"--output", "json"});
  if (status.code != 0) throw std::runtime_error("status: " + status.output + status.errors);
  const auto said = nlohmann::json::parse(status.output);
  bool is_all = true;
  for (const auto& stream : said.at("databases")) {
    for (const auto& table : stream.at("tables")) {
      const auto reason = table.at("reason").get<std::string>();
      if (table.at("state") == "recopy") {
        is_all = false;
      } else if (!reason.starts_with("the source has dropped it")) {
        throw std::runtime_error("table " + table.at("name").get<std::string>() + " does not follow: " + reason);
      }
    }
  }
  return is_all;
}

// Since PostgreSQL 18 one with a computed column cannot be published by all of its columns: it is told of as not
// streamed until it can be.
void Torture::give_keys_back() {
  for (const testbed::Row& table : trial_.pair.source.query(
           "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND relreplident = 'f' AND relname ~ '^d[0-9]$'"))
    trial_.pair.source.exec("ALTER TABLE " + *table[0] + " REPLICA IDENTITY DEFAULT");
}

void Torture::come_to_rest() {
  workload_->stop();
  give_keys_back();
  for (int round = 0; round < 10; ++round) {
    const std::string mark = trial_.pair.source.scalar("INSERT INTO mark DEFAULT VALUES RETURNING id");
    await("mark " + mark + " is on the target",
          [&] { return trial_.pair.target.scalar("SELECT count(*) FROM mark WHERE id = " + mark) == "1"; });
    await("no table is copied again any more", [&] { return trial_.tables_in("recopy").empty(); });
    tend();
    const int code = trial_.stop();
    if (code != 0) throw std::runtime_error("the engine was stopped and has ended with " + std::to_string(code));
    if (is_all_there()) return;
    trial_.start();
  }
  throw std::runtime_error("tables are copied again without an end");
}

class ASyncThatIsDisturbed : public ::testing::TestWithParam<std::uint64_t> {};

INSTANTIATE_TEST_SUITE_P(AtRandom, ASyncThatIsDisturbed, ::testing::ValuesIn(testbed::seeds()));

TEST_P(ASyncThatIsDisturbed, brings_every_transaction_once) {
  std::cout << "TRIBUTARY_SEED=" << GetParam() << std::endl;
  Torture torture(GetParam());
  try {
    for (int disturbances = 0; disturbances < 8; ++disturbances) torture.disturb();
    torture.come_to_rest();
  } catch (const std::exception& failure) {
    torture.end();
    FAIL() << "seed " << GetParam() << ": " << failure.what() << "\n" << torture.trial().log();
  }
  EXPECT_EQ(difference(torture.trial()), "") << "seed " << GetParam() << "\n" << torture.trial().log();
}

}  // namespace
}  // namespace tributary::torture

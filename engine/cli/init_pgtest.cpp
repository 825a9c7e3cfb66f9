#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

#include "engine/postgres/testing/held.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/process.h"

// `tributary init` as a process that may die.
namespace tributary::cli {
namespace {

using std::chrono::steady_clock;
using testbed::Database;
using testbed::ends;
using testbed::Held;
using testbed::Process;
using testbed::same_content;
using testbed::server;
using ::testing::HasSubstr;

std::vector<std::string> init(const Database& source, const Database& target, std::vector<std::string> more = {}) {
  testbed::spec_between("", "");  // puts pg_dump into PATH
  std::vector<std::string> command{testbed::built_program("tributary"),
                                   "init",
                                   "--source",
                                   source.uri(),
                                   "--target",
                                   target.uri(),
                                   "--no-roles",
                                   "--output",
                                   "json"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

api::Report report_of(const Process& process) {
  auto report = api::report_from_json(process.output());
  if (!report) throw std::runtime_error("no report: " + process.output() + process.errors());
  return std::move(report).value();
}

// Everything that a snapshot does: rows large and small, indexes, keys, sequences, views, large objects.
void fill(const Database& source) {
  source.exec(
      "CREATE TABLE big (id int PRIMARY KEY, pad text, n int UNIQUE); INSERT INTO big"
      " SELECT i, repeat(md5(i::text), 4), -i FROM generate_series(1, 100000) i; CREATE INDEX ON big (pad);"
      "CREATE UNLOGGED TABLE unlogged AS SELECT generate_series(1, 5000) AS i;"
      "CREATE TABLE parted (id int, t text) PARTITION BY RANGE (id);"
      "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (5000);"
      "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (5000) TO (99999);"
      "INSERT INTO parted SELECT i, 'x' || i FROM generate_series(1, 9000) i; CREATE INDEX ON parted (t);"
      "ALTER TABLE parted ADD PRIMARY KEY (id)");
  source.exec(
      "DO $$ BEGIN FOR i IN 1..60 LOOP EXECUTE format('CREATE TABLE small_%s (id serial PRIMARY KEY,"
      " b int REFERENCES big, t text); INSERT INTO small_%s (b, t) SELECT i, md5(i::text) FROM"
      " generate_series(1, %s) i', i, i, i * 10); END LOOP; END $$");
  source.exec(
      "CREATE MATERIALIZED VIEW total AS SELECT count(*), sum(n) FROM big;"
      "SELECT lo_from_bytea(0, convert_to(repeat('large object ', i), 'UTF8')) FROM generate_series(1, 200) i");
  source.exec("VACUUM ANALYZE");
}

std::string objects(const Database& database) {
  return database.scalar(
      "SELECT count(*) || ' ' || md5(string_agg(loid || ' ' || pageno || encode(data, 'hex'), ','"
      " ORDER BY loid, pageno)) FROM pg_largeobject");
}

testing::AssertionResult same(const Database& source, const Database& target) {
  if (objects(source) != objects(target))
    return testing::AssertionFailure() << "large objects: " << objects(source) << ", " << objects(target);
  return same_content(source.uri(), target.uri());
}

std::string facts(const Database& database) {
  return database.scalar(
      "SELECT (SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE relnamespace"
      " = 'public'::regnamespace AND indisvalid) || ' indexes, ' || (SELECT string_agg(contype::text ||"
      " convalidated::text, '' ORDER BY conname, conrelid::regclass::text) FROM pg_constraint WHERE"
      " connamespace = 'public'::regnamespace)");
}

// ------------------------------------------------------------------------------------------ kill -9

class AnEngineKilledAnywhere : public ::testing::TestWithParam<bool> {};

TEST(AnEngine, shows_no_connection_string_in_its_arguments) {
  const auto [source, target] = ends("concealed", 17, 18);
  source.exec("CREATE TABLE t AS SELECT 1 AS i");
  Held held(server(18), target);
  Process engine(init(source, target));
  held.wait_for_engine();
  std::ifstream file("/proc/" + std::to_string(engine.pid()) + "/cmdline", std::ios::binary);
  const std::string arguments{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(arguments, HasSubstr("--source"));
  EXPECT_THAT(arguments, ::testing::Not(HasSubstr("concealed")));
}

TEST_P(AnEngineKilledAnywhere, run_again_until_it_is_done_loses_and_doubles_nothing) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::cout << "seed " << seed << std::endl;
  std::mt19937 random(seed);
  const auto [source, target] = ends("killed");
  const Database first = server(18).create_database("first");
  fill(source);
  const auto start = steady_clock::now();
  ASSERT_EQ(Process(init(source, first)).wait(), 0);
  const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start);
  std::uniform_int_distribution<std::int64_t> moment(0, span.count());

  const std::vector<std::string> command =
      init(source, target, GetParam() ? std::vector<std::string>{"--resume-per-table"} : std::vector<std::string>{});
  for (int round = 0; round < 8; ++round) {
    Process engine(command);
    std::this_thread::sleep_for(std::chrono::milliseconds(moment(random)));  // the moment is what is random
    engine.send(SIGKILL);
    if (engine.wait() != -SIGKILL) break;  // it was faster, and a second run is refused
  }
  Process last(command);
  const int code = last.wait();
  const api::Report report = report_of(last);
  const bool was_done = report.message.find("holds this snapshot already") != std::string::npos;
  EXPECT_TRUE(code == 0 || was_done) << last.output() << last.errors();
  EXPECT_TRUE(same(source, target));
  EXPECT_EQ(facts(target), facts(first));
  EXPECT_TRUE(GetParam() || report.consistency == api::Consistency::snapshot);
}

INSTANTIATE_TEST_SUITE_P(Modes, AnEngineKilledAnywhere, ::testing::Bool(),
                         [](const auto& mode) { return mode.param ? "resuming_per_table" : "beginning_anew"; });

TEST(AKilledEngine, in_the_middle_of_a_batch_leaves_nothing_of_it) {
  const auto [source, target] = ends("middle");
  fill(source);
  Held held(server(18), target);
  Process engine(init(source, target));
  held.wait_for_engine();
  engine.send(SIGKILL);
  EXPECT_EQ(engine.wait(), -SIGKILL);
  held.let_go();
  testbed::wait_until("its sessions are gone",
                      [&] { return testbed::sessions(server(18), target.name(), "tributary/%") == 0; });
  EXPECT_EQ(target.scalar("SELECT count(*) FROM _tributary.part"), "0");
  EXPECT_EQ(target.scalar("SELECT count(*) FROM big"), "0");
  Process second(init(source, target));
  EXPECT_EQ(second.wait(), 0) << second.errors();
  EXPECT_TRUE(same(source, target));
}

// ------------------------------------------------------------------------------------------ exit codes

struct Simple {
  explicit Simple(const std::string& name)
      : source(server(15).create_database(name)), target(server(18).create_database(name)) {
    source.exec("CREATE TABLE t AS SELECT generate_series(1, 100) AS i");
  }
  Database source;
  Database target;
};

TEST(Init, ends_with_one_report_and_exit_code_0) {
  const Simple two("done");
  Process engine(init(two.source, two.target));
  EXPECT_EQ(engine.wait(), 0);
  const api::Report report = report_of(engine);
  EXPECT_EQ(report.reason, "SnapshotComplete");
  EXPECT_EQ(report.databases.at(0).rows, 100U);
}

TEST(Init, is_fenced_with_exit_code_5_while_another_is_at_work) {
  const Simple two("fenced");
  Held held(server(18), two.target);
  Process first(init(two.source, two.target));
  held.wait_for_engine();
  Process second(init(two.source, two.target));
  EXPECT_EQ(second.wait(), 5);
  EXPECT_THAT(report_of(second).message, HasSubstr("another engine is at work"));
  held.let_go();
  EXPECT_EQ(first.wait(), 0) << first.errors();
}

std::string shell(const std::vector<std::string>& command, const std::string& redirection) {
  std::string line = "exec";
  for (const std::string& word : command) line += " '" + word + "'";
  return line + " " + redirection;
}

TEST(Init, needs_no_standard_streams) {
  const Simple two("closed");
  Process engine({"/bin/sh", "-c", shell(init(two.source, two.target, {"--timeout", "100s"}), "<&- >&- 2>&-")});
  EXPECT_EQ(engine.wait(), 1) << "nobody has got the report that was asked for";
  EXPECT_TRUE(same_content(two.source.uri(), two.target.uri()));
}

TEST(Init, whose_report_cannot_be_written_does_not_end_as_done) {
  const Simple two("full");
  Process engine({"/bin/sh", "-c", shell(init(two.source, two.target), ">/dev/full")});
  EXPECT_EQ(engine.wait(), 1);
  EXPECT_THAT(engine.errors(), HasSubstr("output not written"));
}

TEST(Init, whose_report_as_text_cannot_be_written_does_not_end_as_done) {
  const Simple two("full_text");
  const std::string command = "'" + testbed::built_program("tributary") + "' init --source '" + two.source.uri() +
                              "' --target '" + two.target.uri() + "' ";
  Process engine({"/bin/sh", "-c", command + ">/dev/full"});
  EXPECT_EQ(engine.wait(), 1) << engine.errors();
  EXPECT_THAT(engine.errors(), HasSubstr("output not written"));
  EXPECT_TRUE(same_content(two.source.uri(), two.target.uri()));
}

TEST(Validate, whose_findings_cannot_be_written_does_not_end_as_done) {
  const Simple two("listing");
  const std::string command = "'" + testbed::built_program("tributary") + "' validate --source '" + two.source.uri() +
                              "' --target '" + two.target.uri() + "' ";
  for (const auto& [redirection, code] :
       {std::pair(">/dev/full", 1), std::pair(">&-", 1), std::pair(">/dev/null", 0)}) {
    Process engine({"/bin/sh", "-c", command + redirection});
    EXPECT_EQ(engine.wait(), code) << redirection << engine.errors();
  }
}

// What a person sits at.
class Terminal {
 public:
  Terminal() : end_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (end_ < 0 || grantpt(end_) != 0 || unlockpt(end_) != 0) throw std::runtime_error("no terminal can be made");
  }
  ~Terminal() { close(end_); }
  std::string name() const { return ptsname(end_); }

 private:
  int end_;
};

TEST(Init, that_would_ask_tells_of_a_server_that_is_away_what_it_tells_without_asking) {
  const Simple two("away");
  const Terminal terminal;
  std::vector<std::string> command = init(two.source, two.target, {"--drop-existing", "--stall-timeout", "4s"});
  *(std::find(command.begin(), command.end(), "--source") + 1) = "postgresql://nobody@127.0.0.1:1/none";
  Process engine(
      {"/bin/sh", "-c", "export TERM=dumb; " + shell(command, "<" + terminal.name() + " 2>" + terminal.name())});
  EXPECT_EQ(engine.wait(), 1);
  EXPECT_EQ(report_of(engine).reason, "SourceUnreachable");
}

// A pipe without room, so that whoever writes into it waits for a reader.
class FullPipe {
 public:
  explicit FullPipe(const std::string& path) : path_(path) {
    if (mkfifo(path.c_str(), 0600) == 0) end_ = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (end_ < 0) throw std::runtime_error("no pipe can be made: " + path);
    const std::string page(4096, ' ');
    while (write(end_, page.data(), page.size()) > 0) continue;
    while (write(end_, page.data(), 1) > 0) continue;
  }
  ~FullPipe() {
    close(end_);
    unlink(path_.c_str());
  }
  // Until `text` came through.
  void drain(const std::string& text) {
    std::string read_so_far;
    testbed::wait_until(text, [&] {
      char bytes[4096];
      for (ssize_t size = 0; (size = read(end_, bytes, sizeof bytes)) > 0;)
        read_so_far.append(bytes, static_cast<std::size_t>(size));
      return read_so_far.find(text) != std::string::npos;
    });
  }

 private:
  const std::string path_;
  int end_ = -1;
};

// An engine whose work is done and whose report nobody reads.
class AnUnreadReport : public ::testing::Test {
 protected:
  AnUnreadReport() {
    const std::string message = path("message");
    engine_.emplace(std::vector<std::string>{
        "/bin/sh", "-c", shell(init(two_.source, two_.target, {"--termination-log", message}), "> " + path("pipe"))});
    testbed::wait_until("the engine writes its report", [&] {
      std::error_code none;
      return std::filesystem::file_size(message, none) > 0 && !none;
    });
  }
  ~AnUnreadReport() override { unlink(path("message").c_str()); }
  std::string path(const std::string& name) const {
    return ::testing::TempDir() + two_.source.name() + "." + std::to_string(getpid()) + "." + name;
  }

  const Simple two_{"unread"};
  FullPipe pipe_{path("pipe")};
  std::optional<Process> engine_;
};

TEST_F(AnUnreadReport, is_given_up_at_the_first_signal) {
  engine_->send(SIGTERM);
  EXPECT_EQ(engine_->wait(), 1);
}

TEST_F(AnUnreadReport, is_waited_for_without_end) {
  pipe_.drain("SnapshotComplete");
  EXPECT_EQ(engine_->wait(), 0);
}

TEST(Init, that_stalls_ends_and_says_so) {
  const Simple two("stalled");
  Held held(server(18), two.target);
  Process engine(init(two.source, two.target, {"--stall-timeout", "3s"}));
  EXPECT_EQ(engine.wait(), 1);
  EXPECT_EQ(report_of(engine).reason, "Stalled");
  held.let_go();
  Process again(init(two.source, two.target));
  EXPECT_EQ(again.wait(), 0) << again.errors();
}

TEST(Init, does_not_take_a_long_statement_for_a_stall) {
  const Simple two("long_statement");
  two.source.exec(
      "CREATE FUNCTION slow(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS"
      " $$ BEGIN PERFORM pg_sleep(0.06); RETURN i; END $$");
  two.source.exec("CREATE TABLE u AS SELECT generate_series(1, 100) AS i; CREATE INDEX ON u (slow(i))");
  Process engine(init(two.source, two.target, {"--stall-timeout", "2s"}));
  EXPECT_EQ(engine.wait(), 0) << engine.errors();
}

// An extension's table with a filter, so that the source alone is at work, and for long.
TEST(Init, does_not_take_a_long_read_for_a_stall) {
  const Simple two("long_read");
  for (const Database* each : {&two.source, &two.target})
    each->exec("CREATE EXTENSION citext; CREATE TABLE config (i int); ALTER EXTENSION citext ADD TABLE config");
  two.source.exec(
      "INSERT INTO config VALUES (1);"
      "UPDATE pg_extension SET extconfig = ARRAY['config'::regclass::oid],"
      " extcondition = ARRAY['WHERE pg_sleep(6) IS NOT NULL'] WHERE extname = 'citext'");
  Process engine(init(two.source, two.target, {"--stall-timeout", "2s"}));
  EXPECT_EQ(engine.wait(), 0) << engine.errors();
  EXPECT_EQ(two.target.scalar("SELECT count(*) FROM config"), "1");
}

TEST(Init, whose_time_is_over_ends_and_says_so) {
  const Simple two("timeout");
  Held held(server(18), two.target);
  Process engine(init(two.source, two.target, {"--timeout", "3s"}));
  EXPECT_EQ(engine.wait(), 1);
  EXPECT_EQ(report_of(engine).reason, "Timeout");
}

TEST(Init, that_is_interrupted_ends_and_can_be_run_again) {
  const Simple two("interrupted");
  Held held(server(18), two.target);
  Process engine(init(two.source, two.target));
  held.wait_for_engine();
  engine.send(SIGTERM);
  EXPECT_EQ(engine.wait(), 1);
  EXPECT_EQ(report_of(engine).reason, "Interrupted");
  held.let_go();
  Process again(init(two.source, two.target));
  EXPECT_EQ(again.wait(), 0) << again.errors();
  EXPECT_TRUE(same_content(two.source.uri(), two.target.uri()));
}

TEST(Init, of_a_plan_creates_nothing) {
  const Database source = server(15).create_database("planned");
  const Database target = server(18).adopt_database("planned_" + source.name());
  source.exec("CREATE TABLE t AS SELECT generate_series(1, 100) AS i");
  Process engine(init(source, target, {"--dry-run"}));
  EXPECT_EQ(engine.wait(), 0) << engine.errors();
  EXPECT_THAT(engine.output(), HasSubstr("\"name\":\"public.t\""));
  EXPECT_EQ(server(18).scalar("postgres", "SELECT count(*) FROM pg_database WHERE datname = '" + target.name() + "'"),
            "0");
}

TEST(Init, of_a_plan_ends_when_its_time_is_over_and_says_so) {
  const Simple two("plan_timeout");
  testbed::Session blocker(two.source.uri());
  blocker.exec("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE");
  Process engine(init(two.source, two.target, {"--dry-run", "--timeout", "2s"}));
  EXPECT_EQ(engine.wait(), 1);
  EXPECT_EQ(report_of(engine).reason, "Timeout");
}

TEST(Validate, tells_the_size_of_each_database_and_the_time_that_it_takes) {
  const Simple two("validated");
  std::vector<std::string> command = init(two.source, two.target);
  command[1] = "validate";
  Process engine(command);
  EXPECT_EQ(engine.wait(), 0) << engine.errors();
  const api::DatabaseReport database = report_of(engine).databases.at(0);
  EXPECT_GT(database.bytes, 0U);
  EXPECT_GT(database.database_bytes, database.bytes);
  EXPECT_GT(database.estimated_seconds, 0U);
}

}  // namespace
}  // namespace tributary::cli

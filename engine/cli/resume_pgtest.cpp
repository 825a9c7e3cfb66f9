#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <thread>

#include "engine/postgres/sync/testing/following.h"
#include "engine/postgres/testing/snapshot.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/process.h"

// `tributary init` of a declared replication as a process that is killed again and again under writers: each attempt
// goes on with the one before it, and what is complete is of one moment. And `tributary release` that is killed so.
namespace tributary::cli {
namespace {

using api::Mode;
using testbed::Process;
using testbed::Session;
using testbed::StreamPair;

// Every transaction leaves the sum over all `n` at 0. `loose` has no key: no stream carries it.
const char* const tables =
    "CREATE TABLE a (id int PRIMARY KEY, n bigint); INSERT INTO a SELECT i, i FROM generate_series(1, 1000) i;"
    "CREATE TABLE b (id int PRIMARY KEY, n bigint); INSERT INTO b SELECT i, -i FROM generate_series(1, 1000) i;"
    "CREATE TABLE parted (id int PRIMARY KEY, n bigint) PARTITION BY RANGE (id);"
    "CREATE TABLE parted_0 PARTITION OF parted FOR VALUES FROM (0) TO (1000);"
    "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (1000) TO (MAXVALUE);"
    "INSERT INTO parted SELECT i * 10, 0 FROM generate_series(1, 200) i;"
    "CREATE TABLE emptied (id int PRIMARY KEY, n bigint); CREATE TABLE loose (n bigint);"
    "CREATE TABLE parent (id int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 50);"
    "CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE);"
    "INSERT INTO child SELECT i, 1 + i % 50 FROM generate_series(1, 200) i;"
    "DO $$ BEGIN FOR i IN 1..40 LOOP EXECUTE format('CREATE TABLE filler_%s (id int PRIMARY KEY, word text);"
    " INSERT INTO filler_%s SELECT j, md5(j::text) FROM generate_series(1, 3000) j;"
    " CREATE INDEX ON filler_%s (word)', i, i, i); END LOOP; END $$";

const char* const sum_of_all =
    "SELECT coalesce((SELECT sum(n) FROM a), 0) + coalesce((SELECT sum(n) FROM b), 0)"
    " + coalesce((SELECT sum(n) FROM parted), 0) + coalesce((SELECT sum(n) FROM emptied), 0)"
    " + coalesce((SELECT sum(n) FROM loose), 0)";

// $ stands for a key that is drawn, # for an amount.
const char* const transactions[] = {
    "WITH changed AS (UPDATE a SET n = n + # WHERE id = $ RETURNING n) INSERT INTO loose SELECT -# FROM changed",
    "INSERT INTO a VALUES ($ + 2000, #); INSERT INTO loose VALUES (-#)",
    "WITH gone AS (DELETE FROM a WHERE id = $ RETURNING n) INSERT INTO loose SELECT n FROM gone",
    "WITH gone AS (DELETE FROM b WHERE id = $ + 1 RETURNING n) INSERT INTO loose SELECT n FROM gone",
    "UPDATE a SET id = id + 100000 WHERE id = $; UPDATE b SET id = id + 100000 WHERE id = $ + 1",
    "WITH moved AS (UPDATE parted SET id = id + 1001, n = n + # WHERE id = $ RETURNING n) INSERT INTO loose SELECT -#"
    " FROM moved",
    "INSERT INTO emptied VALUES ($, #); INSERT INTO loose VALUES (-#)",
    "WITH gone AS (DELETE FROM loose WHERE ctid = (SELECT min(ctid) FROM loose) RETURNING n) INSERT INTO b SELECT"
    " (SELECT max(id) + 1 FROM b), n FROM gone",
    "INSERT INTO child VALUES ($ + 1000, 1 + $ % 50)",
    "DELETE FROM parent WHERE id = 1 + $ % 50",
    "INSERT INTO parent VALUES (1 + $ % 50)",
};

// Now and then only: a snapshot needs a moment without one.
const char* const truncate =
    "LOCK TABLE emptied; INSERT INTO loose SELECT coalesce(sum(n), 0) FROM emptied; TRUNCATE emptied";

// Each as a whole or not at all. What two writers do to each other, and a copy to who truncates, may fail.
void write(const std::string& uri, std::uint64_t seed, const std::atomic<bool>& enough) {
  std::mt19937_64 random(seed);
  Session session(uri);
  session.exec("SET lock_timeout = '300ms'");
  while (!enough) {
    std::string sql = random() % 3000 == 0 ? truncate : transactions[random() % std::size(transactions)];
    for (const auto& [sign, value] : {std::pair{'$', random() % 1000}, std::pair{'#', 1 + random() % 100}}) {
      const std::string digits = std::to_string(value);
      for (std::size_t at = sql.find(sign); at != std::string::npos; at = sql.find(sign, at + digits.size()))
        sql.replace(at, 1, digits);
    }
    if (session.sqlstate("BEGIN; " + sql + "; COMMIT") != "") session.sqlstate("ROLLBACK");
  }
}

// A spec as the operator mounts it.
class Mounted {
 public:
  explicit Mounted(const api::Spec& given) {
    api::Spec spec = given;
    for (auto* end : {&spec.source, &spec.target}) {
      const std::filesystem::path secret = folder_ / (end == &spec.source ? "source" : "target");
      std::filesystem::create_directories(secret);
      std::ofstream(secret / "uri") << end->uri;
      end->uri.clear();
      end->credentials_dir = secret.string();
    }
    std::ofstream(folder_ / "spec.json") << api::to_json(spec);
  }
  ~Mounted() { std::filesystem::remove_all(folder_); }
  std::string file() const { return (folder_ / "spec.json").string(); }

 private:
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("tributary_resume_" + std::to_string(getpid()));
};

std::map<std::string, std::string> streamed(const std::string& uri) {
  auto contents = testbed::fingerprint(uri);
  contents.erase("public.loose");
  return contents;
}

class ACopyKilledUnderWriters : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(AtRandom, ACopyKilledUnderWriters, ::testing::Range(0, 8));

TEST_P(ACopyKilledUnderWriters, is_of_one_moment_when_it_is_complete) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::cout << "seed " << seed << std::endl;
  std::mt19937_64 random(seed);
  const int majors[] = {13, 15, 17, 18};
  const int from = majors[GetParam() % 4];
  const bool is_followed = GetParam() < 4;
  StreamPair pair("killed_copy", from, std::max(from, majors[random() % 4]));
  pair.source.exec(tables);
  const api::Spec spec = pair.spec(is_followed ? Mode::snapshot_and_sync : Mode::snapshot);
  const Mounted mounted(spec);
  const std::vector<std::string> command{testbed::built_program("tributary"), "init", "--spec", mounted.file()};

  std::atomic<bool> enough = false;
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 3; ++writer)
    writers.emplace_back([&, own = random()] { write(pair.source.uri(), own, enough); });
  bool was_done = false;
  for (int round = 0; round < 6 && !was_done; ++round) {
    Process engine(command);
    std::this_thread::sleep_for(std::chrono::milliseconds(500 + random() % 3000));  // the moment is what is random
    engine.send(SIGKILL);
    was_done = engine.wait() == 0;
  }
  Process last(command);
  const int code = last.wait();
  EXPECT_EQ(code, 0) << last.errors();
  if (code != 0) {
    enough = true;
    return;
  }
  EXPECT_EQ(pair.source.scalar(sum_of_all), "0") << "the writers keep it so";
  EXPECT_EQ(pair.target.scalar(sum_of_all), "0") << "tables of several moments\n" << last.errors();
  EXPECT_EQ(pair.target.scalar("SELECT consistency FROM _tributary.replication"), "snapshot");
  EXPECT_EQ(
      pair.target.scalar(
          "SELECT count(*) FROM pg_constraint WHERE conrelid = 'child'::regclass AND contype = 'f' AND convalidated"),
      "1");
  EXPECT_EQ(pair.slots(), is_followed ? "1" : "0");
  std::cout << "tables of former attempts: "
            << pair.target.scalar(
                   "SELECT count(DISTINCT p.table_name) FROM _tributary.part p"
                   " JOIN _tributary.replication r ON r.key = p.replication WHERE p.epoch < r.epoch")
            << std::endl;
  if (is_followed) {
    testbed::Following following(pair.spec(Mode::sync));
    enough = true;
    writers.clear();
    pair.wait_until_applied();
    EXPECT_EQ(following.stop().exit_code, api::ExitCode::done);
    EXPECT_EQ(streamed(pair.target.uri()), streamed(pair.source.uri()));
  }
  enough = true;
}

TEST(AReleaseKilledAtRandom, has_dropped_all_that_was_copied_in_the_end_and_nothing_else) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::cout << "seed " << seed << std::endl;
  std::mt19937_64 random(seed);
  StreamPair pair("killed_release", 15, 18);
  pair.source.exec(
      "CREATE SCHEMA app; DO $$ BEGIN FOR i IN 1..800 LOOP EXECUTE format('CREATE TABLE app.t_%s (id serial PRIMARY "
      "KEY,"
      " other int REFERENCES app.t_%s)', i, greatest(i - 1, 1)); END LOOP; END $$");
  ASSERT_EQ(pair.init().exit_code, api::ExitCode::done);
  pair.target.exec("CREATE TABLE mine AS SELECT 7 AS i");
  const Mounted mounted(pair.spec(Mode::sync));
  const std::vector<std::string> command{
      testbed::built_program("tributary"), "release", "--spec", mounted.file(), "--drop-target-data", "--yes"};
  bool was_done = false;
  for (int round = 0; round < 6 && !was_done; ++round) {
    Process engine(command);
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random() % 700));  // the moment is what is random
    engine.send(SIGKILL);
    was_done = engine.wait() == 0;
    std::cout << "tables left: " << pair.target.scalar("SELECT count(*) FROM pg_class WHERE relname ~ '^t_[0-9]+$'")
              << std::endl;
  }
  Process last(command);
  EXPECT_EQ(last.wait(), 0) << last.errors();
  EXPECT_EQ(pair.slots(), "0");
  EXPECT_EQ(
      pair.target.scalar("SELECT string_agg(nspname, ' ') FROM pg_namespace WHERE nspname IN ('app', '_tributary')"),
      "");
  EXPECT_EQ(pair.target.scalar("SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind IN ('r', 'S')"
                               " AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"),
            "mine");
}

}  // namespace
}  // namespace tributary::cli

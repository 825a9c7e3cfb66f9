#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "engine/postgres/testing/restore.h"
#include "engine/testing/fingerprint.h"
#include "engine/testing/postgres_server.h"
#include "engine/testing/process.h"
#include "engine/testing/server_files.h"

// `tributary verify` as a process, and what psql makes of its script.
namespace tributary::cli {
namespace {

using testbed::Process;
using testbed::server;
using ::testing::HasSubstr;

std::vector<std::string> verify(const std::string& source, const std::string& target,
                                std::vector<std::string> more = {}) {
  std::vector<std::string> command{
      testbed::built_program("tributary"), "verify", "--source", source, "--target", target};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

TEST(AVerify, writes_a_script_by_which_psql_mends_every_database) {
  testbed::PostgresServer& from = server(15);
  testbed::PostgresServer& to = server(18);
  const std::filesystem::path folder = testbed::server_folder("/tmp", "verify");
  std::vector<testbed::Database> databases;
  std::vector<testbed::Database> copies;
  for (const std::string name : {"mend it's 1", "mend_2"}) {
    for (testbed::PostgresServer* each : {&from, &to}) each->exec("postgres", "CREATE DATABASE \"" + name + "\"");
    databases.push_back(from.adopt_database(name));
    copies.push_back(to.adopt_database(name));
    for (const testbed::Database* each : {&databases.back(), &copies.back()})
      each->exec(
          "CREATE TABLE t (id numeric PRIMARY KEY, a int UNIQUE, parent numeric REFERENCES t ON DELETE CASCADE)");
    databases.back().exec(
        "INSERT INTO t VALUES (1.0, 1, NULL), (2, 2, 1.0), (3, 3, 2), (4, 4, NULL); CREATE TABLE none (id int PRIMARY "
        "KEY);"
        "INSERT INTO none VALUES (1), (2)");
    copies.back().exec("INSERT INTO t VALUES (1.00, 2, NULL), (2, 1, 1.0), (5, 3, 2)");
  }
  const std::string file = (folder / "repair.sql").string();
  Process verified(verify(
      from.uri("postgres"), to.uri("postgres"),
      {"--include-databases", databases[0].name(), "--include-databases", databases[1].name(), "--repair-sql", file}));
  EXPECT_EQ(verified.wait(), 3) << verified.errors();
  EXPECT_THAT(verified.errors(), HasSubstr("4 differences are not mended by it, and it says why"));
  Process psql({testbed::client_program("psql"), "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--file=" + file,
                "--dbname=" + to.uri("postgres")});
  EXPECT_EQ(psql.wait(), 0) << psql.errors();
  std::filesystem::remove_all(folder);
  for (std::size_t each = 0; each < databases.size(); ++each) {
    databases[each].exec("DROP TABLE none");
    EXPECT_EQ(testbed::fingerprint(copies[each].uri()), testbed::fingerprint(databases[each].uri()));
  }
}

TEST(AVerify, says_why_its_script_or_its_report_cannot_be_written) {
  const testbed::Database source = server(15).create_database("full_source");
  const testbed::Database target = server(18).create_database("full_target");
  source.exec("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
  target.exec("CREATE TABLE t (id int PRIMARY KEY)");
  const std::string command = "'" + testbed::built_program("tributary") + "' verify --source '" + source.uri() +
                              "' --target '" + target.uri() + "' ";
  Process script({"/bin/sh", "-c", command + "--repair-sql - > /dev/full"});
  EXPECT_EQ(script.wait(), 1) << script.errors();
  EXPECT_THAT(script.errors(), HasSubstr("No space left on device"));
  Process report({"/bin/sh", "-c", command + "> /dev/full"});
  EXPECT_EQ(report.wait(), 3) << report.errors();
  EXPECT_THAT(report.errors(), HasSubstr("No space left on device"));
  target.exec("INSERT INTO t VALUES (1)");
  Process equal({"/bin/sh", "-c", command + "--output json > /dev/full"});
  EXPECT_EQ(equal.wait(), 1) << equal.errors();
}

TEST(AVerify, names_what_is_wrong_with_its_command_line) {
  Process port(verify("postgresql://u@127.0.0.1:99999/db", "postgresql://u@127.0.0.1:1/db"));
  EXPECT_EQ(port.wait(), 2);
  EXPECT_THAT(port.errors(), HasSubstr("hint: correct the port: a number from 1 to 65535"));
  Process streams(verify("postgresql://u@h/db", "postgresql://u@h/db", {"--parallelism", "65"}));
  EXPECT_EQ(streams.wait(), 2);
  EXPECT_THAT(streams.errors(), HasSubstr("'65' is not a number from 0 to 64"));
  Process nowhere(verify("postgresql://u@h/db", "postgresql://u@h/db", {"--repair-sql", ""}));
  EXPECT_EQ(nowhere.wait(), 2);
  EXPECT_THAT(nowhere.errors(), HasSubstr("--repair-sql names no file"));
}

}  // namespace
}  // namespace tributary::cli

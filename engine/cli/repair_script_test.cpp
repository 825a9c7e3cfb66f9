#include "engine/cli/repair_script.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

namespace tributary::cli {
namespace {

using ::testing::HasSubstr;

// A directory of its own, gone with the test.
class RepairScriptFile : public ::testing::Test {
 protected:
  RepairScriptFile() { std::filesystem::create_directory(directory_); }
  ~RepairScriptFile() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return (directory_ / "repair.sql").string(); }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(path()).rdbuf();
    return all.str();
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }

  const std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("repair_script_test." + std::to_string(std::random_device{}()));
};

using Step = RepairScript::Step;
using Part = RepairScript::Part;

RepairScript::Place at(const std::string& database) {
  return {database, "UTF8"};
}

Step update(const std::string& sql) {
  return {Part::update, sql, "public.t", 1};
}

Step removal(const std::string& sql) {
  return {Part::remove, sql, "public.t", 1};
}

std::unique_ptr<RepairScript> opened(const std::string& path) {
  Result<std::unique_ptr<RepairScript>> script = RepairScript::open(path);
  EXPECT_TRUE(script) << script.error().what;
  return script ? std::move(script).value() : nullptr;
}

TEST_F(RepairScriptFile, is_one_transaction_of_each_database_in_the_order_of_its_parts) {
  const auto script = opened(path());
  script->add(at("shop"), {Part::insert, "INSERT a;", "public.a", 1}).value();
  script->add(at("shop"), {Part::sequence, "SELECT setval;", "", 1}).value();
  script->add(at("shop"), update("UPDATE a;")).value();
  script->add(at("shop"), removal("DELETE a;")).value();
  script->add(at("shop"), {Part::respell, "UPDATE key;", "public.a", 0}).value();
  script->add(at("shop"), {Part::remark, "no way"}).value();
  script->add({"app", "SQL_ASCII"}, removal("DELETE c;")).value();
  script->finish(6).value();
  EXPECT_EQ(script->statements(), 6U);
  EXPECT_EQ(script->unmended(), 1U);
  std::size_t before = 0;
  for (const char* each :
       {"\\set ON_ERROR_STOP on\n", "\n-- no way\n", "\\connect -reuse-previous=on \"dbname='shop'\"\n",
        "SET client_encoding = 'UTF8';", "BEGIN ", "{\"public.a\",\"public.t\"}", "\nUPDATE key;\n", "\nDELETE a;\n",
        "\nUPDATE a;\n", "\nINSERT a;\n", "\nCOMMIT;\n", "\nSELECT setval;\n",
        "\\connect -reuse-previous=on \"dbname='app'\"\n", "SET client_encoding = 'SQL_ASCII';", "BEGIN ",
        "\nDELETE c;\n", "\nCOMMIT;\n", "\n-- 6 statements; not mended: 1 difference\n"}) {
    const std::size_t found = text().find(each, before);
    ASSERT_NE(found, std::string::npos) << each << " after " << before << " of\n" << text();
    before = found + 1;
  }
  EXPECT_EQ(files(), 1U) << "nothing is left of what was kept aside";
}

TEST_F(RepairScriptFile, counts_nothing_as_mended_of_a_table_that_is_not_compared_after_all) {
  const auto script = opened(path());
  script->add(at("shop"), update("UPDATE t;")).value();
  script->add(at("shop"), {Part::update, "UPDATE a;", "public.a", 1}).value();
  script->add(at("shop"), {Part::remark, "table public.t is not mended as a whole", "public.t", 0, true}).value();
  script->add(at("app"), update("UPDATE t;")).value();
  script->finish(3).value();  // of a, of t in app, and one that nothing mends
  EXPECT_EQ(script->unmended(), 1U);
  EXPECT_THAT(text(), HasSubstr("\n-- 3 statements; not mended: 1 difference\n"));
}

TEST_F(RepairScriptFile, connects_nowhere_where_it_has_remarks_alone) {
  const auto script = opened(path());
  script->add(at("shop"), {Part::remark, "no way"}).value();
  script->finish(3).value();
  EXPECT_THAT(text(), ::testing::Not(HasSubstr("\\connect")));
  EXPECT_THAT(text(), HasSubstr("\n-- no way\n\n-- 0 statements; not mended: 3 differences\n"));
}

TEST_F(RepairScriptFile, is_there_only_when_it_is_whole_and_for_its_owner_alone) {
  const mode_t before = umask(0);
  const auto script = opened(path());
  umask(before);
  script->add(at("shop"), update("UPDATE a;")).value();
  EXPECT_FALSE(std::filesystem::exists(path()));
  script->finish(0).value();
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(RepairScriptFile, replaces_a_former_one_and_leaves_it_where_it_is_not_finished) {
  std::ofstream(path()) << "former";
  opened(path())->add(at("shop"), update("UPDATE a;")).value();
  EXPECT_EQ(text(), "former");
  EXPECT_EQ(files(), 1u) << "what was not finished is removed";
  opened(path())->finish(0).value();
  EXPECT_THAT(text(), HasSubstr("-- 0 statements\n"));
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u) << "whatever the former one's was";
}

TEST_F(RepairScriptFile, behind_a_link_leaves_the_link) {
  std::filesystem::create_directory(directory_ / "real");
  std::ofstream(directory_ / "real" / "repair.sql") << "former";
  std::filesystem::create_symlink("real/repair.sql", path());
  const auto script = opened(path());
  EXPECT_EQ(files(), 2u) << "the place may be on another disk than the link";
  script->finish(0).value();
  EXPECT_TRUE(std::filesystem::is_symlink(path()));
  EXPECT_THAT(text(), HasSubstr("-- 0 statements\n"));
}

TEST_F(RepairScriptFile, that_cannot_be_made_is_refused_before_anything_is_compared) {
  const auto directory = RepairScript::open(directory_.string());
  ASSERT_FALSE(directory);
  EXPECT_EQ(directory.error().what, "--repair-sql: file " + directory_.string() + " is no regular file");
  EXPECT_EQ(directory.error().fault, Fault::invalid);
  const auto nowhere = RepairScript::open((directory_ / "nowhere" / "repair.sql").string());
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().what, HasSubstr("cannot be made: No such file or directory"));
  EXPECT_FALSE(RepairScript::open("/dev/stdout"));
}

TEST_F(RepairScriptFile, says_that_its_place_was_taken) {
  const auto script = opened(path());
  std::filesystem::create_directory(path());
  const Result<void> finished = script->finish(0);
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().what, HasSubstr("repair.sql cannot be put in its place: "));
}

TEST_F(RepairScriptFile, takes_statements_from_several_threads) {
  const auto script = opened(path());
  {
    std::vector<std::jthread> threads;
    for (const char* database : {"a", "b", "c", "d"})
      threads.emplace_back([&script, database] {
        const Step step = update("UPDATE " + std::string(database) + ";");
        for (int i = 0; i < 500; ++i) script->add(at(database), step).value();
      });
  }
  script->finish(0).value();
  std::istringstream lines(text());
  std::string database;
  int statements = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("\\connect")) database = line.substr(line.size() - 3, 1);
    if (!line.starts_with("UPDATE")) continue;
    EXPECT_EQ(line, "UPDATE " + database + ";");
    ++statements;
  }
  EXPECT_EQ(statements, 2'000);
}

TEST(RepairScript, goes_to_standard_output_at_the_end) {
  testing::internal::CaptureStdout();
  const auto script = opened("-");
  script->add(at("shop"), update("UPDATE a;")).value();
  script->print().value();
  script->finish(0).value();
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  testing::internal::CaptureStdout();
  script->print().value();
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("\n-- 1 statement\n"));
}

TEST(RepairScript, spells_every_name_that_psql_can_be_told) {
  EXPECT_THAT(connect_lines("a\"b'c\\d e=f").value(),
              HasSubstr("\\connect -reuse-previous=on \"dbname='a\"\"b\\'c\\\\d e=f'\"\n"));
  EXPECT_FALSE(connect_lines("a\nb"));
  EXPECT_FALSE(connect_lines("a\rb"));
}

}  // namespace
}  // namespace tributary::cli

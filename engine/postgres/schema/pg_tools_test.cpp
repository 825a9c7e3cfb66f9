#include "engine/postgres/schema/pg_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tributary::postgres {
namespace {

using ::testing::HasSubstr;

TEST(ParseToolVersion, is_what_stands_behind_the_product) {
  EXPECT_EQ(parse_tool_version("pg_dump (PostgreSQL) 18.1\n"), "18.1");
  EXPECT_EQ(parse_tool_version("pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), "15.14");
  EXPECT_EQ(parse_tool_version("pg_dump (PostgreSQL) 19beta1"), "19beta1");
  EXPECT_EQ(parse_tool_version("pg_dump (EnterpriseDB) 18"), "");
  EXPECT_EQ(parse_tool_version("(PostgreSQL) x"), "");
  EXPECT_EQ(parse_tool_version(""), "");
}

PgTools tools(int major) {
  return {"/" + std::to_string(major) + "/pg_dump", major, std::to_string(major) + ".1"};
}

TEST(ChoosePgTools, the_first_that_is_new_enough_is_taken) {
  EXPECT_EQ(choose_pg_tools({tools(13), tools(17), tools(18)}, 15)->major, 17);
  EXPECT_EQ(choose_pg_tools({tools(18), tools(17)}, 12)->major, 18);
}

TEST(ChoosePgTools, the_newest_that_is_too_old_is_named) {
  const Result<PgTools> chosen = choose_pg_tools({tools(13), tools(16), tools(15)}, 17);
  ASSERT_FALSE(chosen);
  EXPECT_EQ(chosen.error().fault, Fault::invalid);
  EXPECT_THAT(chosen.error().what, HasSubstr("pg_dump 16.1 cannot read a server of version 17: /16/pg_dump"));
  EXPECT_THAT(chosen.error().hint, HasSubstr("postgresql-client-17"));
  EXPECT_THAT(choose_pg_tools({}, 17).error().what, HasSubstr("not found"));
}

// A PATH of our own with programs that only print a version.
class FindPgTools : public ::testing::Test {
 protected:
  FindPgTools() : path_(std::getenv("PATH")) {
    std::string pattern = (std::filesystem::temp_directory_path() / "tools.XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~FindPgTools() override {
    setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }

  void program(const std::string& name, const std::string& script) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    chmod(path.c_str(), 0755);
  }
  std::vector<PgTools> found(const std::string& path) const {
    setenv("PATH", path.c_str(), 1);
    Result<std::vector<PgTools>> all = find_pg_tools({});
    EXPECT_TRUE(all);
    std::erase_if(*all, [&](const PgTools& one) { return !one.pg_dump.starts_with(folder_.string()); });
    return *all;
  }

  std::string path_;
  std::filesystem::path folder_;
};

TEST_F(FindPgTools, folders_with_a_pg_dump_that_runs_are_taken_in_the_order_of_the_path) {
  program("old/pg_dump", "echo 'pg_dump (PostgreSQL) 12.22'");
  program("new/pg_dump", "echo 'pg_dump (PostgreSQL) 18.1'");
  program("other/pg_restore", "");
  program("broken/pg_dump", "exit 1");
  const std::string f = folder_.string();
  const auto all = found(f + "/other::" + f + "/broken:" + f + "/old:relative:" + f + "/absent:" + f + "/new");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].version, "12.22");
  EXPECT_EQ(all[1].major, 18);
  EXPECT_EQ(all[1].pg_dump, f + "/new/pg_dump");
}

TEST_F(FindPgTools, a_wrapper_that_chooses_by_itself_is_passed_over) {
  program("share/pg_wrapper", "echo 'pg_dump (PostgreSQL) 15.1'");
  std::filesystem::create_directories(folder_ / "bin");
  std::filesystem::create_symlink("../share/pg_wrapper", folder_ / "bin/pg_dump");
  EXPECT_TRUE(found(folder_.string() + "/bin").empty());
}

}  // namespace
}  // namespace tributary::postgres

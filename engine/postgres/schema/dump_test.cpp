#include "engine/postgres/schema/dump.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tributary::postgres {
namespace {

TEST(Dump, puts_no_secret_into_an_argument) {
  const std::string conninfo = conninfo_without_secrets({{"dbname", "it's \\ here"},
                                                         {"host", "db"},
                                                         {"oauth_client_secret", "hunter3"},
                                                         {"password", "hunter2"},
                                                         {"sslpassword", "hunter4"}});
  EXPECT_EQ(conninfo, R"(dbname='it\'s \\ here' host='db')");
}

TEST(Dump, escapes_what_a_password_file_would_misread) {
  EXPECT_EQ(password_file({{"password", R"(a:b\c)"}}).value(), "*:*:*:*:a\\:b\\\\c\n");
  EXPECT_EQ(password_file({{"host", "db"}}).value(), "");
}

TEST(Dump, refuses_a_password_that_no_file_can_carry) {
  const auto file = password_file({{"password", "two\nlines"}});
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().fault, Fault::invalid);
  EXPECT_EQ(describe(file.error()).find("two"), std::string::npos);
}

TEST(Dump, that_stumbles_over_what_somebody_defines_anew_is_worth_another_one) {
  const std::filesystem::path script =
      std::filesystem::temp_directory_path() / ("stumbles_" + std::to_string(getpid()));
  std::ofstream(script)
      << "#!/bin/sh\necho 'pg_dump: error: query failed: ERROR:  cache lookup failed for index 25913' >&2\n"
      << "exit 1\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  const Result<Toc> dumped = dump_schema({.pg_dump = script.string(), .source = {}, .snapshot = "", .encoding = "UTF8"},
                                         {Deadline::after(Seconds{60}), {}});
  std::filesystem::remove(script);
  ASSERT_FALSE(dumped);
  EXPECT_EQ(dumped.error().fault, Fault::transient) << dumped.error().what;
}

}  // namespace
}  // namespace tributary::postgres

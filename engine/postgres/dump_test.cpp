#include "engine/postgres/dump.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tributary::postgres

#include "engine/cli/conceal.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tributary::cli {
namespace {

std::vector<std::string> concealed(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  conceal_connection_strings(static_cast<int>(pointers.size()), pointers.data());
  return arguments;
}

TEST(Conceal, covers_connection_strings_in_every_spelling_and_nothing_else) {
  EXPECT_EQ(
      concealed({"tributary", "init", "--source", "host=a password=b", "--target=x://y", "--yes"}),
      (std::vector<std::string>{"tributary", "init", "--source", "*****************", "--target=*****", "--yes"}));
}

TEST(Conceal, covers_misplaced_ones_too) {
  EXPECT_EQ(concealed({"tributary", "--sorce", "p://u:p@h", "--sorce=p://u", "password=x"}),
            (std::vector<std::string>{"tributary", "--sorce", "*********", "*************", "**********"}));
}

TEST(Conceal, covers_the_rest_of_a_password_that_was_not_quoted) {
  EXPECT_EQ(concealed({"tributary", "init", "--source", "password=two", "words", "--yes", "word"}),
            (std::vector<std::string>{"tributary", "init", "--source", "************", "*****", "--yes", "word"}));
}

TEST(Conceal, leaves_file_names) {
  EXPECT_EQ(concealed({"tributary", "init", "--source", "@/run/uri", "--target=@/run/uri2"}),
            (std::vector<std::string>{"tributary", "init", "--source", "@/run/uri", "--target=@/run/uri2"}));
}

}  // namespace
}  // namespace tributary::cli

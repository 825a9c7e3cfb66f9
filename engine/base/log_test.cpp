#include "engine/base/log.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tributary::log {
namespace {

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    start(Level::info, Format::text);
    write_to([this](std::string_view line) { lines.emplace_back(line.substr(line.find("info"))); });
  }
  ~LogTest() override {
    write_to({});
    start(Level::info, Format::text);
  }

  std::vector<std::string> lines;
};

TEST_F(LogTest, a_context_adds_to_each_line_of_its_thread_while_it_lives) {
  {
    const Context outer({{"replication", "prod/shop"}});
    info("one", {{"n", 1}});
    {
      const Context inner({{"beat", "a b"}});
      info("two");
    }
    std::thread([] { info("elsewhere"); }).join();
    info("three");
  }
  info("four");
  EXPECT_EQ(lines, (std::vector<std::string>{"info  one n=1 replication=prod/shop",
                                             "info  two replication=prod/shop beat=\"a b\"", "info  elsewhere",
                                             "info  three replication=prod/shop", "info  four"}));
}

TEST_F(LogTest, what_a_line_says_itself_counts_and_then_the_innermost) {
  const Context outer({{"key", "outer"}, {"other", "o"}});
  const Context inner({{"key", "inner"}});
  info("one");
  info("two", {{"key", "own"}});
  EXPECT_EQ(lines, (std::vector<std::string>{"info  one other=o key=inner", "info  two key=own other=o"}));
}

TEST_F(LogTest, a_level_shows_from_the_one_that_was_set_on) {
  EXPECT_FALSE(shows(Level::debug));
  EXPECT_TRUE(shows(Level::info));
  set_level(Level::error);
  EXPECT_FALSE(shows(Level::warn));
  EXPECT_TRUE(shows(Level::error));
}

}  // namespace
}  // namespace tributary::log

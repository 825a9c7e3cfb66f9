#include "operator/kube/level_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

namespace tributary::kube {
namespace {

using ::testing::HasSubstr;

class LevelFileTest : public ::testing::Test {
 protected:
  LevelFileTest() {
    log::start(log::Level::info, log::Format::text);
    log::write_to([this](std::string_view line) {
      const std::lock_guard lock(mutex);
      lines += std::string(line) + "\n";
      written.notify_all();
    });
  }
  ~LevelFileTest() override {
    log::write_to({});
    log::start(log::Level::info, log::Format::text);
    std::filesystem::remove(path);
  }

  // As the kubelet does: another file takes the name.
  void say(const std::string& word) const {
    std::ofstream(path + ".new") << word;
    std::filesystem::rename(path + ".new", path);
  }
  bool logged(const std::string& text) {
    std::unique_lock lock(mutex);
    return written.wait_for(lock, Seconds(30), [&] { return lines.find(text) != std::string::npos; });
  }

  const std::string path = std::filesystem::temp_directory_path() / ("level-" + std::to_string(getpid()));
  std::mutex mutex;
  std::condition_variable written;
  std::string lines;
};

TEST_F(LevelFileTest, the_level_is_the_one_of_the_file_and_follows_it) {
  say("debug\n");
  LevelFile file(path, log::Level::info, Milliseconds(1));
  EXPECT_TRUE(log::shows(log::Level::debug)) << "at once";
  say("error");
  ASSERT_TRUE(logged("log level changes from=debug to=error"));
  say("warn");
  ASSERT_TRUE(logged("log level changes from=error to=warn"));
  std::filesystem::remove(path);
  ASSERT_TRUE(logged("log level changes from=warn to=info"));
}

TEST_F(LevelFileTest, a_change_is_told_whichever_way_it_goes_and_then_holds) {
  LevelFile file(path, log::Level::warn, Milliseconds(1));
  say("error");
  ASSERT_TRUE(logged("from=warn to=error"));
  say("debug");
  ASSERT_TRUE(logged("from=error to=debug"));
  say("info");
  ASSERT_TRUE(logged("from=debug to=info"));
}

TEST_F(LevelFileTest, what_is_no_level_is_warned_of_and_changes_nothing) {
  say("debug");
  LevelFile file(path, log::Level::info, Milliseconds(1));
  say("verbose");
  ASSERT_TRUE(logged("no log level"));
  EXPECT_TRUE(log::shows(log::Level::debug));
  say("warn");
  ASSERT_TRUE(logged("from=debug to=warn"));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(lines.find("no log level"), lines.rfind("no log level")) << "once\n" << lines;
}

TEST_F(LevelFileTest, no_more_than_a_word_is_read_of_a_large_file) {
  say(std::string(1 << 20, 'x'));
  LevelFile file(path, log::Level::info, Seconds(60));
  ASSERT_TRUE(logged("no log level"));
  const std::lock_guard lock(mutex);
  EXPECT_LT(lines.size(), 400U);
}

}  // namespace
}  // namespace tributary::kube

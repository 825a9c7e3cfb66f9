#include "engine/postgres/pgoutput/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>

#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Messages = std::vector<std::string>;

class ASpool : public testing::Test {
 protected:
  ASpool() {
    std::string path = testing::TempDir() + "spool-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) ADD_FAILURE() << "no folder";
    directory = path;
  }
  ~ASpool() override { std::filesystem::remove_all(directory); }

  // The files in `directory` that this process has open, as /proc names them.
  std::vector<std::filesystem::path> open_files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      const std::string target = std::filesystem::read_symlink(entry, gone);
      if (target.rfind(directory.string() + "/", 0) == 0) found.push_back(entry.path());
    }
    return found;
  }

  std::filesystem::path directory;
};

void append(Spool& spool, TransactionId transaction, TransactionId of, const std::string& message) {
  const Result<void> appended = spool.append(transaction, of, message.size(), wire::bytes(message));
  ASSERT_TRUE(appended.ok()) << appended.error().what;
}

Messages messages_of(Spool& spool, TransactionId transaction) {
  Result<SpooledTransaction> spooled = spool.commit(transaction);
  if (!spooled.ok()) return {spooled.error().what};
  Messages all;
  while (true) {
    const Result<std::optional<SpooledMessage>> next = spooled->next();
    if (!next.ok()) return {next.error().what};
    if (!next.value()) return all;
    all.emplace_back(reinterpret_cast<const char*>(next.value()->bytes.data()), next.value()->bytes.size());
    EXPECT_EQ(next.value()->arrival, all.back().size());
  }
}

TEST_F(ASpool, gives_the_messages_back_in_order) {
  Spool spool(directory);
  ASSERT_TRUE(spool.begin(7, true).ok());
  ASSERT_TRUE(spool.begin(8, true).ok());
  append(spool, 7, 7, "one");
  append(spool, 8, 8, "another's");
  append(spool, 7, 9, "");
  append(spool, 7, 7, "three");
  EXPECT_THAT(messages_of(spool, 7), ElementsAre("one", "", "three"));
  EXPECT_THAT(messages_of(spool, 8), ElementsAre("another's"));
  EXPECT_THAT(open_files(), IsEmpty());
}

TEST_F(ASpool, moves_the_largest_transaction_into_a_nameless_private_file) {
  Spool spool(directory, 2000);
  ASSERT_TRUE(spool.begin(7, true).ok());
  ASSERT_TRUE(spool.begin(8, true).ok());
  append(spool, 7, 7, std::string(1500, 'x'));
  EXPECT_THAT(open_files(), IsEmpty());
  append(spool, 8, 8, std::string(600, 'y'));
  append(spool, 8, 8, std::string(700, 'z'));
  ASSERT_EQ(open_files().size(), 1u);
  struct stat status {};
  ASSERT_EQ(stat(open_files().front().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(status.st_nlink, 0u);
  EXPECT_GE(status.st_size, 1500);
  EXPECT_THAT(messages_of(spool, 7), ElementsAre(std::string(1500, 'x')));
  EXPECT_THAT(open_files(), IsEmpty());
  EXPECT_THAT(messages_of(spool, 8), ElementsAre(std::string(600, 'y'), std::string(700, 'z')));
}

TEST_F(ASpool, reads_messages_that_are_larger_than_its_window) {
  Spool spool(directory, 100);
  ASSERT_TRUE(spool.begin(7, true).ok());
  const Messages messages{std::string(255 * 1024, 'a'), std::string(700'000, 'b'), "c", std::string(262'132, 'd'), "e"};
  for (const std::string& message : messages) append(spool, 7, 7, message);
  EXPECT_EQ(messages_of(spool, 7), messages);
}

TEST_F(ASpool, forgets_a_subtransaction_and_all_that_came_with_it) {
  for (const std::size_t memory : {0, 30, 1000}) {
    Spool spool(directory, memory);
    ASSERT_TRUE(spool.begin(7, true).ok());
    append(spool, 7, 7, "top");
    append(spool, 7, 8, "sub");
    append(spool, 7, 9, "sub of sub");
    append(spool, 7, 8, "sub again");
    ASSERT_TRUE(spool.abort(7, 9).ok());
    append(spool, 7, 8, "sub once more");
    append(spool, 7, 7, "top again");
    append(spool, 7, 10, "other");
    ASSERT_TRUE(spool.abort(7, 10).ok());
    append(spool, 7, 10, "other again");
    ASSERT_TRUE(spool.abort(7, 10).ok());
    EXPECT_THAT(messages_of(spool, 7), ElementsAre("top", "sub", "sub once more", "top again"));
  }
}

TEST_F(ASpool, gives_back_the_room_of_what_is_undone) {
  Spool spool(directory, 100);
  ASSERT_TRUE(spool.begin(7, true).ok());
  append(spool, 7, 7, std::string(1000, 'a'));
  append(spool, 7, 8, std::string(50'000, 'b'));
  ASSERT_TRUE(spool.abort(7, 8).ok());
  ASSERT_EQ(open_files().size(), 1u);
  EXPECT_LT(std::filesystem::file_size(open_files().front()), 2000u);
  ASSERT_TRUE(spool.abort(7, 7).ok());
  EXPECT_THAT(open_files(), IsEmpty());
  EXPECT_THAT(messages_of(spool, 7), ElementsAre("transaction 7 is not being streamed"));
}

TEST_F(ASpool, ignores_the_abort_of_a_subtransaction_of_which_nothing_came) {
  Spool spool(directory);
  ASSERT_TRUE(spool.begin(7, true).ok());
  append(spool, 7, 7, "top");
  ASSERT_TRUE(spool.abort(7, 8).ok());
  EXPECT_THAT(messages_of(spool, 7), ElementsAre("top"));
}

TEST_F(ASpool, knows_a_transaction_from_its_first_run_to_its_end) {
  Spool spool(directory);
  EXPECT_FALSE(spool.begin(7, false).ok());
  ASSERT_TRUE(spool.begin(7, true).ok());
  ASSERT_TRUE(spool.begin(7, false).ok());
  EXPECT_FALSE(spool.begin(7, true).ok());
  EXPECT_THAT(messages_of(spool, 7), IsEmpty());
  EXPECT_TRUE(spool.begin(7, true).ok());
}

TEST_F(ASpool, names_the_directory_that_is_missing) {
  Spool spool(directory / "missing", 0);
  ASSERT_TRUE(spool.begin(7, true).ok());
  const Result<void> appended = spool.append(7, 7, 1, wire::bytes("message"));
  ASSERT_FALSE(appended.ok());
  EXPECT_EQ(appended.error().fault, Fault::failed);
  EXPECT_EQ(appended.error().what, "a large transaction in progress cannot be kept in " + directory.string() +
                                       "/missing: No such file or directory");
}

// A limit on the size of a file stands for a disk that has no more room.
TEST_F(ASpool, names_the_directory_that_is_full) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  Spool spool(directory, 0);
  EXPECT_TRUE(spool.begin(7, true).ok());
  const Result<void> appended = spool.append(7, 7, 1, wire::bytes(std::string(5000, 'x')));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  ASSERT_FALSE(appended.ok());
  EXPECT_THAT(appended.error().what, HasSubstr("cannot be kept in " + directory.string() + ": File too large"));
  EXPECT_THAT(appended.error().hint, HasSubstr("room"));
}

}  // namespace
}  // namespace tributary::postgres::pgoutput

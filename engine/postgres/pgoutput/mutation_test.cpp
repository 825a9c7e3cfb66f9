#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "engine/postgres/pgoutput/message.h"
#include "engine/postgres/pgoutput/testing/exercise.h"
#include "engine/postgres/pgoutput/testing/wire.h"

namespace tributary::postgres::pgoutput {
namespace {

std::string directory() {
  return std::filesystem::temp_directory_path();
}

TEST(AConversation, of_a_server_is_taken_to_its_end) {
  const std::vector<std::string> messages = wire::conversation();
  const wire::Exercise seen = wire::exercise(messages, directory());
  EXPECT_EQ(seen.refused.value_or(""), "");
  EXPECT_EQ(seen.broken.value_or(""), "");
  EXPECT_EQ(seen.taken, messages.size());
}

TEST(AConversation, that_is_changed_is_taken_or_refused_and_never_misread) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  int refused = 0;
  for (int run = 0; run < 30'000; ++run) {
    std::vector<std::string> messages = wire::conversation();
    wire::mutate(messages, random);
    const wire::Exercise seen = wire::exercise(messages, directory());
    ASSERT_EQ(seen.broken.value_or(""), "") << "run " << run;
    refused += seen.refused ? 1 : 0;
  }
  EXPECT_GT(refused, 15'000);
}

TEST(AMessage, of_random_bytes_is_taken_or_refused) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string letters = "BCORYIUDTMSEcA";
  int taken = 0;
  for (int run = 0; run < 100'000; ++run) {
    std::string message(1, letters[random() % letters.size()]);
    for (std::size_t left = random() % 64; left > 0; --left) message += static_cast<char>(random() % 4);
    taken += decode(wire::bytes(message), run % 2 == 0).ok() ? 1 : 0;
  }
  EXPECT_LT(taken, 50'000);
}

}  // namespace
}  // namespace tributary::postgres::pgoutput

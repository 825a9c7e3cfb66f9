#include "engine/base/seal.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Seal, digests_are_those_of_the_standards_own_examples) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hmac_sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Seal, secrets_are_the_same_only_when_every_byte_is) {
  EXPECT_TRUE(same_secret("", ""));
  EXPECT_TRUE(same_secret("abc", "abc"));
  EXPECT_FALSE(same_secret("abc", "abd"));
  EXPECT_FALSE(same_secret("abc", "abcd"));
}

TEST(Seal, bytes_come_back_from_their_text) {
  for (int size = 1; size < 70; ++size) {
    const std::string bytes = random_bytes(size);
    ASSERT_EQ(bytes.size(), static_cast<std::size_t>(size));
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
  EXPECT_EQ(to_base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  for (const char* none : {"", "a", "****", "YW5="}) EXPECT_LE(from_base64(none).size(), 2U) << none;
  EXPECT_NE(random_bytes(32), random_bytes(32));
}

}  // namespace
}  // namespace tributary

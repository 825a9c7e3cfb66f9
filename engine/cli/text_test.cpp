#include "engine/cli/text.h"

#include <gtest/gtest.h>

#include <random>

namespace tributary::cli {
namespace {

TEST(Printable, lets_no_control_character_through) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc\td\x7f"), "a?[2Jb c d?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m")
      << "the one-byte form of ESC [";
  EXPECT_EQ(printable("evil\xe2\x80\xaetxt"), "evil?txt") << "right-to-left override";
  EXPECT_EQ(printable("Gr\xc3\xb6\xc3\x9f"
                      "e \xe8\xa1\xa8 \xf0\x9f\x90\x98?"),
            "Gr\xc3\xb6\xc3\x9f"
            "e \xe8\xa1\xa8 \xf0\x9f\x90\x98?");
}

TEST(Printable, replaces_what_is_no_utf8) {
  EXPECT_EQ(printable("\xff\xc3"), "??");
  EXPECT_EQ(printable("\xc0\xaf"), "??") << "overlong";
  EXPECT_EQ(printable("\xed\xa0\x80"), "???") << "surrogate";
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????") << "beyond Unicode";
}

TEST(Printable, of_random_bytes_is_stable_and_clean) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes(random() % 40, ' ');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string clean = printable(bytes);
    ASSERT_EQ(printable(clean), clean) << "seed " << seed;
    ASSERT_EQ(clean.find('\x1b'), clean.npos) << "seed " << seed;
    for (const std::size_t width : {1u, 7u, 20u}) ASSERT_EQ(display_width(fit(clean, width)), width) << "seed " << seed;
  }
}

TEST(Width, counts_columns_not_bytes) {
  EXPECT_EQ(display_width("orders"), 6u);
  EXPECT_EQ(display_width("\xc3\xb6"), 1u);
  EXPECT_EQ(display_width("\xe8\xa1\xa8"), 2u);
  EXPECT_EQ(display_width("e\xcc\x81"), 1u);
}

TEST(Fit, pads_and_cuts) {
  EXPECT_EQ(fit("ab", 4), "ab  ");
  EXPECT_EQ(fit("abcdefgh", 6), "abc...");
  EXPECT_EQ(fit("\xe8\xa1\xa8\xe8\xa1\xa8\xe8\xa1\xa8", 5), "\xe8\xa1\xa8...");
  EXPECT_EQ(fit("abc", 2), "ab");
}

TEST(Wrap, breaks_at_blanks_and_inside_long_words_only) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrap("", 10), Lines{""});
  EXPECT_EQ(wrap("one two three", 8), (Lines{"one two", "three"}));
  EXPECT_EQ(wrap("one two", 7), (Lines{"one two"}));
  EXPECT_EQ(wrap("abcdefghij k", 4), (Lines{"abcd", "efgh", "ij k"}));
}

TEST(Numbers, have_their_thousands_apart) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'000), "1,000");
  EXPECT_EQ(count_text(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace tributary::cli

#include "engine/base/text.h"

#include <gtest/gtest.h>

namespace tributary {
namespace {

TEST(Text, that_fits_is_left_alone) {
  EXPECT_EQ(first_bytes("", 0), "");
  EXPECT_EQ(first_bytes("shop", 4, "..."), "shop");
}

TEST(Text, is_cut_to_its_beginning) {
  EXPECT_EQ(first_bytes("a longer text", 8), "a longer");
  EXPECT_EQ(first_bytes("a longer text", 8, "..."), "a lon...");
  EXPECT_EQ(first_bytes("a longer text", 3, "..."), "...");
}

TEST(Text, is_not_cut_inside_a_letter) {
  for (const std::string letter : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    std::string text;
    for (int i = 0; i < 9; ++i) text += letter;
    for (std::size_t most = 0; most < text.size(); ++most) {
      const std::size_t whole = most / letter.size() * letter.size();
      EXPECT_EQ(first_bytes(text, most), text.substr(0, whole)) << most;
      if (most < 3) continue;
      EXPECT_EQ(first_bytes(text, most, "..."), text.substr(0, (most - 3) / letter.size() * letter.size()) + "...");
    }
  }
}

TEST(Text, that_is_no_utf8_is_cut_all_the_same) {
  const std::string bytes(9, '\x80');
  EXPECT_EQ(first_bytes(bytes, 7).size(), 7u);
}

TEST(OneLine, has_no_control_character_and_no_blank_end) {
  EXPECT_EQ(one_line(""), "");
  EXPECT_EQ(one_line("\n \n"), "");
  EXPECT_EQ(one_line("FATAL:  no\n\tsuch\r\nrole\x01 \n"), "FATAL:  no  such  role");
  EXPECT_EQ(one_line("gr\xc3\xb6\xc3\x9f"
                     "er"),
            "gr\xc3\xb6\xc3\x9f"
            "er");
}

}  // namespace
}  // namespace tributary

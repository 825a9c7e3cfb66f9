#include "engine/cli/consent.h"

#include <gmock/gmock.h>

#include <sstream>

namespace tributary::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<void> answered(const std::string& answer, std::string* asked = nullptr) {
  std::istringstream in(answer);
  std::ostringstream out;
  const Result<void> result = ask({"target database app: everything in it on db:5432"}, in, out);
  if (asked != nullptr) *asked = out.str();
  return result;
}

TEST(Consent, is_needed_for_the_flag_alone) {
  Options options;
  EXPECT_FALSE(must_ask(options));
  options.spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::drop;
  EXPECT_TRUE(must_ask(options));
  for (bool Options::*said : {&Options::yes, &Options::dry_run, &Options::from_spec_file}) {
    Options decided = options;
    decided.*said = true;
    EXPECT_FALSE(must_ask(decided));
  }
}

TEST(Consent, names_what_goes_and_the_word_to_type) {
  std::string asked;
  EXPECT_TRUE(answered("yes\n", &asked));
  EXPECT_THAT(asked, HasSubstr("app: everything in it on db:5432"));
  EXPECT_THAT(asked, HasSubstr("Type the word yes"));
}

TEST(Consent, is_the_word_yes_however_it_is_typed) {
  for (const char* answer : {"yes\n", "yes", "YES\n", " Yes \n", "yes\r\n", "\tyes\t\n"}) EXPECT_TRUE(answered(answer));
}

TEST(Consent, is_no_other_answer) {
  for (const char* answer : {"", "\n", "y\n", "no\n", "yes please\n", "ja\n", "true\n"}) {
    const Result<void> result = answered(answer);
    ASSERT_FALSE(result) << answer;
    EXPECT_EQ(result.error().fault, Fault::invalid);
  }
}

TEST(Consent, lets_no_name_reach_the_terminal_unfiltered) {
  std::istringstream in("yes\n");
  std::ostringstream out;
  EXPECT_TRUE(ask({"a\x1b[2J"}, in, out));
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
}

TEST(Consent, is_asked_for_what_the_checks_say_is_dropped) {
  const api::Finding drop{api::Severity::warning, "TargetWillBeDropped", "target database app", "all of it", ""};
  const api::Finding other{api::Severity::warning, "FewConnections", "target", "few", ""};
  EXPECT_THAT(drops_of({other, drop}), ElementsAre("target database app: all of it"));
}

}  // namespace
}  // namespace tributary::cli

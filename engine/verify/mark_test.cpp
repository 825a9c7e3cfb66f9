#include "engine/verify/mark.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace tributary::verify {
namespace {

using Kind = api::RowDifference::Kind;

class Listed final : public MarkStream {
 public:
  explicit Listed(std::vector<Mark> marks) : marks_(std::move(marks)) {}
  Result<std::optional<Mark>> next(const Until&) override {
    if (at_ == marks_.size()) return std::optional<Mark>{};
    return std::optional<Mark>{marks_[at_++]};
  }

 private:
  std::vector<Mark> marks_;
  std::size_t at_ = 0;
};

struct Difference {
  Kind kind;
  Key key;
  std::uint64_t copies;
  bool operator==(const Difference&) const = default;
};

std::vector<Difference> differences(std::vector<Mark> source, std::vector<Mark> target,
                                    Identity identity = Identity::key) {
  Listed from(std::move(source));
  Listed to(std::move(target));
  std::vector<Difference> found;
  const Result<void> merged = merge(from, to, identity,
                                    [&](const Found& each) -> Result<void> {
                                      found.push_back({each.kind, each.row.key, each.copies});
                                      return {};
                                    },
                                    {});
  EXPECT_TRUE(merged);
  return found;
}

TEST(AMerge, finds_nothing_between_equal_ends) {
  EXPECT_TRUE(differences({}, {}).empty());
  EXPECT_TRUE(differences({{-4, 1, 1, {"a"}}, {7, 2, 1, {"b"}}}, {{-4, 1, 1, {"a"}}, {7, 2, 1, {"b"}}}).empty());
}

TEST(AMerge, tells_missing_extra_and_differing_rows_apart) {
  const auto found = differences({{1, 1, 1, {"a"}}, {2, 2, 1, {"b"}}, {9, 9, 1, {"z"}}},
                                 {{2, 3, 1, {"b"}}, {4, 4, 1, {"d"}}, {9, 9, 1, {"z"}}});
  const std::vector<Difference> expected{{Kind::missing, {"a"}, 1}, {Kind::differs, {"b"}, 1}, {Kind::extra, {"d"}, 1}};
  EXPECT_EQ(found, expected);
}

TEST(AMerge, takes_two_keys_of_one_hash_for_two) {
  const auto found = differences({{1, 1, 1, {"a"}}, {1, 2, 1, {"b"}}}, {{1, 2, 1, {"a"}}, {1, 1, 1, {"b"}}});
  const std::vector<Difference> expected{{Kind::differs, {"a"}, 1}, {Kind::differs, {"b"}, 1}};
  EXPECT_EQ(found, expected);
}

TEST(AMerge, knows_that_the_columns_of_a_key_are_not_one_text) {
  const auto found = differences({{1, 1, 1, {"a", "bc"}}}, {{1, 1, 1, {"ab", "c"}}});
  EXPECT_EQ(found.size(), 2U);
}

TEST(AMerge, counts_the_copies_of_a_key_that_is_none_on_the_target) {
  const auto found = differences({{1, 1, 1, {"a"}}}, {{1, 1, 1, {"a"}}, {1, 5, 2, {"a"}}});
  const std::vector<Difference> expected{{Kind::extra, {"a"}, 2}};
  EXPECT_EQ(found, expected);
}

TEST(AMerge, counts_equal_rows_of_a_table_without_a_key_wherever_they_lie) {
  EXPECT_TRUE(differences({{1, 1, 3, {"(0,1)"}}}, {{1, 1, 3, {"(7,7)"}}}, Identity::whole_row).empty());
  const auto found =
      differences({{1, 1, 3, {"(0,1)"}}, {5, 5, 1, {"(0,4)"}}}, {{1, 1, 5, {"(7,7)"}}}, Identity::whole_row);
  const std::vector<Difference> expected{{Kind::extra, {"(7,7)"}, 2}, {Kind::missing, {"(0,4)"}, 1}};
  EXPECT_EQ(found, expected);
}

TEST(AMerge, refuses_rows_out_of_order) {
  Listed from({{2, 1, 1, {"a"}}, {1, 1, 1, {"b"}}});
  Listed to({});
  EXPECT_FALSE(merge(from, to, Identity::key, [](const Found&) { return Result<void>{}; }, {}));
}

}  // namespace
}  // namespace tributary::verify

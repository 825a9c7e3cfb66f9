#include "engine/verify/bisection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tributary::verify {
namespace {

using Kind = api::RowDifference::Kind;

// What a row holds, by its key.
using Table = std::map<int, int>;

std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

std::int64_t key_hash(int key) {
  return static_cast<std::int64_t>(mix(static_cast<std::uint64_t>(key) + 1));
}

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

class Tables final : public TableEnds {
 public:
  Tables(Table source, Table target) : tables_{std::move(source), std::move(target)} {}

  Result<Both<Digests>> digests(const Subset& subset, int bits, const Until&) override {
    EXPECT_TRUE(bits > subset.bits || (bits == 0 && passes == 0));
    ++passes;
    return Both<Digests>{digest(tables_.source, subset, bits), digest(tables_.target, subset, bits)};
  }

  Result<Both<std::unique_ptr<MarkStream>>> marks(const Subset& subset, const Until&) override {
    return Both<std::unique_ptr<MarkStream>>{list(tables_.source, subset), list(tables_.target, subset)};
  }

  int passes = 0;
  std::size_t listed = 0;

 private:
  static std::uint64_t ending(int key, int bits) {
    return static_cast<std::uint64_t>(key_hash(key)) & ((1ULL << bits) - 1);
  }
  static bool has(const Subset& subset, int key) {
    return subset.bits == 0 ||
           std::binary_search(subset.endings.begin(), subset.endings.end(), ending(key, subset.bits));
  }
  static Digests digest(const Table& table, const Subset& subset, int bits) {
    std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> sums;
    for (const auto& [key, value] : table) {
      if (!has(subset, key)) continue;
      auto& [rows, sum] = sums[ending(key, bits)];
      ++rows;
      sum += mix(static_cast<std::uint64_t>(key) * 1'000'003 + static_cast<std::uint64_t>(value));
    }
    Digests digests;
    for (const auto& [at, sum] : sums) digests[at] = {sum.first, std::to_string(sum.second)};
    return digests;
  }
  std::unique_ptr<MarkStream> list(const Table& table, const Subset& subset) {
    std::vector<Mark> marks;
    for (const auto& [key, value] : table)
      if (has(subset, key)) marks.push_back({key_hash(key), value, 1, {std::to_string(key)}});
    std::sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) { return a.key_hash < b.key_hash; });
    listed += marks.size();
    return std::make_unique<Listed>(std::move(marks));
  }

  Both<Table> tables_;
};

using Differences = std::map<int, Kind>;

// By comparing all of both.
Differences expected(const Table& source, const Table& target) {
  Differences found;
  for (const auto& [key, value] : source) {
    const auto there = target.find(key);
    if (there == target.end()) {
      found[key] = Kind::missing;
    } else if (there->second != value) {
      found[key] = Kind::differs;
    }
  }
  for (const auto& [key, value] : target)
    if (source.count(key) == 0) found[key] = Kind::extra;
  return found;
}

struct Compared {
  RangeCounts counts;
  Differences found;
};

Compared compare(Tables& tables, const BisectionLimits& limits) {
  Compared compared;
  const Result<RangeCounts> counts = compare_range(
      tables, {}, Identity::key,
      [&](const Found& each) -> Result<void> {
        EXPECT_TRUE(compared.found.emplace(std::stoi(each.row.key.front()), each.kind).second);
        return {};
      },
      {}, limits);
  EXPECT_TRUE(counts);
  compared.counts = *counts;
  return compared;
}

Table rows(int count) {
  Table table;
  for (int key = 0; key < count; ++key) table[key] = key * 7;
  return table;
}

TEST(ARange, that_is_equal_is_read_once) {
  Tables tables(rows(10'000), rows(10'000));
  const Compared compared = compare(tables, {});
  EXPECT_TRUE(compared.counts.is_equal);
  EXPECT_TRUE(compared.found.empty());
  EXPECT_EQ(tables.passes, 1);
  EXPECT_EQ(tables.listed, 0U);
  EXPECT_EQ(compared.counts.rows.source, 10'000U);
}

TEST(ARange, of_one_differing_row_is_divided_until_few_are_left) {
  Table target = rows(100'000);
  target[4711] = -1;
  Tables tables(rows(100'000), target);
  const Compared compared = compare(tables, {.few_rows = 10});
  EXPECT_EQ(compared.found, (Differences{{4711, Kind::differs}}));
  EXPECT_LE(tables.listed, 20U);
}

TEST(ARange, that_differs_everywhere_is_not_divided) {
  Tables tables(rows(5'000), {});
  const Compared compared = compare(tables, {.few_rows = 10});
  EXPECT_EQ(compared.found.size(), 5'000U);
  EXPECT_EQ(tables.passes, 2);
  EXPECT_EQ(compared.counts.rows.target, 0U);
}

TEST(ARange, without_rows_on_either_end_is_equal) {
  Tables tables({}, {});
  EXPECT_TRUE(compare(tables, {}).counts.is_equal);
}

TEST(ARange, that_differs_at_random_is_told_row_by_row) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 200; ++round) {
    const int count = static_cast<int>(random() % 3000);
    Table source = rows(count);
    Table target = source;
    const int changes = static_cast<int>(random() % (round % 10 == 0 ? 3000 : 12));
    for (int change = 0; change < changes; ++change) {
      const int key = static_cast<int>(random() % static_cast<unsigned>(count + 50));
      Table& table = random() % 2 == 0 ? source : target;
      if (random() % 2 == 0) {
        table.erase(key);
      } else {
        table[key] = static_cast<int>(random() % 5);
      }
    }
    Tables tables(source, target);
    const BisectionLimits limits{.few_rows = random() % 100, .most_endings = 1 + random() % 64};
    const Compared compared = compare(tables, limits);
    ASSERT_EQ(compared.found, expected(source, target));
    ASSERT_EQ(compared.counts.is_equal, compared.found.empty());
  }
}

}  // namespace
}  // namespace tributary::verify

#include "engine/verify/mark.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace tributary::verify {
namespace {

using Kind = api::RowDifference::Kind;

// All marks of one hash at a time.
class Groups {
 public:
  explicit Groups(MarkStream& stream) : stream_(stream) {}

  Result<void> start(const Until& until) {
    next_ = TRY(stream_.next(until));
    return {};
  }
  std::optional<std::int64_t> hash() const {
    return next_ ? std::optional<std::int64_t>{next_->key_hash} : std::nullopt;
  }
  Result<std::vector<Mark>> take(const Until& until) {
    std::vector<Mark> group;
    const std::int64_t hash = next_->key_hash;
    while (next_ && next_->key_hash == hash) {
      group.push_back(std::move(*next_));
      next_ = TRY(stream_.next(until));
      if (next_ && next_->key_hash < hash)
        return Error{Fault::failed, "rows came in another order than that of their hashes"};
    }
    return group;
  }

 private:
  MarkStream& stream_;
  std::optional<Mark> next_;
};

struct Copies {
  std::uint64_t source = 0;
  std::uint64_t target = 0;
  const Mark* on_source = nullptr;
  const Mark* on_target = nullptr;
};

// Of one identity, by what its rows hold.
using Rows = std::map<std::int64_t, Copies>;

// What one end has too many of one row is, as long as the other has too many of another, a row that differs.
void compare(const Rows& rows, std::vector<Found>& found) {
  std::vector<std::pair<const Mark*, std::uint64_t>> missing;
  std::vector<std::pair<const Mark*, std::uint64_t>> extra;
  for (const auto& [hash, copies] : rows) {
    if (copies.source > copies.target) missing.emplace_back(copies.on_source, copies.source - copies.target);
    if (copies.target > copies.source) extra.emplace_back(copies.on_target, copies.target - copies.source);
  }
  while (!missing.empty() && !extra.empty()) {
    const std::uint64_t pairs = std::min(missing.back().second, extra.back().second);
    found.push_back({Kind::differs, pairs, *missing.back().first});
    if ((missing.back().second -= pairs) == 0) missing.pop_back();
    if ((extra.back().second -= pairs) == 0) extra.pop_back();
  }
  for (const auto& [mark, copies] : missing) found.push_back({Kind::missing, copies, *mark});
  for (const auto& [mark, copies] : extra) found.push_back({Kind::extra, copies, *mark});
}

std::vector<Found> compare(const Both<std::vector<Mark>>& group, Identity identity) {
  std::map<Key, Rows> by_key;
  const auto rows_of = [&](const Mark& mark) -> Rows& {
    return identity == Identity::key ? by_key[mark.key] : by_key[Key{std::to_string(mark.row_hash)}];
  };
  for (const Mark& mark : group.source) {
    Copies& copies = rows_of(mark)[mark.row_hash];
    copies.source += mark.copies;
    copies.on_source = &mark;
  }
  for (const Mark& mark : group.target) {
    Copies& copies = rows_of(mark)[mark.row_hash];
    copies.target += mark.copies;
    copies.on_target = &mark;
  }
  std::vector<Found> found;
  for (const auto& [key, rows] : by_key) compare(rows, found);
  return found;
}

}  // namespace

Result<void> merge(MarkStream& source, MarkStream& target, Identity identity,
                   const std::function<Result<void>(const Found&)>& found, const Until& until) {
  Groups sources(source);
  Groups targets(target);
  TRY(sources.start(until));
  TRY(targets.start(until));
  while (sources.hash() || targets.hash()) {
    const auto first = !targets.hash()   ? sources.hash()
                       : !sources.hash() ? targets.hash()
                                         : std::min(sources.hash(), targets.hash());
    Both<std::vector<Mark>> group;
    if (sources.hash() == first) group.source = TRY(sources.take(until));
    if (targets.hash() == first) group.target = TRY(targets.take(until));
    for (const Found& each : compare(group, identity)) TRY(found(each));
  }
  return {};
}

}  // namespace tributary::verify

#include "engine/postgres/sync/table_moves.h"

#include <algorithm>

#include "engine/base/log.h"

namespace tributary::postgres::sync {

std::vector<FollowedTable> tables_of(const std::vector<std::uint32_t>& ids, const std::vector<FollowedTable>& all) {
  std::vector<FollowedTable> some;
  for (const FollowedTable& each : all)
    if (std::find(ids.begin(), ids.end(), each.id) != ids.end()) some.push_back(each);
  return some;
}

std::vector<FollowedTable> moved(std::vector<FollowedTable> tables, FollowedTable::State state,
                                 const std::string& reason) {
  std::erase_if(tables, [&](const FollowedTable& each) {
    return each.state == FollowedTable::State::stopped || each.state == state;
  });
  for (FollowedTable& each : tables) {
    each.state = state;
    each.reason = reason;
    log::warn("table changed on the source", {{"table", model::display(each.name)}, {"reason", reason}});
  }
  return tables;
}

}  // namespace tributary::postgres::sync

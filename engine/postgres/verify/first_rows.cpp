#include "engine/postgres/verify/first_rows.h"

#include <algorithm>
#include <iterator>

namespace tributary::postgres::verify {

void keep_first(std::vector<api::RowDifference>& rows) {
  std::stable_sort(rows.begin(), rows.end(),
                   [](const api::RowDifference& a, const api::RowDifference& b) { return ByKey()(a.key, b.key); });
  if (rows.size() > api::most_rows_told) rows.resize(api::most_rows_told);
}

bool FirstKeys::take(const std::string& key) {
  if (keys_.size() == api::most_rows_told) {
    const auto last = std::prev(keys_.end());
    if (!ByKey()(key, *last)) return false;
    keys_.erase(last);
  }
  keys_.insert(key);
  return true;
}

}  // namespace tributary::postgres::verify

#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/api/verification.h"

// Which rows that differ are told of: of each table the first by key. Pure.
namespace tributary::postgres::verify {

// Shorter keys first, so that numbers of different lengths stand in their order, too.
struct ByKey {
  bool operator()(const std::string& a, const std::string& b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

// Sorts them, and leaves out what is too much.
void keep_first(std::vector<api::RowDifference>& rows);

// Keys as they come, in any order.
class FirstKeys {
 public:
  // Whether it is among the first of all that came so far.
  bool take(const std::string& key);

 private:
  std::multiset<std::string, ByKey> keys_;
};

}  // namespace tributary::postgres::verify

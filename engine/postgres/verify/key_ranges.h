#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/verify/subset.h"

// A large table is compared in ranges of its key, so that no snapshot has to be kept for longer than one takes and
// several sessions can read it.
namespace tributary::postgres::verify {

struct RangeSizes {
  std::uint64_t bytes = 1ULL << 30;       // where rows lie in the order of their key
  std::uint64_t scattered = 16ULL << 30;  // where they do not, and a range is read from everywhere
};

// In order, and together all keys there can be. One that is everything where the table is small, or where the ends do
// not order its key alike. Reads a sample of the source's rows.
Result<std::vector<tributary::verify::KeyRange>> cut_into_ranges(Connection& source, const TablePair& pair,
                                                                 const RangeSizes& sizes, const Until& until);

// The condition on "t" that its rows lie in the range; "" where all do. Pure.
std::string condition_of(const tributary::verify::KeyRange& range, const TablePair& pair);

}  // namespace tributary::postgres::verify

#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/verify/both.h"
#include "engine/verify/subset.h"

// The statements that read one table of one end, pure.
namespace tributary::postgres::verify {

// FROM: the table under the name "t", without tables that inherit from it, which are compared by themselves.
std::string scanned(const TableTraits& table);

// Rows: ending, count, sum.
std::string digest_sql(const TablePair& pair, const TableTraits& end, const Dialect& dialect,
                       const tributary::verify::Subset& subset, int bits);

// COPY of: hash of the key, hash of the row, copies, and the key's columns; for a table that has none the one it lies
// in and where. In the order of the first.
std::string marks_sql(const TablePair& pair, const TableTraits& end, const Dialect& dialect,
                      const tributary::verify::Subset& subset);

// The condition on "t" that a row is the one of this key, as marks_sql() gives it.
std::string condition_of(const tributary::verify::Key& key, const TablePair& pair);
// That it is one of these.
std::string condition_of(const std::vector<tributary::verify::Key>& keys, const TablePair& pair);
// That the target takes a row's key for this one, which it may spell in another way (1.0 and 1.00); only where there is
// a key.
std::string equality_of(const tributary::verify::Key& key, const TablePair& pair);
// Whether both are the same.
bool is_exact(const TablePair& pair);

}  // namespace tributary::postgres::verify

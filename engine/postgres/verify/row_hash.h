#pragma once

#include <string>
#include <vector>

#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/table_pair.h"

// The expressions by which a server hashes a row, pure. All speak of a table that is called "t".
//
// The hash that PostgreSQL has for records and arrays is 31 * (...) + hash of a column: summed up over rows it is a sum
// over each column alone, and two rows that have swapped a value are lost in it. So every row's hash is seeded with the
// hash of its key (or, where there is no key, of the row itself). Within a row each power of 31 is 1 modulo a power of
// two: a Thue-Morse sequence of 256 columns or elements hashes as its complement does. So few columns share a record,
// and a long array goes as text too. hashint8extended() folds 64 bits to 32 before it mixes them: 8-byte values go as
// bytes. Rules from src/backend/utils/adt/rowtypes.c (hash_record_extended), arrayfuncs.c (hash_array_extended),
// src/backend/access/hash/hashfunc.c.
namespace tributary::postgres::verify {

// SQL of a value of `type` whose native hash is asked for, where it has one that is as fine as what a client sees; ""
// for any other type. `value` is the SQL of the value.
std::string native_value(const std::string& type, const std::string& value);

struct RowHash {
  std::string key;  // bigint
  std::string row;  // bigint
};
RowHash row_hash(const TablePair& pair, const Dialect& dialect);

// Of one column alone, NULL included.
std::string column_hash(const std::string& column, const Dialect& dialect);

// t."name".
std::string of_t(const std::string& column);

}  // namespace tributary::postgres::verify

#pragma once

#include <map>
#include <string>

namespace tributary::testbed {

// What a database holds, for comparing a source with its target by means of the tests' own: "schema.table" with its
// row count and an order-independent digest of every row's text. Leaves of partitioned tables, plain tables (each
// without its children) and materialised views of all user schemas; `_tributary` is left out. Settings that change a
// value's text are fixed, so servers of different versions and settings compare.
std::map<std::string, std::string> fingerprint(const std::string& uri);

// The same of tables alone, by the names of their columns, which are told of with the rows: whoever gives a table the
// columns of another one may add them in another order.
std::map<std::string, std::string> rows_by_column_name(const std::string& uri);

// "schema.sequence" with its last value and whether it has been used.
std::map<std::string, std::string> sequences(const std::string& uri);

}  // namespace tributary::testbed

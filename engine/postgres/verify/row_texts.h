#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/verify/dialect.h"
#include "engine/postgres/verify/table_pair.h"
#include "engine/verify/subset.h"

// What single rows of one end hold, column by column.
namespace tributary::postgres::verify {

struct CellTexts {
  std::string hash;                  // tells cells apart, NULL and '' too
  std::optional<std::string> value;  // as a client sees it, as much of it as was asked for; nothing for NULL
};
using RowTexts = std::vector<CellTexts>;  // of TablePair::columns

enum class Values {
  none,
  cut,    // the first of each, for people
  whole,  // for a statement that writes them
};

// Rows that are not there are left out. The keys are those of marks.
Result<std::map<tributary::verify::Key, RowTexts>> read_rows(Connection& connection, const TablePair& pair,
                                                             const TableTraits& end, const Dialect& dialect,
                                                             const std::vector<tributary::verify::Key>& keys,
                                                             Values values, const Until& until);

struct KeyedRow {
  tributary::verify::Key key;
  RowTexts texts;
};

// Of each key the first row of the target that its own equality takes for it, whole, if there is one.
Result<std::vector<std::optional<KeyedRow>>> read_equal(Connection& target, const TablePair& pair,
                                                        const Dialect& dialect,
                                                        const std::vector<tributary::verify::Key>& keys,
                                                        const Until& until);

}  // namespace tributary::postgres::verify

#pragma once

#include <string>
#include <vector>

#include "engine/postgres/verify/table_traits.h"
#include "engine/verify/both.h"
#include "engine/verify/mark.h"

// How a table of both ends is compared: pure decisions.
namespace tributary::postgres::verify {

struct ComparedColumn {
  std::string name;
  std::string type;                 // where both ends have the same, as pg_catalog names it; else ""
  bool is_generated = false;        // on the target
  bool is_identity_always = false;  // on the target
  bool has_operator = true;         // on both ends, see ColumnTraits
  bool is_exact = false;            // values that are equal are also written alike, on both ends
  std::string declared = "";        // on the target
};

struct TablePair {
  tributary::verify::Both<TableTraits> ends;
  std::vector<ComparedColumn> columns;    // that both have, in the source's order
  std::vector<ComparedColumn> key;        // never null on either end; empty: a row is known by all that it holds
  std::size_t ordered = 0;                // how many of the key's leading columns both ends order alike
  std::vector<std::string> missing = {};  // columns that the target lacks
};

// `recodes`: the databases have different encodings, in which bytes may be ordered differently.
TablePair pair_up(const TableTraits& source, const TableTraits& target, bool recodes);

tributary::verify::Identity identity_of(const TablePair& pair);

}  // namespace tributary::postgres::verify

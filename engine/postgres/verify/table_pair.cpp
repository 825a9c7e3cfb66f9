#include "engine/postgres/verify/table_pair.h"

#include <algorithm>
#include <set>

namespace tributary::postgres::verify {
namespace {

// Ordered by what they are, whatever a server or its locale thinks.
const std::set<std::string> ordered_types{"int2",        "int4", "int8",  "oid",  "numeric", "date", "timestamp",
                                          "timestamptz", "uuid", "bytea", "text", "varchar", "bool"};

// Of which equal values are the same to a client: not so numeric (1.0 and 1.00), floats (0 and -0), interval and what
// may be made of them.
const std::set<std::string> exact_types{"int2", "int4", "int8", "oid",  "bool",  "date",    "time",       "timestamp",
                                        "uuid", "char", "name", "text", "bytea", "varchar", "timestamptz"};

const ColumnTraits* find(const TableTraits& table, const std::string& column) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const ColumnTraits& each) { return each.name == column; });
  return found == table.columns.end() ? nullptr : &*found;
}

// The text of char(n) alone is not what a client sees, which is filled up.
std::string common_type(const ColumnTraits& source, const ColumnTraits& target) {
  if (source.type != target.type) return "";
  return source.type == "bpchar" && !(source.is_padded && target.is_padded) ? "" : source.type;
}

bool is_ordered_alike(const TableTraits& source, const TableTraits& target, const ComparedColumn& column,
                      bool recodes) {
  const bool is_text = column.type == "text" || column.type == "varchar";
  return ordered_types.count(column.type) != 0 && !(recodes && is_text) && find(source, column.name)->is_bytewise &&
         find(target, column.name)->is_bytewise;
}

bool is_exact(const ColumnTraits& column) {
  return exact_types.count(column.type) != 0 && column.is_deterministic;
}

ComparedColumn compared(const ColumnTraits& source, const ColumnTraits& target) {
  ComparedColumn column{source.name, common_type(source, target), target.is_generated, target.is_identity_always};
  column.has_operator = source.has_operator && target.has_operator;
  column.is_exact = is_exact(source) && is_exact(target);
  column.declared = target.declared;
  return column;
}

}  // namespace

TablePair pair_up(const TableTraits& source, const TableTraits& target, bool recodes) {
  TablePair pair{{source, target}, {}, {}};
  for (const ColumnTraits& column : source.columns) {
    const ColumnTraits* const there = find(target, column.name);
    if (there == nullptr) {
      pair.missing.push_back(column.name);
    } else {
      pair.columns.push_back(compared(column, *there));
    }
  }
  const auto is_never_null = [&](const std::string& name) {
    const ColumnTraits* const there = find(target, name);
    return there != nullptr && there->is_not_null;
  };
  for (const std::vector<std::string>& key : source.keys) {
    if (!std::all_of(key.begin(), key.end(), is_never_null)) continue;
    for (const std::string& name : key)
      pair.key.push_back(*std::find_if(pair.columns.begin(), pair.columns.end(),
                                       [&](const ComparedColumn& each) { return each.name == name; }));
    break;
  }
  while (pair.ordered < pair.key.size() && is_ordered_alike(source, target, pair.key[pair.ordered], recodes))
    ++pair.ordered;
  return pair;
}

tributary::verify::Identity identity_of(const TablePair& pair) {
  return pair.key.empty() ? tributary::verify::Identity::whole_row : tributary::verify::Identity::key;
}

}  // namespace tributary::postgres::verify

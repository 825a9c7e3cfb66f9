#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/postgres/verify/testing/random_values.h"
#include "engine/testing/session.h"

// A table that is drawn at random, on two ends that hold it in different ways.
namespace tributary::testbed {

enum class Side { source, target };

struct RandomColumn {
  std::string name;
  const ValueType* type = nullptr;
  std::string target_type;    // the source's, or one that writes values alike
  bool is_required = false;   // never null
  std::string computed = "";  // of another column
  bool is_identity = false;   // GENERATED ALWAYS
};

enum class KeyKind { none, primary, unique, deferrable };

// How one end divides it: plain, or partitioned by a column.
struct Division {
  enum class By { nothing, range, list, hash } by = By::nothing;
  std::size_t column = 0;
  std::string bound = "";
};

struct RandomTable {
  std::string schema;
  std::string name;
  std::size_t number = 0;  // unique in its schema
  std::vector<RandomColumn> columns;
  KeyKind kind = KeyKind::none;
  std::vector<std::size_t> key;
  Division divided[2];
  std::string parent = "";  // quoted, that it inherits the first columns of
  std::size_t inherited = 0;

  const Division& division(Side side) const { return divided[side == Side::target ? 1 : 0]; }
  std::string quoted() const;
  // For FROM, UPDATE and DELETE: without children where it has no partitions.
  std::string scanned(Side side) const;
  std::string column_list() const;
};

std::string identifier_of(const std::string& name);

RandomTable draw_table(Random& random, const ValueRules& rules, const std::string& schema, std::size_t number);
// Has the columns of `parent` and more.
RandomTable draw_child(Random& random, const ValueRules& rules, const RandomTable& parent, std::size_t number);

// What is to be done before the rows are written, and after.
struct Creation {
  std::string before;
  std::string after;
};
Creation create_table(Random& random, const RandomTable& table, Side side, int major);

// A value of each column as a literal, computed ones left out.
std::vector<std::string> draw_row(Random& random, const ValueRules& rules, const RandomTable& table);
std::string insert_rows(const RandomTable& table, const std::vector<std::vector<std::string>>& rows);
std::string draw_literal(Random& random, const ValueRules& rules, const RandomColumn& column);

// As a client sees them that knows one spelling of each value.
Rows read_rows(Session& session, const RandomTable& table, Side side);
extern const char* const one_spelling;

}  // namespace tributary::testbed

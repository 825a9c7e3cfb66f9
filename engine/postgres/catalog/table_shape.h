#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// How a source defines a table, as far as it decides whether its rows on a target can go on to be what they are: the
// fingerprint that the ledger keeps. Some changes send no other description in the log, and the values that existing
// rows get of a new column are never sent, so the catalog itself is asked.
namespace tributary::postgres {

struct ShapeColumn {
  int number = 0;  // pg_attribute.attnum: stays when the column is renamed, and is never given to another
  std::string name;
  std::uint32_t type = 0;
  std::int32_t modifier = -1;  // of the type
  std::string spelling;        // of both
  std::string collation;       // quoted; "" where it is the type's own
  bool not_null = false;
  std::string identity;                // pg_attribute.attidentity: "", "a" always, "d" by default
  std::string generated;               // pg_attribute.attgenerated: "", "s" stored, "v" virtual
  std::string expression;              // of the default or the generated value; "" for none
  std::optional<std::string> missing;  // of rows that are older than the column, as text
  std::string version;  // of the column's row in the catalog: another one where ALTER TABLE had to do with it
  bool operator==(const ShapeColumn&) const = default;
};

struct TableShape {
  std::uint32_t id = 0;  // pg_class.oid
  model::Name name;
  std::string storage;               // pg_class.relfilenode: another one after a rewrite
  std::optional<model::Name> above;  // of which it is a partition
  std::string bound;                 // "FOR VALUES IN (1)"
  std::string identity;              // pg_class.relreplident, and the columns of the index that it means
  std::vector<ShapeColumn> columns;  // by number
  bool operator==(const TableShape&) const = default;
};

// As words for the ledger, and back. An Error (Fault::failed) where the words are none of ours.
std::vector<std::string> words_of(const TableShape& shape);
Result<TableShape> shape_of(const std::vector<std::string>& words);

// Of all ordinary tables and leaf partitions of the users, in no order. The connection as in catalog.h.
Result<std::vector<TableShape>> read_shapes_of_tables(Connection& source, const Until& until);

}  // namespace tributary::postgres

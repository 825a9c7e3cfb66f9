#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// What a comparison has to know of a table on one end.
namespace tributary::postgres::verify {

// Stands for the name of any enum.
inline constexpr const char* enum_type = "anyenum";

struct ColumnTraits {
  std::string name;
  std::string type;                 // as the catalog names it, below domains; "" where it is none of pg_catalog
  std::string declared;             // format_type()
  bool is_padded = false;           // of a fixed length, to which values are filled up (char(n))
  bool is_generated = false;        // from other columns
  bool is_bytewise = true;          // ordered without a locale
  bool has_operator = true;         // "=" of pg_catalog compares it with a literal
  bool is_deterministic = true;     // no collation that takes different strings for equal
  bool is_identity_always = false;  // GENERATED ALWAYS AS IDENTITY
  bool is_not_null = false;
};

struct TableTraits {
  model::Name name;
  std::uint32_t id = 0;
  bool is_partitioned = false;
  double rows = 0;  // estimate
  std::uint64_t bytes = 0;
  std::vector<ColumnTraits> columns = {};           // in attribute order
  std::vector<std::vector<std::string>> keys = {};  // columns that are never null and unique together; the best first
};

// Of these names those that are tables, partitioned ones too. No privilege is needed.
Result<std::vector<TableTraits>> read_table_traits(Connection& connection, const std::vector<model::Name>& names,
                                                   const Until& until);

// Of these names those that are something else: "view", "foreign table" ...
Result<std::map<model::Name, std::string>> read_other_relations(Connection& connection,
                                                                const std::vector<model::Name>& names,
                                                                const Until& until);

}  // namespace tributary::postgres::verify

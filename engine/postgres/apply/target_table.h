#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// What the target's catalog says of a table, as far as it decides how changes reach it.
namespace tributary::postgres::apply {

struct TargetColumn {
  std::string name;
  std::uint32_t type = 0;      // OID
  std::int32_t modifier = -1;  // of the type
  std::string spelling;        // of the type, without its modifier, for a cast
  // The operator that says whether two values are equal ("OPERATOR(pg_catalog.=)"), of the type's default way to be
  // sorted; "" where it has none that holds for every value (json, xml, point, arrays, composites).
  std::string equality;
  bool is_generated = false;  // the target computes it
  bool is_identity_always = false;
  bool collates_by_bytes = true;  // or has no collation
  bool casts_from_text = true;    // exactly as the type's input function reads it
};

// Or an exclusion constraint.
struct UniqueIndex {
  std::vector<std::string> columns;  // by name; one of an expression has none
  bool is_key = false;               // one row at most is told by it: without a condition
};

struct TargetTable {
  model::Name name;
  bool is_partitioned = false;
  std::vector<TargetColumn> columns;
  std::vector<UniqueIndex> unique;
  // Triggers that fire in this session, those of foreign keys among them.
  bool has_active_triggers = false;
};

// Nothing where there is no table of that name.
Result<std::optional<TargetTable>> read_target_table(Connection& target, const model::Name& name, const Until& until);

// Whether a table that is not among `tables` refers to one of them by a foreign key.
Result<bool> are_referred_to(Connection& target, const std::vector<model::Name>& tables, const Until& until);

}  // namespace tributary::postgres::apply

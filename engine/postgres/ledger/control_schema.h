#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// The schema `_tributary` in each target database: the ledger's tables, versioned. The database's own transactions
// make it the only truth about what has arrived.
namespace tributary::postgres {

inline constexpr int control_version = 10;
inline constexpr int first_version_with_streams = 2;

// What a newer engine made is not for this one: Fault::invalid.
Error too_new(int version);

// Nothing where the database has no control schema. Fault::denied where it, or a relation in it, belongs to anybody but
// us or a superuser: then nothing of it is read. To be asked before each first read.
Result<std::optional<int>> read_control_version(Connection& target, const Until& until);

// Creates the schema or upgrades it to control_version; several engines may do so at once. Fault::invalid when a
// newer engine made it: then nothing is touched.
Result<void> ensure_control_schema(Connection& target, const Until& until);

// Drops the schema where it holds no replication any more, nothing of others, and none of them depends on it.
Result<void> drop_unused_control_schema(Connection& target, const Until& until);

// What stands in schema _tributary and is no part of a ledger: somebody else used its name.
struct ForeignObject {
  std::string name;
  std::string description;  // "table _tributary.mine"
  bool is_relation = false;
};
Result<std::vector<ForeignObject>> read_foreign_control_objects(Connection& source, const Until& until);

// What brings a database from version n to n + 1, by n. Pure.
const std::vector<std::string>& control_upgrades();

}  // namespace tributary::postgres

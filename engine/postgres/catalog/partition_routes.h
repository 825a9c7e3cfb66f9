#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// Which rows another server may put into other partitions than the source did: where the key is hashed over what
// differs from server to server (an enum's OIDs, a sort key of ICU, bytes in another encoding), or a range is told by a
// collation. They cannot be copied from leaf to leaf: they are written to a table above, and the target puts them where
// they belong there. pg_dump loads via the partition root for the same reason, and for enums alone
// (forcePartitionRootLoad in src/bin/pg_dump/pg_dump.c).
namespace tributary::postgres {

// How far the source's choice of a partition holds.
enum class Holds { nowhere_else, in_its_encoding };

// By the name of the partitioned table; one whose choice holds everywhere is not there. What is not known to be safe is
// not taken for safe: it costs the copy little (no FREEZE, indexes when all of the table is there).
using PartitionChoices = std::map<model::Name, Holds>;
Result<PartitionChoices> read_partition_choices(Connection& source, const Until& until);

// The topmost table above a leaf (`partition_of`: nearest first) that has to choose anew. Pure.
std::optional<model::Name> route_of(const std::vector<model::Name>& partition_of, const PartitionChoices& choices,
                                    bool same_encoding);

// Every table that a foreign one is a partition or an heir of, at any distance.
Result<std::set<model::Name>> read_above_foreign(Connection& connection, const Until& until);

}  // namespace tributary::postgres

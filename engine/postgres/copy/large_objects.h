#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/catalog/target_traits.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/roles/role_gaps.h"

// Large objects: they keep their OIDs, because rows refer to them by it.
namespace tributary::postgres {

// Of the database's objects the first `most` beyond `after` (0 for the very first), ascending.
Result<std::vector<std::uint32_t>> list_large_objects(Connection& source, std::uint32_t after, std::size_t most,
                                                      const Until& until);

// Of the tables of these OIDs the ones with a column that may refer to a large object: of type oid, of a domain over it
// (lo is one), or of an array of either. Applications may keep the numbers in other columns; nobody can tell.
Result<std::vector<model::Name>> tables_with_large_objects(Connection& source, std::span<const std::uint32_t> tables,
                                                           const Until& until);

struct LargeObjectCount {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

// Copies contents, owner, grants and comment of these objects. Fault::invalid, naming it, where the target has an
// object of the same OID: it is somebody else's. `source` is in a transaction that uses the snapshot, `target` in one
// of the caller, who commits it together with the ledger's row: the call can be repeated, and different OIDs can go
// through different connections at once. Holds at most one chunk (512 KiB, as text) in memory. A transaction locks each
// object it makes: give it a few thousand at most. `moved` is called after every chunk. What the target's roles do not
// allow is counted in `gaps`.
Result<LargeObjectCount> copy_large_objects(Connection& source, Connection& target, const TargetTraits& traits,
                                            std::span<const std::uint32_t> objects, RoleGaps& gaps,
                                            const std::function<void()>& moved, const Until& until);

}  // namespace tributary::postgres

#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/sync/claim.h"
#include "engine/postgres/sync/source_sight.h"

namespace tributary::postgres::sync {

// What says nothing of the table that it was met with.
bool may_pass(const Error& error);

// Whether the target has a table of this name.
Result<bool> is_there(Connection& target, const model::Name& table, const Until& until);

// Creates tables that came after the copy on the target, by the machinery of a copy, and has the ledger say that their
// rows are to be copied. An object of the same name that is there stays as it is. What cannot be created stops with its
// reason; the Error is of what may pass. False where a lock of the target could not be had in seconds, and nothing was
// recorded: to be called again later.
Result<bool> add_tables(const StreamOptions& options, SourceSide& source, Claimed& claimed,
                        const std::vector<const SourceTable*>& tables, const Until& until);
// Creates the partitioned tables above these that the target does not have. The Error says why it cannot.
Result<void> create_parents(const StreamOptions& options, SourceSide& source, Claimed& claimed,
                            const std::vector<const SourceTable*>& tables, const Until& until);
// Creates what the source has beside tables and the target lacks: schemas, types, functions, sequences, extensions.
// What the target refuses is left out and logged.
Result<void> create_objects(const StreamOptions& options, Connection& target, const Owner& owner, const Until& until);

}  // namespace tributary::postgres::sync

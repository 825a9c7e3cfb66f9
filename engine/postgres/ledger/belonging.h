#pragma once

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

namespace tributary::postgres {

// Whether the rows of a table of the target are the replication's to replace: it has made the table or copied into it,
// or the table is empty; and no other stream goes there. The Error (Fault::invalid) says whose they are. In a
// transaction, which keeps others from writing to a table that is empty until its end. Tables that inherit from it
// count `with_partitions`.
Result<void> check_belongs(Connection& target, const Owner& owner, const model::Name& table, bool with_partitions,
                           const Until& until);

}  // namespace tributary::postgres

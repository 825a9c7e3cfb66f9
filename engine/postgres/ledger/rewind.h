#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

// Takes back what an earlier attempt of this replication made, so that the next one begins where nothing is. Only
// what the ledger holds is touched, and each piece goes together with its ledger row: killed in between, the next
// rewind carries on.
namespace tributary::postgres {

// Undoes the recorded steps in reverse order, but those whose digest is in `keep`. Fault::invalid where an object of
// somebody else depends on one of them; a schema that holds such objects stays.
Result<void> undo_steps(Connection& control, const Owner& owner, const std::set<std::string>& keep, const Until& until);

struct LeftStep {
  std::string object;  // "type public.mood"
  std::string reason;
};

// Undoes all recorded steps, for good, but those about the relations in `spared`, and those that something else depends
// on, which are the answer: their rows stay in the ledger too.
Result<std::vector<LeftStep>> undo_what_nobody_needs(Connection& control, const Owner& owner,
                                                     const std::set<model::Name>& spared, const Until& until);

// Removes the large objects that were copied.
Result<void> unlink_objects(Connection& control, const Owner& owner, const Until& until);

// Empties the tables of the ledger that still exist, but `kept`, and has the ledger hold nothing of them but their
// names until plan_tables(). `tables` tells which of them may hold rows of others, sent there by a table above.
Result<void> empty_tables(Connection& control, const Owner& owner, const std::vector<model::Table>& tables,
                          const pipeline::TableRecords& kept, const Until& until);

}  // namespace tributary::postgres

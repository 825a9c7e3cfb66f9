#pragma once

#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/model/name.h"
#include "engine/pipeline/table_standing.h"
#include "engine/postgres/stream_ledger.h"

// From what the ledger says of a stream's tables to what is told of them. All pure.
namespace tributary::postgres::sync {

// The tables of a stream that entries of a selection name ("db.schema.table", with wildcards, which do not mean those
// that the source has dropped). Fault::invalid where an entry of this database names none.
Result<std::vector<model::Name>> named_tables(const std::vector<std::string>& entries, const std::string& database,
                                              const std::vector<FollowedTable>& tables);

// A request of the spec as one database's ledger understands it.
struct NamedRequest {
  std::string id = {};                    // "": nothing is asked for
  std::vector<model::Name> tables = {};   // in the order of the entries, each once
  std::vector<std::string> unknown = {};  // entries that name none of them: misspelt, or about other databases
};
NamedRequest request_named_by(const api::RecopyOptions& options, const std::string& database,
                              const std::vector<FollowedTable>& tables);

// `tables`: those that are not followed. Ones that stopped are told of first; at most 50 by name.
pipeline::TableStanding standing_of(const std::vector<FollowedTable>& tables, const NamedRequest& request);

}  // namespace tributary::postgres::sync

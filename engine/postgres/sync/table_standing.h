#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/api/spec.h"
#include "engine/model/name.h"
#include "engine/pipeline/table_standing.h"
#include "engine/postgres/catalog/catalog.h"
#include "engine/postgres/ledger/stream_ledger.h"

// From what the ledger says of a stream's tables to what is told of them. All pure.
namespace tributary::postgres::sync {

// The partitioned tables of the source above each of its tables, by the table's id.
using TablesAbove = std::map<std::uint32_t, std::vector<model::Name>>;
TablesAbove tables_above(const std::vector<CatalogTable>& tables);

// The tables of a stream that entries of a selection name ("db.schema.table", with wildcards, which do not mean those
// that the source has dropped), by themselves or as partitions. Fault::invalid where an entry of this database names
// none.
Result<std::vector<pipeline::AskedTable>> named_tables(const std::vector<std::string>& entries,
                                                       const std::string& database,
                                                       const std::vector<FollowedTable>& tables,
                                                       const TablesAbove& above);

// A request of the spec as one database's ledger understands it.
struct NamedRequest {
  std::string id = {};                            // "": nothing is asked for
  std::vector<pipeline::AskedTable> tables = {};  // in the order of the entries, each once
  std::vector<std::string> unknown = {};          // entries that name none of them: misspelt, or about other databases
};
NamedRequest request_named_by(const api::RecopyOptions& options, const std::string& database,
                              const std::vector<FollowedTable>& tables, const TablesAbove& above);
// Of the unknown ones those that are about this database alone.
std::vector<std::string> misspelt(const NamedRequest& request, const std::string& database);

// `tables` as below.
pipeline::RequestStanding standing_of(const NamedRequest& request, const std::vector<FollowedTable>& tables);
// `tables`: those that are not followed. Ones that stopped are told of first; at most 50 by name.
pipeline::TableStanding standing_of(const std::vector<FollowedTable>& tables, const NamedRequest& request);

}  // namespace tributary::postgres::sync

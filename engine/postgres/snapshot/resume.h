#pragma once

#include <map>
#include <set>
#include <vector>

#include "engine/model/table.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/catalog/table_shape.h"
#include "engine/postgres/ledger/stream_ledger.h"

// Which tables of an attempt that was ended before its end the next one keeps. Pure.
namespace tributary::postgres {

// The stream leads on from what the ledger holds of it.
bool is_worth_keeping(const FollowedTable& table, const pipeline::TableRecord& record);

// What is there now, and what the ledger says of it.
struct FormerTables {
  pipeline::TableRecords records;
  std::vector<FollowedTable> followed;
  // When they were copied, which no change of the stream tells: another storage holds rows that were rewritten, and a
  // column that was dropped and made anew holds other values.
  std::map<model::Name, TableShape> shapes;
  std::set<model::Name> existing;  // on the target
  std::set<model::Name> filled;    // on the target: with rows
};
pipeline::TableRecords tables_to_resume(const pipeline::Contents& contents, const FormerTables& former);

// Rows of one table on a route may lie in any other: they are kept all or none.
void forget_broken_routes(const std::vector<model::Table>& tables, pipeline::TableRecords& kept);

}  // namespace tributary::postgres

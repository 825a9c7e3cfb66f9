#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/model/table.h"
#include "engine/postgres/catalog/table_shape.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"

// What `table_state` says of the shapes of tables, as statements. Who writes is inside a transaction of his own, with
// its fence.
namespace tributary::postgres {

// By the table's name in the ledger; one whose shape it does not know is not there.
Result<std::map<model::Name, TableShape>> read_recorded_shapes(Connection& target, const std::string& key,
                                                               const Until& until);
Result<void> record_shape(Connection& target, const Owner& owner, const model::Name& table, const TableShape& shape,
                          const Until& until);
// The source and the target call the table otherwise from here on; it may be a partitioned one, which others are routed
// to.
Result<void> record_new_name(Connection& target, const Owner& owner, const model::Name& from, const model::Name& to,
                             const Until& until);
// A table that came after the copy: nothing of it is on the target yet but its definition. `stream` and `reason` are
// left to record_followed_tables().
Result<void> record_new_table(Connection& target, const Owner& owner, const model::Table& table, const Until& until);

// Of tables, or sequences, those that the target does not have, or not any more.
Result<std::vector<model::Name>> read_gone_tables(Connection& target, const std::vector<model::Name>& tables,
                                                  const Until& until);
// Nothing is known of them from here on, but where one of them is asked for again.
Result<void> forget_tables(Connection& target, const Owner& owner, const std::vector<model::Name>& tables,
                           const Until& until);

// Why such a table is copied again.
inline constexpr const char* due_for_refresh = "it is not streamed, and its rows are older than sync.refreshInterval";
// Tables that are not streamed, whose rows were last asked for longer than `age` ago.
Result<std::vector<model::Name>> read_aged_tables(Connection& target, const std::string& key, Seconds age,
                                                  const Until& until);
// Their rows are asked for now.
Result<void> record_asked(Connection& target, const Owner& owner, const std::vector<model::Name>& tables,
                          const Until& until);

}  // namespace tributary::postgres

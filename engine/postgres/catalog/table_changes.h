#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/postgres/client/connection.h"

// What other sessions do to tables that a snapshot sees. COPY reads what bears the table's name now, from the storage
// that it has now and by the numbers that its columns have now, and MVCC tells of none of these: a table that was
// truncated looks empty, another one behind the same name too or as whatever it holds, and a column that was dropped
// and added again looks NULL.
namespace tributary::postgres {

struct TableChange {
  model::Name table;  // as the snapshot knows it
  std::string how;    // "was rewritten"
};

// The first of `tables` (OIDs) that COPY would not read as the snapshot of the connection's transaction sees it. An
// answer about a table stays true for as long as somebody keeps it locked, but for a schema that is renamed, which asks
// for no lock of its tables.
Result<std::optional<TableChange>> find_change(Connection& snapshot, const std::vector<std::uint32_t>& tables,
                                               const Until& until);

inline constexpr const char* was_renamed = "was renamed or dropped, or its schema was,";

// Fault::transient. "table public.orders" "was rewritten".
Error changed_meanwhile(const std::string& subject, const std::string& how);

// What the failure of a statement about objects of a snapshot is: transient where one of them is not there any more.
Error amid_changes(const std::string& sqlstate, Error error);

}  // namespace tributary::postgres

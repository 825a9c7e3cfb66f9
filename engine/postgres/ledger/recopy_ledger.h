#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/model/name.h"
#include "engine/model/table.h"
#include "engine/pipeline/target.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/ledger.h"
#include "engine/postgres/ledger/stream_ledger.h"

// What the ledger says of tables that are copied again, as statements. Whoever asks for one needs no fence: it changes
// nothing but the state of a table, which the engine looks at every few seconds.
namespace tributary::postgres {

// Asks for tables of a stream that is not released; those that are asked for already stay so. How many were new.
Result<std::uint64_t> ask_for_recopy(Connection& target, const std::string& key, const std::vector<model::Name>& tables,
                                     const std::string& reason, const Until& until);

// The last request of Spec.recopy that was taken up, or "".
Result<std::string> read_recopy_request(Connection& target, const std::string& key, const Until& until);
// Inside the caller's transaction, with its fence.
Result<void> record_recopy_request(Connection& target, const Owner& owner, const std::string& request,
                                   const Until& until);

// All that are asked for, and those that share a table of the target with one of them, which are asked for then, too,
// but where the source has dropped them.
Result<std::vector<FollowedTable>> read_recopied_tables(Connection& target, const Owner& owner, const Until& until);

// A table whose rows were replaced.
struct RecopiedTable {
  model::Table table;
  pipeline::PartCount count;
  bool is_streamed = true;  // else it is done with this
  std::string reason;       // why it is not streamed
  std::uint32_t id = 0;     // that the ledger knew it by when its copy began
  std::string asked;        // when it had been asked for then
};
// Inside the caller's transaction, together with the fence: their rows are those of `position` now. Fault::transient
// where the ledger has another table under one of the names by now. Those that were asked for once more since are not
// done with it. What the ledger says of their shape stays: it is what the target's tables are like.
Result<void> record_recopied(Connection& target, const Owner& owner, const std::vector<RecopiedTable>& tables,
                             model::Lsn position, const Until& until);

// In a transaction of its own: the state and reason of tables that were being copied again; the rest is not looked at.
// Where one of them is not any more, is another one by its id or was asked for once more, where those are given, it
// stays as it is.
Result<void> end_recopy(Connection& target, const Owner& owner, const std::vector<FollowedTable>& tables,
                        const Until& until);

}  // namespace tributary::postgres

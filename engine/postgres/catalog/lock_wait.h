#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// Who alters a table of the source waits for the copy, and whoever comes after him waits for both, the copy's own
// sessions too: the server sees no deadlock in that. So none of them waits for a lock without end (docs/decisions.md).
namespace tributary::postgres {

// The SQLSTATE of a statement that waited for a lock longer than lock_timeout.
inline constexpr std::string_view lock_not_available = "55P03";

// That of one for which the server's table of locks has no room.
inline constexpr std::string_view out_of_memory = "53200";
// What to do then, at the source.
inline constexpr const char* raise_lock_limit =
    "raise max_locks_per_transaction on the source, which needs a restart: a copy locks all its tables at once, and so "
    "does pg_dump";

// What is said of `error`, the end of a wait for one of `tables` (OIDs; none stands for all of the database): the
// session that holds the table, or else wants it for itself alone, and what to do. Always Fault::transient. Asks in a
// session of its own, because the one that waited has lost its transaction or is another program's; `connect` gives the
// parameters of the database.
Error blocked_by(const std::function<Result<Parameters>()>& connect, const std::vector<std::uint32_t>& tables,
                 const Error& error, const Until& until);

// Who waits for the locks of a copy.
class Waiters {
 public:
  // Fault::transient where somebody waits for a table or index of the connection's database, is kept from it by
  // sessions of a snapshot alone, keeps others waiting, and was seen to do all this `patience` ago; he is named. The
  // connection may be in a transaction.
  Result<void> look(Connection& connection, Milliseconds patience, const Until& until);

 private:
  std::map<std::string, SteadyTime> since_;  // by the words that name session and table
};

}  // namespace tributary::postgres

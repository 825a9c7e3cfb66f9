#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/connection.h"

// One engine per replication and database: a session-level advisory lock on the target, held as long as the engine's
// control connection lives, also when the engine is killed and cannot say goodbye.
namespace tributary::postgres {

// "tributary/<12 hex digits of the replication>/": how sessions of one replication are told from others.
std::string session_prefix(const std::string& key);

struct LockRequest {
  std::string key;       // of the replication
  int attempt = 0;       // a holder of a lower attempt is ended; one of the same or a higher is respected
  Milliseconds grace{};  // a killed engine's session may take this long to go
};

// Fault::fenced, naming the holder, when another live engine keeps the lock.
Result<void> take_session_lock(Connection& control, const LockRequest& request, const Until& until);

// Ends all other sessions of the replication in this database: what a dead engine left. Call with the lock held and
// the epoch bumped: their transactions cannot commit any more, but they hold locks on the tables.
Result<void> end_old_sessions(Connection& control, const std::string& key, const Until& until);

}  // namespace tributary::postgres

#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// One engine per replication and database: a session-level advisory lock on the target, held as long as the engine's
// control connection lives, also when the engine is killed and cannot say goodbye.
namespace tributary::postgres {

// "tributary/<12 hex digits of the replication>/": how sessions of one replication are told from others.
std::string session_prefix(const std::string& key);

struct LockRequest {
  std::string key;  // of the replication
  int attempt = 0;  // a holder of a lower attempt is ended; one of the same or a higher is respected
};

// Waits for nobody: "" when the lock is ours, else a sentence that names its holder. That may be the session of a
// killed engine, which its server has yet to notice: ask again.
Result<std::string> take_session_lock(Connection& control, const LockRequest& request, const Until& until);

// Whether any engine has it.
Result<bool> is_session_locked(Connection& session, const std::string& key, const Until& until);

// Whether any engine of it is in the middle of a transaction of this database for more than a moment; false also where
// the role may not see that.
Result<bool> is_amid_transaction(Connection& session, const std::string& key, const Until& until);

// Ends all other sessions of the replication in this database: what a dead engine left, and what keeps its locks.
// Fault::transient, naming them, when they do not go. Call with the lock held.
Result<void> end_old_sessions(Connection& control, const std::string& key, const Until& until);

}  // namespace tributary::postgres

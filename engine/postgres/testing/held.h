#pragma once

#include <string>

#include "engine/testing/postgres_server.h"

namespace tributary::testbed {

// Holds a snapshot where its first rows are copied and not committed: their ledger row waits for a lock. The ledger is
// made by a snapshot of an empty database beforehand.
class Held {
 public:
  Held(PostgresServer& server, const Database& target);
  // Until a session of the snapshot waits for the lock.
  void wait_for_engine();
  void let_go();

 private:
  PostgresServer& server_;
  const std::string database_;
  Session session_;
};

}  // namespace tributary::testbed

#include "engine/postgres/testing/held.h"

#include <stdexcept>

#include "engine/postgres/testing/snapshot.h"

namespace tributary::testbed {
namespace {

std::string with_ledger(const Database& target) {
  const Database empty = server(15).create_database("nothing");
  api::Spec spec = spec_between(empty.uri(), target.uri());
  spec.replication = "uid-of-nothing";
  spec.snapshot.on_target_not_empty = api::OnTargetNotEmpty::append;
  if (!done(snapshot(spec))) throw std::runtime_error("the ledger could not be made");
  return target.uri();
}

}  // namespace

Held::Held(PostgresServer& server, const Database& target)
    : server_(server), database_(target.name()), session_(with_ledger(target)) {
  session_.exec("BEGIN; LOCK TABLE _tributary.part IN SHARE MODE");
}

void Held::wait_for_engine() {
  wait_until("the engine waits for the lock", [&] {
    return server_.scalar(
               "postgres",
               "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name"
               " LIKE 'tributary/%/writer' AND datname = '" +
                   database_ + "'") == "t";
  });
}

void Held::let_go() {
  session_.exec("ROLLBACK");
}

}  // namespace tributary::testbed

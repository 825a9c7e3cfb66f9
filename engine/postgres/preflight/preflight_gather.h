#pragma once

#include <string>

#include "engine/postgres/preflight/preflight_facts.h"

// What the two halves of gather_facts() share: sessions that look and never write.
namespace tributary::postgres {

// Gives up on a lock after some seconds, so that nobody's lock lets a check wait for long.
Result<Connection> open_preflight_session(const Parameters& parameters, const Until& until);

Result<SessionRole> read_role(Connection& connection, const Until& until);

// The whole database that is there already, as `pair.target`. `pair.source` must be known: its tables are looked for.
Result<void> read_target_database(const Parameters& parameters, const api::Spec& spec, const std::string& key,
                                  PairFacts& pair, const Until& until);

}  // namespace tributary::postgres

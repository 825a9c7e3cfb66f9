#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// What every session of a copy sets, so that what travels does not depend on the settings of a server, a database or
// a role, and so that a server notices within a minute that the engine's machine is gone.
namespace tributary::postgres {

// Both ends: no row-level policy may hide rows, no timeout may end a long copy, text forms are fixed.
Result<Connection> open_data_session(const Parameters& parameters, const Until& until);

// A session that reads from the source; `encoding` is the source database's own where it has none to convert from
// ("SQL_ASCII"), else UTF8.
Result<Connection> open_source_session(Parameters parameters, std::string_view purpose, const Until& until);

// A session for the commands of the replication protocol: with the settings of one that reads, so that a stream spells
// values as the copy does. Knows the simple protocol only.
Result<Connection> open_replication_session(Parameters parameters, std::string_view purpose, const Until& until);

// A session that writes: additionally no user trigger and no event trigger fires where the role may say so, and a
// commit does not wait for the disk (the last one of a snapshot does). `application_name` is how a successor finds
// the session; `client_encoding` is that of the source's sessions.
Result<Connection> open_target_session(Parameters parameters, const std::string& application_name,
                                       const std::string& client_encoding, const Until& until);

// Again for such a session, whose role may have been given the right since.
Result<void> ask_to_be_replica(Connection& connection, const Until& until);

// Of a row of pg_stat_activity: a statement runs and waits neither for a lock nor for its client.
constexpr const char* runs_unhindered = "state = 'active' AND COALESCE(wait_event_type, '') NOT IN ('Lock', 'Client')";

}  // namespace tributary::postgres

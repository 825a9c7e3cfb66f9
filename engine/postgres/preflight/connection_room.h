#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

// How many sessions a server has left for a role, and how many copy streams that makes.
namespace tributary::postgres {

// One of the things that bound the number of sessions.
struct ConnectionBound {
  std::string what;  // "max_connections", "the CONNECTION LIMIT of role app"
  int limit = 0;     // sessions that the role may have a part in; what is reserved for others is taken off
  int used = 0;      // by others

  int left() const { return limit - used; }
};

struct ConnectionBounds {
  std::vector<ConnectionBound> server;               // whatever the database
  std::map<std::string, ConnectionBound> databases;  // those that have a limit of their own
};

// The session that asks is not counted: it ends before the copy begins.
Result<ConnectionBounds> read_connection_bounds(Connection& connection, const Until& until);

// What a snapshot asks of one bound. Where both ends are one server they share it.
struct ConnectionDemand {
  std::string subject;  // "source" or "target"
  ConnectionBound bound;
  int beside = 0;      // sessions that are needed whatever the number of streams
  int comfort = 0;     // and those that a copy can do without
  int per_stream = 1;  // sessions

  int least() const { return beside + per_stream; }
};

// As many streams as are wanted and find room, at least one. Pure.
int streams_for(const std::vector<ConnectionDemand>& demands, int wanted);

// What is wanted where nobody says: as many as this machine has cores, within reason. Pure.
int streams_of_cores(int cores);

}  // namespace tributary::postgres

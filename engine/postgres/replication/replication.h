#pragma once

#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/postgres/client/connection.h"

// The commands of PostgreSQL's replication protocol, as far as a logical stream needs them. All but the pure ones want
// a session of open_replication_session(). Rules from the PostgreSQL documentation, "Streaming Replication Protocol",
// and src/backend/replication/{walsender.c,repl_gram.y,repl_scanner.l}.
namespace tributary::postgres {

struct SystemIdentity {
  std::string system;  // pg_control_system().system_identifier
  int timeline = 0;
  model::Lsn end;  // of what is flushed
};
Result<SystemIdentity> identify_system(Connection& session, const Until& until);

// Where the source left a timeline for the next one.
struct TimelineSwitch {
  int timeline = 0;
  model::Lsn end;
  auto operator<=>(const TimelineSwitch&) const = default;
};
// The ancestors of a timeline, oldest first; none for the first one, which has no history.
Result<std::vector<TimelineSwitch>> read_timeline_history(Connection& session, int timeline, const Until& until);
// The contents of a history file: "1<tab>0/3000000<tab>no recovery target specified", with comments and blank lines.
Result<std::vector<TimelineSwitch>> parse_timeline_history(std::string_view file);

// What START_REPLICATION asks for.
struct StreamRequest {
  std::string slot;
  std::vector<std::string> publications;
  model::Lsn start;  // transactions that end at or below it are not sent
};
// The lowest version of pgoutput's protocol in which a server sends transactions before they have ended (2, from
// PostgreSQL 14), or else 1.
int stream_protocol(int server_major);
// Pure. Strings of this language know no backslash, and publications stand in a list of identifiers inside one.
std::string start_replication_statement(const StreamRequest& request, int server_major);
Result<CopyBoth> start_replication(Connection& session, const StreamRequest& request, const Until& until);

}  // namespace tributary::postgres

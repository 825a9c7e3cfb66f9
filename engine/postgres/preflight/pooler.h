#pragma once

#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"

namespace tributary::postgres {

// Whether a session is one of a pooler that gives it another server process for each transaction or statement:
// settings, locks and snapshots are lost there without a word. Told by what answers, not by names: the server process
// of each of a few sessions through the same address. Nothing is set, since a pooler would hand that to others: ask
// before anything else is done. A pooler in session mode is none of these.
//
// False where that cannot be found out within seconds; what is in the way then shows up elsewhere. `session` is one
// that `parameters` opened, and is left as it was.
bool shares_backends(Connection& session, const Parameters& parameters, const Until& until);

}  // namespace tributary::postgres

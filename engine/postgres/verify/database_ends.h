#pragma once

#include <functional>
#include <string>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/verify/table_reader.h"

namespace tributary::postgres::verify {

// How to reach both databases: asked before every connect, since credentials change.
struct DatabaseEnds {
  std::function<Result<Parameters>()> source;
  std::function<Result<Parameters>()> target;
};

// Two sessions that read and write nothing, the target's in the source's encoding, and that give a lock up soon which
// somebody else keeps.
Result<Sessions> open_sessions(const DatabaseEnds& ends, const Until& until);
// The same in transactions that see what these snapshots of each end do, as long as those are kept by somebody.
Result<Sessions> open_sessions_at(const DatabaseEnds& ends, const std::string& source_snapshot,
                                  const std::string& target_snapshot, const Until& until);

}  // namespace tributary::postgres::verify

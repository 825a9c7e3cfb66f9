#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/name.h"
#include "engine/pipeline/applier.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/stream_ledger.h"

namespace tributary::postgres::apply {

// What the ledger says of the tables that an applier is for.
struct Scope {
  pipeline::StreamPosition position;
  std::vector<FollowedTable> tables;
  // Tables that are copied again, alone; none: those of the stream, whose own position it is then.
  std::vector<model::Name> recopied = {};
};

// Fault::missing where there is no stream.
Result<Scope> read_scope(Connection& connection, const std::string& key, const Until& until);
// Of tables that are copied again, as if they were followed. Fault::missing where the ledger does not know one of them
// as such.
Result<Scope> read_scope(Connection& connection, const std::string& key, const std::vector<model::Name>& tables,
                         const Until& until);

}  // namespace tributary::postgres::apply

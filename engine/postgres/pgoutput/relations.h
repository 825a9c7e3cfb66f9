#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "engine/model/change.h"
#include "engine/postgres/pgoutput/message.h"

namespace tributary::postgres::pgoutput {

// The descriptions of tables that hold at this point of the log.
//
// The server sends a description once, and again after anything about the table has changed; for a streamed
// transaction it does so separately (pgoutput.c: schema_sent and streamed_txns of RelationSyncEntry). From the commit
// of a streamed transaction on it counts on what was sent with it, unless the table has changed in between, in which
// case it has been described anew (cleanup_rel_sync_cache, get_rel_sync_entry). An abort, also one of a subtransaction,
// makes it describe everything again. So a description from a stream holds for its transaction alone while that is
// replayed, and for all from its commit on if it arrived later than the one that all others have: a schema that was
// renamed, or a list of columns that was changed, while the transaction ran, must not come back,
// as it would from servers 14 and 15.
class Relations {
 public:
  using Table = std::shared_ptr<const model::LogTable>;

  // `arrival` rises from message to message, in the order in which they came from the server.
  void describe(Table table, std::uint64_t arrival);

  // Nullptr where the table was not described; else good until the next call of another function.
  const Table* find(RelationId relation) const;

  // Between the two only what was described in between is found.
  void begin_streamed();
  void end_streamed();

 private:
  struct Description {
    Table table;
    std::uint64_t arrival = 0;
  };
  using Descriptions = std::unordered_map<RelationId, Description>;

  Descriptions shared_;
  Descriptions streamed_;
  bool in_streamed_ = false;
};

}  // namespace tributary::postgres::pgoutput

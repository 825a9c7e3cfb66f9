#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/postgres/client/connection.h"

// Logical replication slots of a source. Rules from the PostgreSQL documentation, "pg_replication_slots" and "Logical
// Decoding Concepts".
namespace tributary::postgres {

// What the slot and the publication of one database's stream are called: "tributary_shop_0123456789ab". Several
// replications may follow one source; a slot's name knows only a-z, 0-9 and _, up to 63 bytes. `into` is the target's
// identity where the key does not tell targets apart. Pure.
std::string stream_object_name(const std::string& key, const std::string& database, const std::string& into = "");
// Whether a name is one of those.
bool is_stream_object_name(std::string_view name);

// A row of pg_replication_slots.
struct SlotState {
  std::string plugin;
  std::string database;
  int active_pid = 0;          // of the session that streams from it; 0 where there is none
  model::Lsn confirmed_flush;  // what ends at or below it is not sent any more
  model::Lsn restart;          // WAL from here on is kept; zero where none is any more
  std::string wal_status;      // "reserved", "extended", "unreserved" or "lost"; "" before PostgreSQL 13
  // Bytes of WAL that may still be written before the slot is in danger; nothing where there is no limit.
  std::optional<std::int64_t> safe_wal_size;
  std::string invalidation_reason;  // from PostgreSQL 17; "" where it is valid
  std::uint64_t retained = 0;       // bytes of WAL that are kept for it
  model::Lsn source_end;            // of the WAL that could be sent, at the same moment
};
Result<std::optional<SlotState>> read_slot(Connection& source, const std::string& name, const Until& until);

struct SlotRequest {
  std::string name;
  bool temporary = false;      // goes with the session that makes it
  Milliseconds limit{60'000};  // how long the source's running transactions are waited for
};
struct NewSlot {
  model::Lsn position;   // transactions that commit at or above it are streamed, and those below are in the snapshot
  std::string snapshot;  // exported: lives until the session that made it gets another command or ends
};
// The two halves of what create_slot() does, for who looks after something else while the source waits.
std::string create_slot_statement(const SlotRequest& request);
Result<NewSlot> read_new_slot(const Rows& answer);
// What is said where the source has no slot left for another one; Fault::transient.
Error no_free_slot(const std::string& most);

// Makes a slot for pgoutput. The server waits for every transaction that has written and has not ended; what is not
// there within the limit is given up and leaves nothing on the server, and the Error (Fault::transient) names whom it
// waited for. no_free_slot() where all are in use. Fault::conflict where a slot of this name exists. `session` is of
// open_replication_session(), `source` an ordinary session of the same server.
Result<NewSlot> create_slot(Connection& session, Connection& source, const SlotRequest& request, const Until& until);

// Success where there is none. Fault::transient, naming its session, where somebody still streams after `patience`.
Result<void> drop_slot(Connection& source, const std::string& name, Milliseconds patience, const Until& until);

}  // namespace tributary::postgres

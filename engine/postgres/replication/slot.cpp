#include "engine/postgres/replication/slot.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "engine/base/digest.h"
#include "engine/base/pause.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/lsn_of.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/sql.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t longest_name = 63;
constexpr std::size_t digest_digits = 12;
constexpr const char* name_begin = "tributary";
constexpr Milliseconds look_again{100};
// What cleaning up after a slot that was given up may take, whatever the caller's own time is.
constexpr Seconds cleaning_limit{15};
constexpr std::size_t named_blockers = 5;
constexpr std::string_view limit_exceeded = "53400";

// Who has written and has not ended, as a table (xid, since, words, gid, database); a gid has who is prepared.
constexpr const char* writers =
    "(SELECT a.backend_xid AS xid, a.xact_start AS since, pg_catalog.format("
    "'process %s (%s, application %L, transaction since %s)', a.pid, coalesce(a.usename, a.backend_type),"
    " a.application_name, coalesce(to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), 'unknown')) AS words,"
    " NULL AS gid, a.datname AS database"
    " FROM pg_catalog.pg_stat_activity a WHERE a.backend_xid IS NOT NULL"
    " UNION ALL SELECT p.transaction, p.prepared, pg_catalog.format('prepared transaction %L (%s, since %s)',"
    " p.gid, p.owner, to_char(p.prepared, 'YYYY-MM-DD HH24:MI:SS \"UTC\"')), p.gid, p.database"
    " FROM pg_catalog.pg_prepared_xacts p) w";

// Columns that not every version has are null where they are missing.
constexpr const char* slot_query =
    "SELECT s.plugin, s.database, s.active_pid, s.confirmed_flush_lsn, s.restart_lsn, to_jsonb(s) ->> 'wal_status',"
    " to_jsonb(s) ->> 'safe_wal_size', to_jsonb(s) ->> 'invalidation_reason',"
    " greatest(pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()"
    "  THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END, s.restart_lsn), 0)::bigint, "
    "CASE WHEN pg_catalog.pg_is_in_recovery()"
    "  THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_flush_lsn() END"
    " FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = $1";

std::string readable(const std::string& database, std::size_t most) {
  std::string name;
  for (const char c : database) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (!plain && !name.empty() && name.back() != '_') name += '_';
    if (name.size() == most) break;
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

struct Blocker {
  std::string words;
  std::optional<std::string> gid;  // of a prepared transaction
  std::string database;
};

// Those of before who still run, and the one that the slot's session waits for at this moment. Who is prepared comes
// first: he does not end by himself.
Result<std::vector<Blocker>> read_blockers(Connection& source, int session, const std::vector<std::string>& before,
                                           const Until& until) {
  const Rows rows = TRY(source.query("SELECT w.words, w.gid, w.database FROM " + std::string(writers) +
                                         " WHERE w.xid::text = ANY ($2::text[]) OR w.xid IN (SELECT l.transactionid"
                                         " FROM pg_catalog.pg_locks l WHERE l.pid = $1::int"
                                         " AND l.locktype = 'transactionid' AND NOT l.granted)"
                                         " ORDER BY w.gid IS NULL, w.since NULLS FIRST",
                                     {std::to_string(session), array_literal(before)}, until));
  std::vector<Blocker> blockers;
  for (int row = 0; row < rows.size(); ++row)
    blockers.push_back(
        {rows.str(row, 0), rows.is_null(row, 1) ? std::nullopt : std::optional(rows.str(row, 1)), rows.str(row, 2)});
  return blockers;
}

std::string to_end(const std::vector<Blocker>& blockers) {
  std::string hint;
  bool any_session = false;
  for (const Blocker& each : blockers) {
    if (!each.gid) any_session = true;
    if (!each.gid) continue;
    const std::string gid = quote_literal(*each.gid);
    hint += "in database " + each.database + " of the source run COMMIT PREPARED " + gid + " or ROLLBACK PREPARED " +
            gid + ", whichever its transaction manager has decided; ";
  }
  if (any_session) hint += hint.empty() ? "end them, or wait until they have ended; " : "end the others, or wait; ";
  return hint + "then try again";
}

Error too_slow(const SlotRequest& request, std::vector<Blocker> waited_for) {
  Error error{Fault::transient, "replication slot " + request.name + " was not ready within " +
                                    std::to_string(std::chrono::ceil<Seconds>(request.limit).count()) + " s"};
  if (waited_for.empty()) {
    error.hint = "the source may be a standby without traffic: pg_log_standby_snapshot() on its primary helps";
    return error;
  }
  const std::size_t named = std::min(waited_for.size(), named_blockers);
  const std::size_t more = waited_for.size() - named;
  waited_for.resize(named);
  error.what += ": the source waits for transactions to end that have written: ";
  for (std::size_t i = 0; i < named; ++i) error.what += (i == 0 ? "" : ", ") + waited_for[i].words;
  if (more > 0) error.what += " and " + std::to_string(more) + " more";
  error.hint = to_end(waited_for);
  return error;
}

// A session that cannot be asked any more may still be about to make the slot.
Result<void> leave_nothing(Connection& session, Connection& source, const std::string& name) {
  const Until enough{Deadline::after(cleaning_limit), {}};
  if (!session.usable())
    TRY(source.query("SELECT pg_catalog.pg_terminate_backend($1::int)", {std::to_string(session.told_backend())},
                     enough));
  return drop_slot(source, name, cleaning_limit, enough);
}

Result<NewSlot> wait_for_slot(Connection& session, Connection& source, const SlotRequest& request,
                              const std::vector<std::string>& before, const Until& until) {
  Running running = TRY(session.begin(create_slot_statement(request), until));
  const std::optional<Rows> rows = TRY(running.wait(request.limit, until));
  if (!rows) return too_slow(request, TRY(read_blockers(source, session.told_backend(), before, until)));
  return read_new_slot(*rows);
}

}  // namespace

std::string stream_object_name(const std::string& key, const std::string& database, const std::string& into) {
  const std::string whose = key + '\0' + database + (into.empty() ? "" : '\0' + into);
  const std::string end = "_" + digest(whose).substr(0, digest_digits);
  const std::string begin = name_begin;
  const std::string middle = readable(database, longest_name - begin.size() - end.size() - 1);
  return begin + (middle.empty() ? "" : "_" + middle) + end;
}

bool is_stream_object_name(std::string_view name) {
  const std::size_t line = name.rfind('_');
  if (!name.starts_with(std::string(name_begin) + "_") || line == std::string_view::npos) return false;
  const std::string_view digits = name.substr(line + 1);
  return digits.size() == digest_digits && digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::optional<SlotState>> read_slot(Connection& source, const std::string& name, const Until& until) {
  const Rows rows = TRY(source.query(slot_query, {name}, until));
  if (rows.size() == 0) return std::optional<SlotState>{};
  SlotState slot;
  slot.plugin = rows.str(0, 0);
  slot.database = rows.str(0, 1);
  slot.active_pid = static_cast<int>(rows.integer(0, 2));
  slot.confirmed_flush = lsn_of(rows, 0, 3);
  slot.restart = lsn_of(rows, 0, 4);
  slot.wal_status = rows.str(0, 5);
  if (!rows.is_null(0, 6)) slot.safe_wal_size = rows.integer(0, 6);
  slot.invalidation_reason = rows.str(0, 7);
  slot.retained = static_cast<std::uint64_t>(rows.integer(0, 8));
  slot.source_end = lsn_of(rows, 0, 9);
  return std::optional<SlotState>{std::move(slot)};
}

std::string create_slot_statement(const SlotRequest& request) {
  return "CREATE_REPLICATION_SLOT " + quote_identifier(request.name) + (request.temporary ? " TEMPORARY" : "") +
         " LOGICAL pgoutput EXPORT_SNAPSHOT";
}

Result<NewSlot> read_new_slot(const Rows& answer) {
  if (answer.size() != 1 || answer.columns() < 3 || !model::parse_lsn(answer.text(0, 1)))
    return Error{Fault::failed, "the source's answer to CREATE_REPLICATION_SLOT is malformed"};
  return NewSlot{lsn_of(answer, 0, 1), answer.str(0, 2)};
}

Error no_free_slot(const std::string& most) {
  return {Fault::transient, "all " + most + " replication slots of the source are in use",
          "drop one that nobody needs, or raise max_replication_slots of the source, which takes a restart"};
}

Result<NewSlot> create_slot(Connection& session, Connection& source, const SlotRequest& request, const Until& until) {
  if (TRY(read_slot(source, request.name, until)))
    return Error{Fault::conflict, "replication slot " + request.name + " exists already",
                 "drop it where nobody needs it any more"};
  const std::vector<std::string> before =
      first_column(TRY(source.query("SELECT w.xid FROM " + std::string(writers), until)));
  const Result<NewSlot> made = wait_for_slot(session, source, request, before, until);
  if (!made && session.sqlstate() == limit_exceeded)
    return no_free_slot(TRY(source.query_row("SHOW max_replication_slots", {}, until)).str(0, 0));
  // A refusal has a SQLSTATE, and then the server has cleaned up itself.
  if (made || !session.sqlstate().empty()) return made;
  const Result<void> cleaned = leave_nothing(session, source, request.name);
  if (cleaned) return made.error();
  return Error{made.error().fault, made.error().what + "; and it could not be removed: " + cleaned.error().what,
               "drop the slot by hand: SELECT pg_drop_replication_slot(" + quote_literal(request.name) + ")"};
}

Result<void> drop_slot(Connection& source, const std::string& name, Milliseconds patience, const Until& until) {
  const Deadline enough = Deadline::after(patience);
  for (;;) {
    const std::optional<SlotState> slot = TRY(read_slot(source, name, until));
    if (!slot) return {};
    if (slot->active_pid == 0) {
      const Result<Rows> dropped = source.query("SELECT pg_catalog.pg_drop_replication_slot($1)", {name}, until);
      if (dropped) return {};
      // undefined_object: somebody else was quicker; object_in_use: look again.
      if (source.sqlstate() != "42704" && source.sqlstate() != "55006") return dropped.error();
    } else if (enough.passed()) {
      return Error{
          Fault::transient,
          "replication slot " + name + " is in use by process " + std::to_string(slot->active_pid) + " of the source",
          "end what streams from it, or that process by pg_terminate_backend()"};
    }
    if (!pause_for(look_again, until.stop)) return Error{Fault::cancelled, "stopped while dropping a replication slot"};
  }
}

}  // namespace tributary::postgres

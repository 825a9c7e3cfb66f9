#include "engine/postgres/ledger/hold_ledger.h"

#include <algorithm>
#include <cstdlib>

#include "engine/postgres/client/lsn_of.h"

namespace tributary::postgres {
namespace {

// As pg_locks shows the advisory lock of a key of 64 bits.
const std::string lock_of_key = "pg_catalog.hashtextextended('_tributary/hold/' || $1, 0)";
const std::string asker_lives =
    "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.pid = h.pid"
    " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    " AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = " +
    lock_of_key + ")";

// As the table has it.
constexpr Milliseconds shortest_limit{1};
constexpr Milliseconds longest_limit{10'000};

HoldState state_of(std::string_view word) {
  if (word == "asked") return HoldState::asked;
  if (word == "standing") return HoldState::standing;
  if (word == "cut") return HoldState::cut;
  if (word == "reached") return HoldState::reached;
  if (word == "released") return HoldState::released;
  if (word == "done") return HoldState::done;
  return HoldState::expired;
}

const char* word_of(pipeline::HoldEnd how) {
  switch (how) {
    case pipeline::HoldEnd::released:
      return "done";
    case pipeline::HoldEnd::expired:
      return "expired";
  }
  std::abort();
}

}  // namespace

Result<bool> lock_holds(Connection& session, const std::string& key, const Until& until) {
  const Rows taken =
      TRY(session.query_row("SELECT pg_catalog.pg_try_advisory_lock(" + lock_of_key + ")", {key}, until));
  return taken.boolean(0, 0);
}

Result<void> ask_for_hold(Connection& session, const std::string& key, const std::string& asker, Milliseconds limit,
                          const Until& until) {
  TRY(session.query("DELETE FROM _tributary.hold WHERE replication = $1", {key}, until));
  TRY(
      session.query("INSERT INTO _tributary.hold (replication, asker, pid, limit_ms, state)"
                    " VALUES ($1, $2, pg_catalog.pg_backend_pid(), $3::int, 'asked')",
                    {key, asker, std::to_string(std::clamp(limit, shortest_limit, longest_limit).count())}, until));
  return {};
}

Result<std::optional<HoldRow>> read_hold(Connection& session, const std::string& key, const std::string& asker,
                                         const Until& until) {
  const Rows rows =
      TRY(session.query("SELECT state, greatest(stood_for_cut, stood_last) FROM _tributary.hold"
                        " WHERE replication = $1 AND asker = $2",
                        {key, asker}, until));
  if (rows.size() == 0) return std::optional<HoldRow>{};
  return std::optional(
      HoldRow{state_of(rows.text(0, 0)), std::chrono::ceil<Milliseconds>(pipeline::Stood{rows.integer(0, 1)})});
}

Result<bool> write_cut(Connection& session, const std::string& key, const std::string& asker, model::Lsn cut,
                       const Until& until) {
  const Rows written =
      TRY(session.query("UPDATE _tributary.hold SET state = 'cut', cut = $3::pg_lsn"
                        " WHERE replication = $1 AND asker = $2 AND state = 'standing'",
                        {key, asker, to_string(cut)}, until));
  return written.affected() == 1;
}

Result<void> release_hold(Connection& session, const std::string& key, const std::string& asker, const Until& until) {
  TRY(
      session.query("UPDATE _tributary.hold SET state = 'released' WHERE replication = $1 AND asker = $2"
                    " AND state IN ('standing', 'cut', 'reached')",
                    {key, asker}, until));
  return {};
}

Result<void> forget_hold(Connection& session, const std::string& key, const std::string& asker, const Until& until) {
  TRY(session.query("DELETE FROM _tributary.hold WHERE replication = $1 AND asker = $2", {key, asker}, until));
  return {};
}

Result<std::optional<std::string>> export_at_cut(Connection& session, const std::string& key, const std::string& asker,
                                                 model::Lsn cut, const Until& until) {
  const Rows rows =
      TRY(session.query("SELECT pg_catalog.pg_export_snapshot() FROM _tributary.hold h"
                        " JOIN _tributary.stream s ON s.replication = h.replication"
                        " WHERE h.replication = $1 AND h.asker = $2 AND h.state = 'reached' AND h.cut = $3::pg_lsn"
                        " AND s.applied = h.applied AND s.applied >= h.cut AND NOT s.released",
                        {key, asker, to_string(cut)}, until));
  if (rows.size() == 0) return std::optional<std::string>{};
  return std::optional(rows.str(0, 0));
}

Result<std::optional<pipeline::HoldRequest>> read_wanted_hold(Connection& control, const std::string& key,
                                                              const Until& until) {
  const Rows rows = TRY(control.query("SELECT h.asker, h.limit_ms, h.state, " + asker_lives +
                                          " FROM _tributary.hold h WHERE h.replication = $1 ORDER BY h.asked",
                                      {key}, until));
  std::optional<pipeline::HoldRequest> wanted;
  for (int row = 0; row < rows.size(); ++row) {
    const HoldState state = state_of(rows.text(row, 2));
    if (!rows.boolean(row, 3))
      TRY(forget_hold(control, key, rows.str(row, 0), until));
    else if (state == HoldState::asked && !wanted)
      wanted = pipeline::HoldRequest{rows.str(row, 0), Milliseconds{rows.integer(row, 1)}};
    else if (state != HoldState::asked && state != HoldState::done && state != HoldState::expired)
      TRY(record_hold_end(control, key, rows.str(row, 0), pipeline::HoldEnd::expired, {}, until));
  }
  return wanted;
}

Result<bool> record_standing(Connection& control, const std::string& key, const std::string& asker, model::Lsn applied,
                             const Until& until) {
  const Rows written =
      TRY(control.query("UPDATE _tributary.hold SET state = 'standing', applied = $3::pg_lsn"
                        " WHERE replication = $1 AND asker = $2 AND state = 'asked'",
                        {key, asker, to_string(applied)}, until));
  return written.affected() == 1;
}

Result<pipeline::HoldWord> read_hold_word(Connection& control, const std::string& key, const std::string& asker,
                                          const Until& until) {
  using Kind = pipeline::HoldWord::Kind;
  const Rows rows = TRY(control.query("SELECT state, cut FROM _tributary.hold WHERE replication = $1 AND asker = $2",
                                      {key, asker}, until));
  if (rows.size() == 0) return pipeline::HoldWord{Kind::gone};
  const HoldState state = state_of(rows.text(0, 0));
  if (state == HoldState::cut) return pipeline::HoldWord{Kind::cut, lsn_of(rows, 0, 1)};
  return pipeline::HoldWord{state == HoldState::standing || state == HoldState::reached ? Kind::none : Kind::gone};
}

Result<bool> record_reached(Connection& control, const std::string& key, const std::string& asker, model::Lsn applied,
                            pipeline::Stood stood, const Until& until) {
  const Rows written =
      TRY(control.query("UPDATE _tributary.hold SET state = 'reached', applied = $3::pg_lsn, stood_for_cut = $4::bigint"
                        " WHERE replication = $1 AND asker = $2 AND state = 'cut'",
                        {key, asker, to_string(applied), std::to_string(stood.count())}, until));
  return written.affected() == 1;
}

Result<void> record_hold_end(Connection& control, const std::string& key, const std::string& asker,
                             pipeline::HoldEnd how, pipeline::Stood stood, const Until& until) {
  TRY(
      control.query("UPDATE _tributary.hold SET state = $3, stood_last = $4::bigint"
                    " WHERE replication = $1 AND asker = $2",
                    {key, asker, word_of(how), std::to_string(stood.count())}, until));
  return {};
}

}  // namespace tributary::postgres

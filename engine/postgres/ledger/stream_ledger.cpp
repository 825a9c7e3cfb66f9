#include "engine/postgres/ledger/stream_ledger.h"

#include <chrono>

#include "engine/base/text.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/lsn_of.h"
#include "engine/postgres/client/name_arrays.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t longest_words = 1000;

const char* word_of(FollowedTable::State state) {
  switch (state) {
    case FollowedTable::State::followed:
      return "followed";
    case FollowedTable::State::stopped:
      return "stopped";
    case FollowedTable::State::not_streamed:
      return "not_streamed";
    case FollowedTable::State::recopy:
      return "recopy";
  }
  std::abort();
}

FollowedTable::State state_of(std::string_view word) {
  if (word == "followed") return FollowedTable::State::followed;
  if (word == "not_streamed") return FollowedTable::State::not_streamed;
  if (word == "recopy") return FollowedTable::State::recopy;
  return FollowedTable::State::stopped;
}

}  // namespace

const char* const move_stream =
    "UPDATE _tributary.stream SET applied = GREATEST(applied, $3::pg_lsn),"
    " commit_time = COALESCE($4::timestamptz, commit_time), witness = $5::pg_lsn, witness_end = $6::pg_lsn,"
    " witness_time = $7::timestamptz,"
    " last_end = CASE WHEN $3::pg_lsn <= applied THEN last_end END, moved = pg_catalog.clock_timestamp()"
    " WHERE replication = $1::text AND epoch = $2::bigint";

const char* const move_tables =
    "UPDATE _tributary.table_state t SET position = GREATEST(t.position, $3::pg_lsn)"
    " FROM unnest($4::text[], $5::text[]) AS g (schema_name, table_name)"
    " WHERE t.replication = $1::text AND t.schema_name = g.schema_name AND t.table_name = g.table_name"
    " AND t.stream = 'recopy' AND EXISTS (SELECT FROM _tributary.stream s"
    "   WHERE s.replication = $1::text AND s.epoch = $2::bigint)";

bool is_dropped(const FollowedTable& table) {
  return table.state == FollowedTable::State::stopped && table.reason.starts_with(dropped_on_source);
}

// Columns that a ledger lacks which was not upgraded yet are null.
Result<std::optional<StreamRow>> read_stream(Connection& target, const std::string& key, const Until& until) {
  const Rows rows =
      TRY(target.query("SELECT slot, publication, owns_publication, timeline, start, applied,"
                       " (EXTRACT(epoch FROM commit_time) * 1000000)::bigint, released,"
                       " COALESCE(to_jsonb(s) ->> 'witness', applied::text),"
                       " COALESCE(to_jsonb(s) ->> 'witness_end', applied::text),"
                       " (EXTRACT(epoch FROM (to_jsonb(s) ->> 'witness_time')::timestamptz) * 1000000)::bigint,"
                       " to_jsonb(s) -> 'last_end' ->> 0, to_jsonb(s) -> 'last_end' ->> 1,"
                       " to_jsonb(s) -> 'last_end' ->> 2, to_jsonb(s) -> 'last_end' ->> 3"
                       " FROM _tributary.stream s WHERE replication = $1",
                       {key}, until));
  if (rows.size() == 0) return std::optional<StreamRow>{};
  StreamRow row;
  row.slot = rows.str(0, 0);
  row.publication = rows.str(0, 1);
  row.owns_publication = rows.boolean(0, 2);
  row.timeline = static_cast<int>(rows.integer(0, 3));
  row.start = lsn_of(rows, 0, 4);
  row.position.applied = lsn_of(rows, 0, 5);
  if (!rows.is_null(0, 6)) row.position.commit = WallTime{std::chrono::microseconds{rows.integer(0, 6)}};
  row.released = rows.boolean(0, 7);
  row.position.witness = {lsn_of(rows, 0, 8), lsn_of(rows, 0, 9)};
  if (!rows.is_null(0, 10)) row.position.witness.time = WallTime{std::chrono::microseconds{rows.integer(0, 10)}};
  if (!rows.is_null(0, 11))
    row.end = StreamEnd{rows.text(0, 11) == name_of(Fault::lost), rows.str(0, 12), rows.str(0, 13), rows.str(0, 14)};
  return std::optional<StreamRow>{std::move(row)};
}

namespace {

Result<std::vector<FollowedTable>> read_tables(Connection& target, const std::string& key, const std::string& condition,
                                               const Until& until, const std::vector<std::string>& more = {}) {
  std::vector<std::optional<std::string>> values{key};
  values.insert(values.end(), more.begin(), more.end());
  const Rows rows =
      TRY(target.query("SELECT schema_name, table_name, stream, position, reason, route_schema, route_name,"
                       " COALESCE(shape[1], '0'), asked"
                       " FROM _tributary.table_state"
                       " WHERE replication = $1 AND " +
                           condition + " ORDER BY schema_name, table_name",
                       values, until));
  std::vector<FollowedTable> tables;
  for (int row = 0; row < rows.size(); ++row) {
    tables.push_back(
        {{rows.str(row, 0), rows.str(row, 1)}, state_of(rows.text(row, 2)), lsn_of(rows, row, 3), rows.str(row, 4)});
    if (!rows.is_null(row, 6)) tables.back().route = model::Name{rows.str(row, 5), rows.str(row, 6)};
    tables.back().id = static_cast<std::uint32_t>(rows.integer(row, 7));
    tables.back().asked = rows.str(row, 8);
  }
  return tables;
}

}  // namespace

Result<std::vector<FollowedTable>> read_followed_tables(Connection& target, const std::string& key,
                                                        const Until& until) {
  return read_tables(target, key, "stream IS NOT NULL", until);
}

Result<std::vector<FollowedTable>> read_followed_tables(Connection& target, const std::string& key,
                                                        const std::vector<model::Name>& names, const Until& until) {
  const NameArrays given(names);
  return read_tables(target, key,
                     "stream IS NOT NULL AND (schema_name, table_name) IN"
                     " (SELECT * FROM unnest($2::text[], $3::text[]))",
                     until, {given.schemas(), given.names()});
}

Result<std::vector<FollowedTable>> read_tables_aside(Connection& target, const std::string& key, const Until& until) {
  return read_tables(target, key, "stream <> 'followed'", until);
}

Result<std::vector<FollowedTable>> read_tables_asked_for(Connection& target, const std::string& key,
                                                         const Until& until) {
  return read_tables(target, key, "stream = 'recopy'", until);
}

Result<void> forget_stream(Connection& target, const Owner& owner, const Until& until) {
  for (const char* table : {"stream", "late_key", "hold"})
    TRY(target.query(std::string("DELETE FROM _tributary.") + table + " WHERE replication = $1", {owner.key}, until));
  TRY(
      target.query("UPDATE _tributary.table_state SET stream = NULL, reason = '' WHERE replication = $1"
                   " AND stream IS NOT NULL",
                   {owner.key}, until));
  return {};
}

Result<void> record_stream(Connection& target, const Owner& owner, const StreamRow& row, const Until& until) {
  TRY(
      target.query("INSERT INTO _tributary.stream (replication, slot, publication, owns_publication, timeline, start,"
                   "   applied, witness, witness_end, released, epoch, moved)"
                   " VALUES ($1, $2, $3, $4::boolean, $5::int, $6::pg_lsn, $6::pg_lsn, $6::pg_lsn, $6::pg_lsn, false,"
                   "   $7::bigint, now())",
                   {owner.key, row.slot, row.publication, row.owns_publication ? "true" : "false",
                    std::to_string(row.timeline), to_string(row.start), std::to_string(owner.epoch)},
                   until));
  return {};
}

Result<void> record_followed_tables(Connection& target, const Owner& owner, const std::vector<FollowedTable>& tables,
                                    const Until& until) {
  NameArrays given;
  std::vector<std::string> states, positions, reasons;
  for (const FollowedTable& table : tables) {
    given.add(table.name);
    states.push_back(word_of(table.state));
    positions.push_back(to_string(table.position));
    reasons.push_back(table.reason);
  }
  TRY(
      target.query("UPDATE _tributary.table_state t SET stream = g.stream, position = g.position, reason = g.reason"
                   " FROM unnest($2::text[], $3::text[], $4::text[], $5::pg_lsn[], $6::text[])"
                   "   AS g (schema_name, table_name, stream, position, reason)"
                   " WHERE t.replication = $1 AND t.schema_name = g.schema_name AND t.table_name = g.table_name",
                   {owner.key, given.schemas(), given.names(), array_literal(states), array_literal(positions),
                    array_literal(reasons)},
                   until));
  return {};
}

Result<void> mark_released(Connection& target, const Owner& owner, const Until& until) {
  TRY(target.query("UPDATE _tributary.stream SET released = true, moved = now() WHERE replication = $1", {owner.key},
                   until));
  return {};
}

Result<void> forget_replication(Connection& target, const Owner& owner, const Until& until) {
  TRY(fence(target, owner, until));
  // One by one: in a session whose role is replica nothing cascades.
  for (const char* table : {"large_object", "step", "part", "table_state", "late_key", "hold", "stream"})
    TRY(target.query(std::string("DELETE FROM _tributary.") + table + " WHERE replication = $1", {owner.key}, until));
  TRY(target.query("DELETE FROM _tributary.replication WHERE key = $1", {owner.key}, until));
  return {};
}

Result<void> forget_for_good(Connection& target, const Owner& owner, const Until& until) {
  TRY(target.execute("BEGIN; SET LOCAL synchronous_commit = on", until));
  const Result<void> forgotten = forget_replication(target, owner, until);
  if (forgotten) return target.execute("COMMIT", until);
  target.roll_back();
  return forgotten;
}

Result<void> record_end_of_stream(Connection& target, const Owner& owner, const Error& why, const Until& until) {
  const std::vector<std::string> words{name_of(why.fault), first_bytes(why.what, longest_words, "..."),
                                       first_bytes(why.hint, longest_words, "...")};
  TRY(
      target.query("UPDATE _tributary.stream SET last_end = $3::text[] ||"
                   " to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
                   " WHERE replication = $1 AND epoch = $2::bigint",
                   {owner.key, std::to_string(owner.epoch), array_literal(words)}, until));
  return {};
}

Result<std::int64_t> begin_stream_epoch(Connection& target, const Owner& owner, int timeline, const Until& until) {
  const Rows epoch = TRY(target.query_row(
      "WITH mine AS (UPDATE _tributary.replication r SET epoch = epoch + 1, attempt = $2::int, engine = $3,"
      "   session_pid = a.pid, session_start = a.backend_start, moved = now()"
      "   FROM pg_catalog.pg_stat_activity a WHERE a.pid = pg_catalog.pg_backend_pid() AND r.key = $1 RETURNING epoch)"
      " UPDATE _tributary.stream s SET epoch = mine.epoch, timeline = $4::int, moved = now() FROM mine"
      " WHERE s.replication = $1 RETURNING s.epoch",
      {owner.key, std::to_string(owner.attempt), TRIBUTARY_VERSION, std::to_string(timeline)}, until));
  return epoch.integer(0, 0);
}

}  // namespace tributary::postgres

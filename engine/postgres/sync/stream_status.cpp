#include "engine/postgres/sync/stream_status.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/replication/slot.h"
#include "engine/postgres/sync/position.h"
#include "engine/postgres/sync/table_standing.h"

namespace tributary::postgres::sync {
namespace {

constexpr std::size_t most_tables = 1000;

// The count of a state, and its word where the table is told of by name.
std::pair<std::uint64_t*, const char*> place_of(api::StreamStatus& status, FollowedTable::State state) {
  switch (state) {
    case FollowedTable::State::followed:
      return {&status.followed, ""};
    case FollowedTable::State::stopped:
      return {&status.stopped, "stopped"};
    case FollowedTable::State::not_streamed:
      return {&status.not_streamed, "not_streamed"};
    case FollowedTable::State::recopy:
      return {&status.recopy, "recopy"};
  }
  std::abort();
}

// The number of slots where none is free. A copy that is at work has a temporary one, which may be the last.
constexpr const char* all_slots_are_used =
    "SELECT current_setting('max_replication_slots') WHERE current_setting('max_replication_slots')::bigint <="
    " (SELECT count(*) FROM pg_catalog.pg_replication_slots) AND NOT EXISTS (SELECT FROM"
    " pg_catalog.pg_replication_slots WHERE temporary AND database = current_database()"
    " AND slot_name LIKE 'tributary\\_%')";

// What keeps tables from being copied again, or "".
Result<std::string> why_they_wait(Connection& source, const Until& until) {
  const Rows most = TRY(source.query(all_slots_are_used, until));
  return most.size() == 0 ? std::string() : describe(no_free_slot(most.str(0, 0)));
}

// `wait`: of those that are to be copied again.
void add_tables(api::StreamStatus& status, const std::vector<FollowedTable>& tables, const std::string& wait) {
  for (const FollowedTable& table : tables) {
    const auto [count, word] = place_of(status, table.state);
    ++*count;
    if (*word == '\0' || status.tables.size() >= most_tables) continue;
    const bool waits = table.state == FollowedTable::State::recopy && !wait.empty();
    status.tables.push_back({model::display(table.name), word, table.reason + (waits ? "; it waits: " + wait : "")});
  }
}

void add_ledger(api::StreamProgress& stream, const StreamRow& row) {
  stream.slot = row.slot;
  stream.applied = to_string(row.position.applied);
  if (row.position.commit) stream.last_transaction = rfc3339(*row.position.commit);
}

// What keeps the stream from going on is part of the status.
Result<void> add_source(api::StreamStatus& status, const StreamOptions& options, SourceSide& source,
                        const Claimed& claimed, const Until& until) {
  TRY(require_stream(claimed, source.identity));
  const StreamRow& row = *claimed.stream;
  add_ledger(status.stream, row);
  const SlotState slot = TRY(read_live_slot(source.session, row.slot, until));
  const model::Lsn applied = row.position.applied;
  if (slot.source_end > applied) status.stream.lag_bytes = slot.source_end.value - applied.value;
  status.stream.retained_bytes = slot.retained;
  bool is_active = slot.active_pid != 0;
  if (!is_active) {
    const Result<SourceStanding> checked = check_position(options, source, claimed, until);
    if (checked) return {};
    // An engine opens its stream anew now and then, and may have come meanwhile.
    is_active = TRY(read_live_slot(source.session, row.slot, until)).active_pid != 0;
    if (!is_active) return checked.error();
  }
  status.stream.state = api::StreamState::following;
  return {};
}

// What neither end says before its log is read, such as a publication that was made anew, the last engine has found.
void add_end(api::StreamStatus& status, const StreamEnd& end) {
  status.last_error = api::LastError{end.at, end.what, end.hint};
  if (!end.is_lost || !status.problem.empty() || status.stream.state == api::StreamState::following) return;
  status.problem = end.what;
  status.hint = end.hint;
}

// Without the tables.
struct Seen {
  SourceSide source;
  Claimed target;
  api::StreamStatus status;
};

Result<Seen> look_at_both(const StreamOptions& options, const Until& until) {
  SourceSide source = TRY(look_at_source(options, until));
  Claimed target = TRY(look_at_target(options, source, until));
  Seen seen{std::move(source), std::move(target), {}};
  seen.status.database = seen.source.identity.database;
  const Result<void> added = add_source(seen.status, options, seen.source, seen.target, until);
  if (!added && added.error().fault != Fault::lost && added.error().fault != Fault::invalid) return added.error();
  if (!added) {
    seen.status.problem = added.error().what;
    seen.status.hint = added.error().hint;
  }
  if (seen.target.stream && seen.target.stream->end) add_end(seen.status, *seen.target.stream->end);
  return seen;
}

}  // namespace

Result<api::StreamStatus> read_status(const StreamOptions& options, const Until& until) {
  Seen seen = TRY(look_at_both(options, until));
  if (seen.target.stream)
    add_tables(seen.status, TRY(read_followed_tables(seen.target.control, seen.source.key, until)),
               TRY(why_they_wait(seen.source.session, until)));
  return std::move(seen.status);
}

Result<pipeline::RecopyStanding> read_recopy_standing(const StreamOptions& options,
                                                      const std::vector<pipeline::AskedTable>& asked,
                                                      const Until& until) {
  Seen seen = TRY(look_at_both(options, until));
  const std::vector<FollowedTable> aside = TRY(read_tables_aside(seen.target.control, seen.source.key, until));
  return pipeline::RecopyStanding{standing_of(NamedRequest{.tables = asked}, aside),
                                  seen.status.stream.state == api::StreamState::following, seen.status.problem,
                                  seen.status.hint, TRY(why_they_wait(seen.source.session, until))};
}

}  // namespace tributary::postgres::sync

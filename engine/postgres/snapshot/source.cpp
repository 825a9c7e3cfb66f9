#include "engine/postgres/snapshot/source.h"

#include <algorithm>
#include <utility>

#include "engine/base/counted.h"
#include "engine/base/log.h"
#include "engine/postgres/catalog/partition_routes.h"
#include "engine/postgres/catalog/table_changes.h"
#include "engine/postgres/catalog/table_shape.h"
#include "engine/postgres/client/array_literal.h"
#include "engine/postgres/client/lsn_of.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/copy/large_objects.h"
#include "engine/postgres/copy/reader.h"
#include "engine/postgres/schema/sequences.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t locked_at_once = 200;
constexpr int first_major_with_tid_scan = 14;
constexpr Milliseconds last_words{10'000};

// All that the snapshot sees was committed below this position, and maybe more that it does not see: only a slot's
// snapshot and position are exactly one.
constexpr const char* export_query =
    "SELECT pg_catalog.pg_export_snapshot(), CASE WHEN pg_catalog.pg_is_in_recovery()"
    " THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_insert_lsn() END";

// ImportSnapshot() in src/backend/utils/time/snapmgr.c: there is no such snapshot (42704, before PostgreSQL 17 22023),
// or the transaction that took it is about to end (55000).
Error not_joined(const Connection& connection, const Error& error) {
  const std::string& sqlstate = connection.sqlstate();
  if (sqlstate != "42704" && sqlstate != "22023" && sqlstate != "55000") return error;
  return {Fault::transient, "the session that held the snapshot has ended", "run again: a new snapshot is taken"};
}

}  // namespace

Result<std::unique_ptr<Source>> Source::open(Resolve connect, Options options, const Until& until) {
  std::unique_ptr<Source> source(new Source(std::move(connect), std::move(options)));
  TRY(source->connect_coordinator(until));
  return source;
}

Result<Connection> Source::open_session(std::string_view purpose, const Until& until) {
  const Parameters parameters = TRY(connect_());
  Connection connection = TRY(open_source_session(parameters, purpose, until));
  TRY(connection.execute("SET lock_timeout = " + std::to_string(options_.lock_timeout.count()), until));
  const std::lock_guard lock(mutex_);
  backends_.push_back(std::to_string(connection.told_backend()));
  return connection;
}

// No other one has a coordinator of this process id.
std::string Source::name_of_dump() const {
  const std::lock_guard lock(mutex_);
  return "tributary/pg_dump/" + backends_.front();
}

Result<void> Source::connect_coordinator(const Until& until) {
  coordinator_ = TRY(open_session("coordinator", until));
  return {};
}

Result<pipeline::SourceIdentity> Source::identity(const Until& until) {
  const Server server = TRY(read_server(*coordinator_, until));
  const Database database = TRY(read_current_database(*coordinator_, until));
  return pipeline::SourceIdentity{server.system_identifier, database.name};
}

Result<pipeline::SnapshotInfo> Source::open_snapshot(const std::optional<pipeline::FormerStream>& former,
                                                     const Until& until) {
  TRY(leave_transaction(until));
  findings_.clear();
  const std::optional<OpenStream> stream = TRY(begin_stream(former, until));
  Result<pipeline::SnapshotInfo> info = take_view(stream, until);
  // The ledger does not know yet what was made here, so nobody could go on with it.
  if (!info && stream && stream->start.from == stream->slot.position) drop_made(stream->start);
  return info;
}

Result<pipeline::SnapshotInfo> Source::open_snapshot(const NewSlot& slot, const Until& until) {
  TRY(leave_transaction(until));
  pipeline::SnapshotInfo info = TRY(export_snapshot(&slot, until));
  TRY(look_at_snapshot(info, until));
  return info;
}

Result<void> Source::leave_transaction(const Until& until) {
  if (!coordinator_->usable()) TRY(connect_coordinator(until));
  return coordinator_->execute("ROLLBACK", until);
}

Result<std::optional<OpenStream>> Source::begin_stream(const std::optional<pipeline::FormerStream>& former,
                                                       const Until& until) {
  if (!options_.stream) return std::optional<OpenStream>{};
  const StreamWish& wish = *options_.stream;
  const pipeline::SourceIdentity self = TRY(identity(until));
  const std::vector<CatalogTable> tables = TRY(read_selected(until));
  if (former) {
    std::optional<OpenStream> resumed = TRY(resume_stream(connect_, *coordinator_, wish, self, *former, tables, until));
    if (resumed) return resumed;
  }
  if (!wish.is_needed) return open_stream_if_allowed(connect_, *coordinator_, wish, self, tables, until);
  return std::optional<OpenStream>{TRY(open_stream(connect_, *coordinator_, wish, self, tables, until))};
}

Result<pipeline::SnapshotInfo> Source::take_view(const std::optional<OpenStream>& stream, const Until& until) {
  pipeline::SnapshotInfo info = TRY(export_snapshot(stream ? &stream->slot : nullptr, until));
  if (stream) info.stream = stream->start;
  TRY(look_at_snapshot(info, until));
  return info;
}

// A slot's own snapshot ends with the next command of its session; this one lasts as long as the coordinator's
// transaction.
Result<pipeline::SnapshotInfo> Source::export_snapshot(const NewSlot* slot, const Until& until) {
  TRY(coordinator_->execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", until));
  if (slot != nullptr) {
    const std::string join = "SET TRANSACTION SNAPSHOT " + quote_literal(slot->snapshot);
    const Result<void> joined = coordinator_->execute(join, until);
    if (!joined) return not_joined(*coordinator_, joined.error());
  }
  const Rows exported = TRY(coordinator_->query_row(export_query, {}, until));
  const model::Lsn now = lsn_of(exported, 0, 1);
  return pipeline::SnapshotInfo{exported.str(0, 0), slot != nullptr ? slot->position : now, {}};
}

Result<void> Source::look_at_snapshot(const pipeline::SnapshotInfo& info, const Until& until) {
  snapshot_ = info.id;
  tables_ = TRY(read_selected(until));
  if (info.stream) TRY(check_streamed(*info.stream, tables_));
  TRY(lock_tables(until));
  return check_unchanged(until);
}

// The next attempt replaces what cannot be dropped.
void Source::drop_made(const pipeline::StreamStart& stream) {
  const Until until{Deadline::after(last_words), {}};
  const auto drop = [&]() -> Result<void> {
    TRY(leave_transaction(until));
    return drop_stream(*coordinator_, stream, stream.from, until);
  };
  const Result<void> dropped = drop();
  if (!dropped)
    log::warn("the slot of a failed attempt could not be dropped",
              {{"slot", stream.slot}, {"error", describe(dropped.error())}});
}

Result<std::vector<CatalogTable>> Source::read_selected(const Until& until) {
  Result<std::vector<CatalogTable>> tables = read_tables(*coordinator_, until);
  if (!tables) return amid_changes(coordinator_->sqlstate(), tables.error());
  note_partitions(*tables);
  std::erase_if(*tables, [&](const CatalogTable& each) { return !selects(each.table.name); });
  return tables;
}

// A partitioned table between a leaf and its root is selected as its leaves are: by its own name or by one above it.
void Source::note_partitions(const std::vector<CatalogTable>& tables) {
  partition_of_.clear();
  for (const CatalogTable& each : tables) {
    const std::vector<model::Name>& above = each.partition_of;
    partition_of_[each.table.name] = above;
    for (auto parent = above.begin(); parent != above.end(); ++parent)
      partition_of_[*parent] = std::vector<model::Name>(parent + 1, above.end());
  }
}

bool Source::selects(const model::Name& name) const {
  if (options_.only) return options_.only->count(name) != 0;
  const auto above = partition_of_.find(name);
  const std::vector<model::Name> none;
  return options_.selection.selects_table(options_.database, name, above == partition_of_.end() ? none : above->second);
}

Result<void> Source::lock_tables(const Until& until) {
  const std::string locking = "locking " + counted(tables_.size(), "table") + " of " + options_.database;
  for (std::size_t first = 0; first < tables_.size(); first += locked_at_once) {
    const Result<void> locked = lock_some(first, std::min(first + locked_at_once, tables_.size()), until);
    if (locked) continue;
    if (coordinator_->sqlstate() == lock_not_available) return blocked_by(connect_, table_ids(), locked.error(), until);
    if (coordinator_->sqlstate() == out_of_memory)
      return Error{Fault::failed, within(locking, locked.error()).what, raise_lock_limit};
    return within(locking, amid_changes(coordinator_->sqlstate(), locked.error()));
  }
  return {};
}

Result<void> Source::lock_some(std::size_t first, std::size_t end, const Until& until) {
  std::string sql = "LOCK TABLE ";
  for (std::size_t table = first; table < end; ++table)
    sql += (table == first ? "ONLY " : ", ONLY ") + quote_name(tables_[table].table.name);
  return coordinator_->execute(sql + " IN ACCESS SHARE MODE", until);
}

Result<void> Source::check_unchanged(const Until& until) {
  const Result<std::optional<TableChange>> change = find_change(*coordinator_, table_ids(), until);
  if (!change) return amid_changes(coordinator_->sqlstate(), change.error());
  if (*change) return changed_meanwhile("table " + model::display((*change)->table), (*change)->how);
  return {};
}

Result<std::vector<model::Table>> Source::tables(const Until& until) {
  Result<Shapes> shapes = read_shapes(*coordinator_, until);
  if (!shapes) return amid_changes(coordinator_->sqlstate(), shapes.error());
  shapes_ = std::move(shapes).value();
  Shapes target = shapes_;
  target.server_version = options_.target.version;
  const PartitionChoices choices = TRY(read_partition_choices(*coordinator_, until));
  const bool same_encoding = options_.target.encoding == coordinator_->reported("server_encoding");
  std::map<std::uint32_t, TableShape> defined;
  for (TableShape& each : TRY(read_shapes_of_tables(*coordinator_, until))) defined.emplace(each.id, std::move(each));
  std::vector<model::Table> tables;
  for (const CatalogTable& each : tables_) {
    tables.push_back(each.table);
    const auto shape = defined.find(each.table.id);
    if (shape != defined.end()) tables.back().shape = words_of(shape->second);
    tables.back().format = choose_format(each.table, shapes_, target);
    tables.back().route = route_of(each.partition_of, choices, same_encoding);
  }
  return tables;
}

Result<pipeline::Schema> Source::schema(const Until& until) {
  SchemaRequest request;
  request.source = TRY(connect_());
  request.source["application_name"] = name_of_dump();
  request.snapshot = snapshot_;
  request.pg_dump = options_.pg_dump;
  request.lock_timeout = options_.lock_timeout;
  request.target = options_.target;
  request.selects = [this](const model::Name& name) { return selects(name); };
  Result<SourceSchema> read = read_schema(*coordinator_, request, findings_, until);
  if (!read) return amid_changes(coordinator_->sqlstate(), read.error());
  TRY(check_unchanged(until));  // definitions have the names that schemas bear now
  sequences_ = std::move(read->sequences);
  return std::move(read->schema);
}

bool Source::splits_tables() const {
  return coordinator_->major_version() >= first_major_with_tid_scan;
}

Result<Connection> Source::join_snapshot(std::string_view purpose, const Until& until) {
  Connection connection = TRY(open_session(purpose, until));
  const Result<void> joined = connection.execute(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT " + quote_literal(snapshot_), until);
  if (!joined) return not_joined(connection, joined.error());
  return connection;
}

std::vector<std::uint32_t> Source::table_ids() const {
  std::vector<std::uint32_t> ids;
  for (const CatalogTable& each : tables_) ids.push_back(each.table.id);
  return ids;
}

Result<bool> Source::refers_to_large_objects(const Until& until) {
  return !TRY(tables_with_large_objects(*coordinator_, table_ids(), until)).empty();
}

Result<std::unique_ptr<pipeline::SourceReader>> Source::reader(const Until& until) {
  std::map<std::uint32_t, std::string> filters;
  for (const CatalogTable& each : tables_)
    if (!each.copy_filter.empty()) filters.emplace(each.table.id, each.copy_filter);
  Connection connection = TRY(join_snapshot("reader", until));
  return std::unique_ptr<pipeline::SourceReader>(
      std::make_unique<Reader>(connect_, std::move(connection), std::move(filters)));
}

Result<std::vector<pipeline::SequenceValue>> Source::sequences(const Until& until) {
  if (!coordinator_->usable()) TRY(connect_coordinator(until));
  return read_sequences(*coordinator_, sequences_, until);
}

// Nobody waits for a coordinator that cannot answer: it has lost its locks, and readers do without it.
Result<void> Source::watch(const Until& until) {
  if (!coordinator_->usable()) return {};
  const Result<void> looked = waiters_.look(*coordinator_, options_.lock_timeout, until);
  return coordinator_->usable() ? looked : Result<void>{};
}

// A process id that has gone to somebody else is told by what he is called.
Result<bool> Source::at_work(const Until& until) const {
  const Parameters parameters = TRY(connect_());
  Connection connection = TRY(open_source_session(parameters, "lookout", until));
  const std::string dump = name_of_dump();
  std::vector<std::string> backends;
  {
    const std::lock_guard lock(mutex_);
    backends = backends_;
  }
  return TRY(connection.query_row(
                 "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE (application_name = $1"
                 " OR pid = ANY ($2::int[]) AND pg_catalog.starts_with(application_name, 'tributary/'))"
                 " AND " +
                     std::string(runs_unhindered) + ")",
                 {dump, array_literal(backends)}, until))
      .boolean(0, 0);
}

// A failure to say goodbye changes nothing: the server ends the transaction with the connection.
void Source::close_snapshot() {
  if (coordinator_->usable()) static_cast<void>(coordinator_->execute("COMMIT", {Deadline::after(Seconds{5}), {}}));
}

}  // namespace tributary::postgres

#include "engine/postgres/snapshot/target.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/postgres/catalog/occupancy.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/copy/statistics.h"
#include "engine/postgres/copy/writer.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/recopy_ledger.h"
#include "engine/postgres/ledger/rewind.h"
#include "engine/postgres/ledger/session_lock.h"
#include "engine/postgres/ledger/shape_ledger.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/ledger/table_drop.h"
#include "engine/postgres/schema/sequences.h"
#include "engine/postgres/snapshot/resume.h"

namespace tributary::postgres {
namespace {

constexpr std::size_t steps_at_once = 200;
constexpr std::size_t named_at_most = 5;

StreamRow row_of(const pipeline::StreamStart& stream) {
  StreamRow row;
  row.slot = stream.slot;
  row.publication = stream.publication;
  row.owns_publication = stream.owns_publication;
  row.timeline = stream.timeline;
  row.start = stream.from;
  return row;
}

// What is built on rows before any foreign key; the rest is of one moment, or keeps tables from being emptied.
std::set<std::string> steps_of_tables(const pipeline::Schema& schema) {
  std::set<std::string> digests;
  for (const pipeline::SchemaStep& step : schema.steps)
    if (step.stage == pipeline::Stage::before_data || step.stage == pipeline::Stage::with_table)
      digests.insert(digest_of(step));
  return digests;
}

}  // namespace

Result<std::unique_ptr<Target>> Target::open(Resolve connect, Options options, const Until& until) {
  std::unique_ptr<Target> target(new Target(std::move(connect), std::move(options)));
  TRY(target->reconnect(until));
  return target;
}

Result<void> Target::reconnect(const Until& until) {
  const Parameters parameters = TRY(connect_());
  control_ = TRY(open_target_session(parameters, "tributary/control", options_.client_encoding, until));
  return {};
}

Result<Connection> Target::session(std::string_view purpose, const Until& until) const {
  const Parameters parameters = TRY(connect_());
  return open_target_session(parameters, session_prefix(owner_.key) + std::string(purpose), options_.client_encoding,
                             until);
}

Result<pipeline::Claim> Target::claim(const pipeline::SourceIdentity& source, std::int64_t asked, const Until& until) {
  source_ = source;
  owner_.key = replication_key(options_.replication, source, options_.selection);
  owner_.attempt = options_.attempt;
  pipeline::Claim claim;
  claim.holder = TRY(connect_control(until));
  if (!claim.holder.empty()) {
    claim.standing = pipeline::Standing::held;
    return claim;
  }
  if (!TRY(read_control_version(*control_, until))) return claim;
  former_ = TRY(read_replication(*control_, owner_.key, until));
  if (!former_) return claim;
  if (former_->source.system != source.system || former_->source.database != source.database)
    return Error{
        Fault::invalid,
        "replication " + owner_.key + " belongs to database " + former_->source.database + " of another source",
        "give the replication back its source, or use a new target database"};
  if (former_->attempt > owner_.attempt)
    return Error{Fault::fenced, "attempt " + std::to_string(former_->attempt) + " of replication " + owner_.key +
                                    " has begun; this is attempt " + std::to_string(owner_.attempt)};
  claim.standing = pipeline::Standing::unfinished;
  TRY(read_stream_of(claim, until));
  const Course course = course_of(options_.snapshot, options_.replication, former_, asked);
  if (course == Course::refused) {
    claim.standing = pipeline::Standing::refused;
    claim.refusal = already_complete(options_.database, former_->completed, options_.selection.empty());
    return claim;
  }
  if (course == Course::copy && former_->complete) claim.stream.reset();
  if (course == Course::copy) return claim;
  claim.standing = pipeline::Standing::complete;
  claim.epoch = former_->epoch;
  claim.completed = former_->completed;
  claim.position = former_->position;
  claim.consistency = former_->consistency;
  claim.tables = TRY(read_tables_done(*control_, owner_.key, until));
  return claim;
}

// Of an unfinished copy, where it is worth to go on with it; of a complete one, where nobody follows.
Result<void> Target::read_stream_of(pipeline::Claim& claim, const Until& until) {
  const std::optional<int> version = TRY(read_control_version(*control_, until));
  if (version != control_version) return {};  // written by an older engine
  const std::optional<StreamRow> row = TRY(read_stream(*control_, owner_.key, until));
  if (!row || row->released != former_->complete || (row->end && row->end->is_lost)) return {};
  pipeline::FormerStream stream;
  stream.slot = row->slot;
  stream.publication = row->publication;
  stream.owns_publication = row->owns_publication;
  stream.timeline = row->timeline;
  stream.from = row->start;
  stream.applied = stream.copied = row->position.applied;
  const pipeline::TableRecords records = TRY(read_tables_done(*control_, owner_.key, until));
  bool any = former_->complete;
  for (const FollowedTable& each : TRY(read_followed_tables(*control_, owner_.key, until))) {
    const auto record = records.find(each.name);
    if (!is_worth_keeping(each, record == records.end() ? pipeline::TableRecord{} : record->second)) continue;
    stream.copied = std::max(stream.copied, each.position);
    any = true;
  }
  if (any && former_->request_id == options_.snapshot.request_id) claim.stream = std::move(stream);
  return {};
}

// The lock first: what is read under it stays true. Says who holds it instead.
Result<std::string> Target::connect_control(const Until& until) {
  TRY(control_->query("SELECT pg_catalog.set_config('application_name', $1, false)",
                      {session_prefix(owner_.key) + "control"}, until));
  return take_session_lock(*control_, {owner_.key, owner_.attempt}, until);
}

Result<void> Target::check_claim(const Until& until) {
  TRY(control_->query("SELECT 1", until));
  return {};
}

// A schema of the same digest has the same tables.
bool Target::may_keep(const pipeline::Contents& contents) const {
  const bool same = former_ && former_->schema_digest == digest_of(contents.schema);
  if (!same)
    log::warn("copying anew", {{"database", source_.database}, {"reason", "the source has another schema by now"}});
  return same;
}

Result<pipeline::Prepared> Target::prepare(const pipeline::Contents& contents, const Until& until) {
  const bool resumed = pipeline::is_resumed(contents.snapshot);
  if (drop() == Drop::database && !resumed) TRY(drop_database(until));
  if (!former_ && drop() == Drop::tables) TRY(drop_tables(contents.tables, until));
  if (std::optional<api::Finding> refusal = TRY(why_no_room(until))) return pipeline::Prepared{{}, std::move(refusal)};
  if (std::optional<api::Finding> refusal = TRY(begin(until))) return pipeline::Prepared{{}, std::move(refusal)};
  pipeline::TableRecords kept;
  if (former_) kept = TRY(rewind(contents, until));
  TRY(require_empty(contents.tables, kept, until));
  TRY(record_schema(*control_, owner_, digest_of(contents.schema), contents.snapshot.position,
                    kept.empty() || resumed ? api::Consistency::snapshot : api::Consistency::per_table, until));
  TRY(in_transaction(*control_, owner_, until, [&] { return plan(contents, kept, until); }));
  TRY(look_at_steps(until));
  return pipeline::Prepared{std::move(kept)};
}

// What is copied, and what follows it.
Result<void> Target::plan(const pipeline::Contents& contents, const pipeline::TableRecords& kept, const Until& until) {
  TRY(plan_tables(*control_, owner_, contents.tables, kept, until));
  const bool resumed = pipeline::is_resumed(contents.snapshot);
  if (!resumed) TRY(forget_stream(*control_, owner_, until));
  if (!contents.snapshot.stream) return {};
  const pipeline::StreamStart& stream = *contents.snapshot.stream;
  if (!resumed) TRY(record_stream(*control_, owner_, row_of(stream), until));
  if (kept.empty() && !options_.recopy_request.empty())
    TRY(record_recopy_request(*control_, owner_, options_.recopy_request, until));
  const model::Lsn position = contents.snapshot.position;
  std::vector<FollowedTable> tables;
  for (const model::Name& name : stream.streamed)
    if (kept.count(name) == 0) tables.push_back({name, FollowedTable::State::followed, position, ""});
  for (const auto& each : stream.not_streamed)
    tables.push_back({each.table, FollowedTable::State::not_streamed, position, each.reason});
  return record_followed_tables(*control_, owner_, tables, until);
}

Result<void> Target::look_at_steps(const Until& until) {
  auto options = std::make_shared<StepOptions>();
  options->done = TRY(read_steps_done(*control_, owner_.key, until));
  // Only selected tables were dropped: what they need may be there.
  options->may_all_exist =
      options_.snapshot.on_target_not_empty == api::OnTargetNotEmpty::append || drop() == Drop::tables;
  step_options_ = std::move(options);
  return {};
}

// What is in the way of a replication that the ledger does not know yet: objects, and others that are about to make
// some.
Result<std::optional<api::Finding>> Target::why_no_room(const Until& until) {
  const api::OnTargetNotEmpty policy = options_.snapshot.on_target_not_empty;
  if (former_ || policy == api::OnTargetNotEmpty::append || drop() == Drop::tables)
    return std::optional<api::Finding>{};
  std::vector<std::string> found = TRY(user_objects(*control_, 100, until));
  if (TRY(read_control_version(*control_, until)))
    for (const std::string& each : TRY(unfinished_replications(*control_, owner_.key, until)))
      found.push_back("the unfinished copy of replication " + each);
  if (found.empty()) return std::optional<api::Finding>{};
  return std::optional(not_empty(options_.database, join(found, named_at_most)));
}

Result<void> Target::drop_database(const Until& until) {
  if (TRY(user_objects(*control_, 1, until)).empty()) return {};
  if (TRY(read_control_version(*control_, until))) {
    const std::vector<std::string> others = TRY(other_replications(*control_, owner_.key, until));
    if (!others.empty())
      return Error{Fault::invalid,
                   "target database " + options_.database + " holds other replications: " + join(others, named_at_most),
                   "use another target database, or remove those replications first"};
  }
  const std::vector<std::string> sessions = TRY(other_sessions(*control_, session_prefix(owner_.key), until));
  if (!sessions.empty())
    return Error{Fault::transient,
                 "target database " + options_.database +
                     " cannot be dropped while others use it: " + join(sessions, named_at_most),
                 "end these sessions"};
  TRY(end_old_sessions(*control_, owner_.key, until));
  control_.reset();
  TRY(options_.recreate(until));
  TRY(reconnect(until));
  former_.reset();
  const std::string holder = TRY(connect_control(until));
  if (!holder.empty()) return pipeline::kept_out_by(holder);
  return {};
}

Result<void> Target::drop_tables(const std::vector<model::Table>& tables, const Until& until) {
  const std::vector<model::Name> existing = TRY(existing_tables(*control_, tables, until));
  if (existing.empty()) return {};
  std::set<std::string> depending;
  for (const Dependant& each : TRY(dependants(*control_, existing, until))) depending.insert(each.object);
  const std::vector<std::string> others(depending.begin(), depending.end());
  if (!others.empty())
    return Error{
        Fault::invalid,
        "tables on the target cannot be dropped, because others depend on them: " + join(others, named_at_most),
        "drop these first"};
  return postgres::drop_tables(*control_, existing, until);
}

// A row that nobody can account for must not be lost by the TRUNCATE before a table's COPY.
Result<void> Target::require_empty(const std::vector<model::Table>& tables, const pipeline::TableRecords& kept,
                                   const Until& until) {
  std::vector<model::Table> to_copy;
  for (const model::Table& table : tables)
    if (kept.count(table.name) == 0) to_copy.push_back(table);
  const std::vector<model::Name> filled = TRY(tables_with_rows(*control_, to_copy, until));
  if (filled.empty()) return {};
  return Error{Fault::invalid,
               "target database " + options_.database +
                   " has rows in tables to copy: " + join(model::displayed(filled), named_at_most),
               "empty or drop these tables, or use --drop-existing"};
}

Result<std::optional<api::Finding>> Target::begin(const Until& until) {
  // What a dead engine left may hold the ledger's row; what it opened meanwhile cannot commit under the new epoch.
  TRY(end_old_sessions(*control_, owner_.key, until));
  TRY(ensure_control_schema(*control_, until));
  TRY(control_->execute("BEGIN ISOLATION LEVEL READ COMMITTED", until));
  Result<std::optional<api::Finding>> refusal = begin_alone(until);
  if (!refusal || *refusal) {
    control_->roll_back();
    return refusal;
  }
  TRY(control_->execute("COMMIT", until));
  TRY(end_old_sessions(*control_, owner_.key, until));
  return refusal;
}

// Inside the transaction, one engine after the other in a database: of two that have found it empty the second finds
// the first in the ledger.
Result<std::optional<api::Finding>> Target::begin_alone(const Until& until) {
  TRY(control_->query("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('_tributary begin', 0))",
                      until));
  if (std::optional<api::Finding> refusal = TRY(why_no_room(until))) return refusal;
  ReplicationRow row;
  row.source = source_;
  row.request_id = options_.snapshot.request_id;
  if (former_) row.schema_digest = former_->schema_digest;
  owner_.epoch = TRY(begin_epoch(*control_, owner_, row, until));
  return std::optional<api::Finding>{};
}

// All that are done, or none where one of them is gone or empty: a crash of the target empties unlogged tables.
Result<pipeline::TableRecords> Target::tables_to_keep(const std::vector<model::Table>& tables, const Until& until) {
  pipeline::TableRecords kept = TRY(read_tables_done(*control_, owner_.key, until));
  std::erase_if(kept, [](const auto& each) { return !each.second.done; });
  forget_broken_routes(tables, kept);
  std::vector<model::Table> here;
  std::vector<model::Table> filled;  // but for those whose rows lie in another table of their route
  for (const model::Table& table : tables) {
    const auto record = kept.find(table.name);
    if (record == kept.end()) continue;
    here.push_back(table);
    if (!table.route && record->second.count.rows > 0) filled.push_back(table);
  }
  const bool whole = TRY(existing_tables(*control_, here, until)).size() == here.size() &&
                     TRY(tables_with_rows(*control_, filled, until)).size() == filled.size();
  if (!whole || here.size() != kept.size()) kept.clear();
  return kept;
}

// One that the stream itself has emptied meanwhile is copied again too.
Result<pipeline::TableRecords> Target::drained_tables(const pipeline::Contents& contents, const Until& until) {
  FormerTables former;
  former.records = TRY(read_tables_done(*control_, owner_.key, until));
  former.followed = TRY(read_followed_tables(*control_, owner_.key, until));
  former.shapes = TRY(read_recorded_shapes(*control_, owner_.key, until));
  const std::vector<model::Name> existing = TRY(existing_tables(*control_, contents.tables, until));
  const std::vector<model::Name> filled = TRY(tables_with_rows(*control_, contents.tables, until));
  former.existing = {existing.begin(), existing.end()};
  former.filled = {filled.begin(), filled.end()};
  return tables_to_resume(contents, former);
}

Result<pipeline::TableRecords> Target::rewind(const pipeline::Contents& contents, const Until& until) {
  const bool same_schema = former_->schema_digest == digest_of(contents.schema);
  const bool drops_tables = drop() == Drop::tables;
  pipeline::TableRecords kept;
  std::set<std::string> steps;
  const bool resumed = pipeline::is_resumed(contents.snapshot);
  // What an earlier attempt copied lies before the stream of this one, but where the stream is its own.
  if (same_schema && resumed) {
    kept = TRY(drained_tables(contents, until));
  } else if (same_schema && options_.snapshot.resume_per_table && !former_->complete && !options_.is_followed) {
    kept = TRY(tables_to_keep(contents.tables, until));
  }
  if (!kept.empty() && resumed) {
    steps = steps_of_tables(contents.schema);
  } else if (!kept.empty()) {
    steps = TRY(read_steps_done(*control_, owner_.key, until));
  }
  TRY(undo_steps(*control_, owner_, steps, until));
  TRY(unlink_objects(*control_, owner_, until));
  TRY(empty_tables(*control_, owner_, contents.tables, kept, until));
  if (drops_tables && kept.empty()) TRY(drop_tables(contents.tables, until));
  return kept;
}

Result<std::vector<api::Finding>> Target::run_in_order(const pipeline::Schema& schema, pipeline::Stage stage,
                                                       const Until& until) {
  StepRunner runner(*control_, owner_, step_options_);
  std::vector<api::Finding> findings;
  std::vector<std::size_t> chunk;
  for (std::size_t step = 0; step <= schema.steps.size(); ++step) {
    const bool end = step == schema.steps.size();
    if (!end && schema.steps[step].stage == stage) chunk.push_back(step);
    if (chunk.empty() || (!end && chunk.size() < steps_at_once)) continue;
    for (api::Finding& finding : TRY(runner.run(schema, chunk, {}, until))) findings.push_back(std::move(finding));
    chunk.clear();
  }
  return findings;
}

Result<std::unique_ptr<pipeline::TargetWriter>> Target::writer(const Until& until) {
  Connection connection = TRY(session("writer", until));
  return std::unique_ptr<pipeline::TargetWriter>(
      std::make_unique<Writer>(std::move(connection), owner_, step_options_));
}

Result<bool> Target::at_work(const Until& until) const {
  Connection connection = TRY(session("lookout", until));
  return TRY(connection.query_row(
                 "SELECT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE datname = current_database()"
                 " AND pid <> pg_catalog.pg_backend_pid() AND pg_catalog.starts_with(application_name, $1)"
                 " AND " +
                     std::string(runs_unhindered) + " AND wait_event IS DISTINCT FROM 'SyncRep')",
                 {session_prefix(owner_.key)}, until))
      .boolean(0, 0);
}

Result<void> Target::set_sequences(const std::vector<pipeline::SequenceValue>& sequences, const Until& until) {
  if (!step_options_->may_all_exist) return postgres::set_sequences(*control_, sequences, until);
  const std::vector<pipeline::SequenceValue> ours = TRY(fed_sequences(*control_, owner_.key, sequences, until));
  return postgres::set_sequences(*control_, ours, until);
}

Result<pipeline::StatisticsPlan> Target::plan_statistics(const std::vector<model::Table>& tables, const Until& until) {
  return postgres::plan_statistics(*control_, tables, until);
}

// Inside the transaction that says complete: every table that is followed holds what lies below the snapshot.
Result<void> Target::check_position(const Until& until) {
  const std::optional<StreamRow> stream = TRY(read_stream(*control_, owner_.key, until));
  if (!stream) return {};
  const std::optional<ReplicationRow> self = TRY(read_replication(*control_, owner_.key, until));
  if (!self) return fenced_out(owner_);
  if (stream->position.applied >= self->position) return {};
  return Error{Fault::failed, "the ledger holds changes up to " + to_string(stream->position.applied) +
                                  ", and the last tables were copied at " + to_string(self->position)};
}

Result<pipeline::TableRecords> Target::complete(const std::vector<model::Table>& tables,
                                                const std::function<Result<void>()>& last, const Until& until) {
  const pipeline::TableRecords records = TRY(read_tables_done(*control_, owner_.key, until));
  for (const model::Table& table : tables) {
    const auto record = records.find(table.name);
    if (record == records.end() || !record->second.done)
      return Error{Fault::failed, "the ledger does not hold table " + model::display(table.name) + " as done"};
  }
  const auto mark = [&]() -> Result<void> {
    TRY(check_position(until));
    TRY(mark_complete(*control_, owner_, until));
    if (!options_.is_followed) TRY(mark_released(*control_, owner_, until));
    return last();
  };
  TRY(in_transaction(*control_, owner_, until, mark));
  return records;
}

}  // namespace tributary::postgres

#include "engine/postgres/apply/applier.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "engine/postgres/apply/reached.h"
#include "engine/postgres/apply/refusal.h"
#include "engine/postgres/apply/scope.h"
#include "engine/postgres/apply/tables.h"
#include "engine/postgres/apply/trigger_watch.h"
#include "engine/postgres/apply/writers.h"
#include "engine/postgres/client/name_arrays.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/ledger/stream_ledger.h"

namespace tributary::postgres::apply {
namespace {

using model::Event;
using pipeline::ApplyMode;
using pipeline::StoppedTable;
using pipeline::StreamPosition;

// Changes that are kept back for their sum, in memory of their batches.
constexpr std::size_t kept_limit = std::size_t{8} * 1024 * 1024;
// The server keeps a plan of each.
constexpr std::size_t statements_limit = 2000;

constexpr const char* move_name = "tributary_move";
constexpr Subject of_transaction{};
constexpr Subject of_fence{nullptr, "the fence"};

// What a type says of a text that is none of its values; an enum, of one that it does not have.
constexpr std::string_view malformed_value = "22P02";

const char* const recopy = "copy the table again; the others go on";

// Plans made once serve every value: by key, whatever the statistics say of a table that has just been filled.
constexpr const char* session_settings =
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;"
    "SET enable_mergejoin = off; SET jit = off; SET max_parallel_workers_per_gather = 0";

constexpr const char* look_at_row = "SELECT FROM _tributary.stream WHERE replication = $1 AND epoch = $2::bigint";

class PostgresApplier final : public pipeline::Applier {
 public:
  PostgresApplier(Connection connection, Owner owner, const Scope& scope, Descriptions* descriptions)
      : connection_(std::move(connection)),
        owner_(std::move(owner)),
        recopied_(scope.recopied),
        recopied_schemas_(NameArrays(recopied_).schemas()),
        recopied_names_(NameArrays(recopied_).names()),
        position_(scope.position),
        tables_(scope.tables),
        descriptions_(descriptions) {}

  StreamPosition position() const override { return position_; }
  Result<void> apply(const model::Events& events, ApplyMode mode, const Until& until) override;
  bool keeps() const override { return !kept_.empty(); }
  Result<void> commit(bool durable, const Until& until) override;
  const std::optional<StoppedTable>& stopped() const override { return stopped_; }
  Result<void> stop(const StoppedTable& table, const Until& until) override;
  Result<void> reload(const Until& until) override;
  bool usable() const override { return connection_.usable() && !in_doubt_; }

 private:
  struct Kept {
    const Event* event;
    Table* table;
  };

  Result<void> take(const Event& event, ApplyMode mode, const Until& until);
  Result<void> change(const Event& event, ApplyMode mode, const Until& until);
  Result<void> truncate(const Event& event, const Until& until);
  Result<void> require_whole_routes(const std::vector<Table*>& tables);
  Result<Table*> table_of(const model::LogTable& log, const Until& until);
  bool is_passed_over(const Table& table) const;
  Result<void> make_plan(Table& table, const Until& until);
  Result<void> write(const Kept& change, const Until& until);

  Result<void> flush_kept(const Until& until);
  Result<void> write_net(const Until& until);
  Table* worth_a_replay() const;

  Result<void> begin(const Until& until);
  Result<void> move_position(bool durable, const Until& until);
  Result<void> forget_statements(const Until& until);
  Error explained(const Error& error);
  Error of_table(const Table& table, Error error) const;
  Error end_of_transaction(const Error& error);
  Error no_more_ours(const Error& fenced, const Until& until);
  Error stop_for(const model::Name& table, const std::string& reason);
  void forget_stopped();

  Connection connection_;
  Owner owner_;
  const std::vector<model::Name> recopied_;  // of Scope
  const std::string recopied_schemas_;       // likewise, for move_tables
  const std::string recopied_names_;
  StreamPosition position_;  // of the ledger
  Reached reached_{position_};
  Tables tables_;
  Descriptions* const descriptions_;
  Pipeline pipeline_{connection_};
  Preparer preparer_{pipeline_};
  RowWriter rows_{pipeline_, preparer_};
  SetWriter sets_{pipeline_, preparer_};
  TriggerWatch triggers_{pipeline_};
  std::optional<StoppedTable> stopped_;
  std::optional<model::LogTable> unknown_;  // with stopped_: as the log describes it, which nobody expected
  bool is_of_value_ = false;                // with stopped_: a value is none of its type
  std::vector<Kept> kept_;
  std::size_t kept_bytes_ = 0;
  model::Lsn transaction_;  // of the source, that the next change belongs to
  bool is_open_ = false;
  bool can_move_ = false;  // move_name is prepared
  bool in_doubt_ = false;  // a COMMIT was sent and not answered: the ledger must be read again
};

// ---------------------------------------------------------------------------------------------- changes

Result<void> PostgresApplier::apply(const model::Events& events, ApplyMode mode, const Until& until) {
  forget_stopped();
  const Result<void> applied = [&]() -> Result<void> {
    tables_.begin_batch();
    if (mode == ApplyMode::ordered) TRY(flush_kept(until));
    for (const Event& event : events) TRY(take(event, mode, until));
    if (mode == ApplyMode::coalesced) kept_bytes_ += events.bytes();
    if (kept_bytes_ > kept_limit) TRY(flush_kept(until));
    return pipeline_.flush(until);
  }();
  return applied ? applied : end_of_transaction(applied.error());
}

Result<void> PostgresApplier::take(const Event& event, ApplyMode mode, const Until& until) {
  reached_.take(event);
  switch (event.kind) {
    case Event::Kind::begin:
      transaction_ = event.lsn;
      return {};
    case Event::Kind::commit:
    case Event::Kind::idle:
      return {};
    case Event::Kind::truncate:
      return truncate(event, until);
    case Event::Kind::insert:
    case Event::Kind::update:
    case Event::Kind::remove:
      return change(event, mode, until);
  }
  std::abort();
}

// A transaction is in the ledger's position by its end, and in a table's rows by its commit record's beginning.
bool PostgresApplier::is_passed_over(const Table& table) const {
  return !table.is_followed || transaction_ < table.position || transaction_ < position_.applied;
}

Result<void> PostgresApplier::change(const Event& event, ApplyMode mode, const Until& until) {
  if (!fits_its_table(event))
    return Error{Fault::failed, "a change does not fit its table " + model::display(event.table->name)};
  Table* const table = TRY(table_of(*event.table, until));
  if (is_passed_over(*table)) return {};
  if (!table->plan) TRY(make_plan(*table, until));
  triggers_.note(*table);
  const Kept change{&event, table};
  if (mode == ApplyMode::coalesced) {
    kept_.push_back(change);
    return {};
  }
  TRY(begin(until));
  return write(change, until);
}

Result<void> PostgresApplier::write(const Kept& change, const Until& until) {
  if (preparer_.size() >= statements_limit) TRY(forget_statements(until));
  const Result<void> written = rows_.write(*change.table, *change.event, until);
  if (!written && written.error().fault == Fault::differs && !pipeline_.failed())
    return stop_for(change.table->name, written.error().what);
  return written;
}

Result<Table*> PostgresApplier::table_of(const model::LogTable& log, const Until& until) {
  if (Table* const known = tables_.find(log)) return known;
  if (tables_.has(log.id)) {
    TRY(flush_kept(until));
    TRY(pipeline_.finish(until));
  }
  return &tables_.describe(log);
}

Result<void> PostgresApplier::make_plan(Table& table, const Until& until) {
  if (descriptions_ != nullptr && !descriptions_->fits(table.log)) {
    unknown_ = table.log;
    return stop_for(table.name, "the source describes it in another way than before");
  }
  TRY(pipeline_.finish(until));
  const Result<void> made = tables_.make_plan(table, connection_, until);
  if (made || made.error().fault != Fault::differs) return made;
  return stop_for(table.name, made.error().what);
}

// A table that others refer to, which were not emptied with it (their rows are newer, or stand still), is emptied row
// by row: TRUNCATE would refuse it, or empty them too.
Result<void> PostgresApplier::truncate(const Event& event, const Until& until) {
  TRY(flush_kept(until));
  std::vector<Table*> tables;
  for (const model::LogTable* const log : event.truncated) {
    Table* const table = TRY(table_of(*log, until));
    if (is_passed_over(*table)) continue;
    if (!table->plan) TRY(make_plan(*table, until));
    triggers_.note(*table);
    tables.push_back(table);
  }
  if (tables.empty()) return {};
  TRY(require_whole_routes(tables));
  TRY(begin(until));
  TRY(pipeline_.finish(until));
  std::vector<model::Name> names;
  std::vector<const TablePlan*> plans;
  for (const Table* const table : tables) {
    names.push_back(table->plan->name);
    plans.push_back(&*table->plan);
  }
  const bool referred = TRY(are_referred_to(connection_, names, until));
  for (const Table* const table : tables) {
    const Result<void> emptied = referred ? connection_.execute(empty_sql(*table->plan), until)
                                          : connection_.execute(truncate_sql(plans, event.restart_identity), until);
    if (!emptied && is_about_table(connection_.sqlstate()))
      return stop_for(table->name,
                      refusal("a truncate", emptied.error(), connection_.sqlstate(), connection_.diagnosis()));
    if (!emptied) return of_table(*table, emptied.error());
    if (!referred) break;
  }
  return {};
}

// Which rows of a shared table came from one partition, nobody knows: it is emptied with all that lie in it, or not.
Result<void> PostgresApplier::require_whole_routes(const std::vector<Table*>& tables) {
  std::set<model::Name> emptied;
  for (const Table* const table : tables) emptied.insert(table->name);
  for (const Table* const table : tables) {
    if (!table->route) continue;
    const std::set<model::Name> all = tables_.on_route(*table->route);
    if (!std::includes(emptied.begin(), emptied.end(), all.begin(), all.end()))
      return stop_for(table->name, "a truncate cannot be carried out: its rows lie in " +
                                       model::display(*table->route) +
                                       " on the target with those of other partitions, which were not emptied with it");
  }
  return {};
}

// ---------------------------------------------------------------------------------------------- sums

// Rows of different tables have nothing to do with each other here: foreign keys keep a table from being summed up. So
// what cannot be is written in its own order, beside the sums of the others.
Result<void> PostgresApplier::write_net(const Until& until) {
  std::vector<std::pair<Table*, Net>> nets;
  std::unordered_map<const Table*, std::size_t> places;
  std::set<const Table*> in_order;
  for (const Kept& change : kept_) {
    const TablePlan& plan = *change.table->plan;
    if (!plan.may_coalesce || in_order.count(change.table) != 0) continue;
    const auto [place, is_new] = places.try_emplace(change.table, nets.size());
    if (is_new) nets.emplace_back(change.table, Net(net_shape(plan)));
    if (!nets[place->second].second.add(*change.event)) in_order.insert(change.table);
  }
  for (const auto& [table, net] : nets) {
    if (in_order.count(table) == 0) TRY(sets_.write(*table, net, until));
  }
  for (const Kept& change : kept_) {
    if (!change.table->plan->may_coalesce || in_order.count(change.table) != 0) TRY(write(change, until));
  }
  return {};
}

// A sum may fail where each change would not, and where one would, only the change itself tells which.
Result<void> PostgresApplier::flush_kept(const Until& until) {
  if (kept_.empty()) return {};
  TRY(begin(until));
  TRY(pipeline_.run("SAVEPOINT tributary_sums", &of_transaction, until));
  Result<void> written = write_net(until);
  if (written) written = pipeline_.finish(until);
  if (!written) {
    Table* const failed = worth_a_replay();
    if (failed == nullptr) return written;
    failed->plan->may_coalesce = false;
    TRY(pipeline_.finish(until));
    TRY(connection_.execute("ROLLBACK TO SAVEPOINT tributary_sums", until));
    TRY(forget_statements(until));
    for (const Kept& change : kept_) TRY(write(change, until));
  }
  kept_.clear();
  kept_bytes_ = 0;
  return pipeline_.run("RELEASE SAVEPOINT tributary_sums", &of_transaction, until);
}

Table* PostgresApplier::worth_a_replay() const {
  if (stopped_ || !connection_.usable() || !pipeline_.failed()) return nullptr;
  const Subject& subject = *static_cast<const Subject*>(*pipeline_.failed());
  return connection_.sqlstate().empty() || is_about_table(connection_.sqlstate()) ? subject.table : nullptr;
}

// ---------------------------------------------------------------------------------------------- transactions

Result<void> PostgresApplier::begin(const Until& until) {
  if (is_open_) return {};
  TRY(pipeline_.run("BEGIN", &of_transaction, until));
  is_open_ = true;
  return {};
}

// All answers are in before COMMIT is sent: a change that met no row is no failure to the server.
Result<void> PostgresApplier::commit(bool durable, const Until& until) {
  if (!durable && !is_open_ && kept_.empty() && reached_.position().applied <= position_.applied) return {};
  forget_stopped();
  const Result<void> committed = [&]() -> Result<void> {
    TRY(flush_kept(until));
    TRY(begin(until));
    TRY(triggers_.look(until));
    TRY(move_position(durable, until));
    TRY(pipeline_.finish(until));
    in_doubt_ = true;
    const Result<void> answered = connection_.execute("COMMIT", until);
    in_doubt_ = !answered && connection_.sqlstate().empty();
    return answered;
  }();
  if (!committed) return end_of_transaction(committed.error());
  is_open_ = false;
  triggers_.forget_transaction();
  position_ = reached_.position();
  reached_ = Reached(position_);
  return {};
}

Result<void> PostgresApplier::move_position(bool durable, const Until& until) {
  if (durable) TRY(pipeline_.run("SET LOCAL synchronous_commit = on", &of_transaction, until));
  const char* const move = recopied_.empty() ? move_stream : move_tables;
  if (!can_move_) TRY(pipeline_.prepare(move_name, move, {}, &of_transaction, until));
  can_move_ = true;
  const std::string epoch = std::to_string(owner_.epoch);
  const StreamPosition& moved = reached_.position();
  const std::string end = to_string(moved.applied);
  if (!recopied_.empty()) {
    const Parameter parameters[] = {{owner_.key}, {epoch}, {end}, {recopied_schemas_}, {recopied_names_}};
    return pipeline_.execute(move_name, parameters, recopied_.size(), &of_fence, until);
  }
  const auto spelled = [](const std::optional<WallTime>& time) { return time ? spell(*time) : std::string(); };
  const auto given = [](const std::string& text) { return text.empty() ? Parameter{} : Parameter{text}; };
  const std::string time = spelled(moved.commit), witness_time = spelled(moved.witness.time);
  const std::string witness = to_string(moved.witness.lsn), witness_end = to_string(moved.witness.end);
  const Parameter parameters[] = {{owner_.key},       {epoch}, {end}, given(time), given(witness), given(witness_end),
                                  given(witness_time)};
  return pipeline_.execute(move_name, parameters, 1, &of_fence, until);
}

Result<void> PostgresApplier::reload(const Until& until) {
  if (is_open_) {
    const Error given_up = end_of_transaction({Fault::transient, "the session of the target was lost"});
    if (!usable()) return given_up;
  }
  kept_.clear();
  kept_bytes_ = 0;
  reached_ = Reached(position_);
  triggers_.forget_transaction();
  TRY(ask_to_be_replica(connection_, until));
  // Tables that a recopy hands back are followed from here on, or asked for again: not in between.
  TRY(await_commits(connection_, owner_, until));
  const Scope scope = TRY(recopied_.empty() ? read_scope(connection_, owner_.key, until)
                                            : read_scope(connection_, owner_.key, recopied_, until));
  TRY(forget_statements(until));
  tables_ = Tables(scope.tables);
  return {};
}

Result<void> PostgresApplier::stop(const StoppedTable& table, const Until& until) {
  if (unknown_) {
    stopped_.reset();
    return descriptions_->look_into(*std::exchange(unknown_, {}), until);
  }
  if (descriptions_ != nullptr && std::exchange(is_of_value_, false) && TRY(descriptions_->learn_values(until))) {
    stopped_.reset();
    return {};
  }
  std::vector<FollowedTable> stopped = TRY(read_followed_tables(connection_, owner_.key, {table.table}, until));
  if (stopped.empty())
    return Error{Fault::missing, "the ledger has no table " + model::display(table.table) + " in this stream"};
  stopped.front().state = FollowedTable::State::stopped;
  stopped.front().reason = table.reason;
  TRY(in_transaction(connection_, owner_, until,
                     [&] { return record_followed_tables(connection_, owner_, stopped, until); }));
  tables_.stop(table.table);
  stopped_.reset();
  return {};
}

Result<void> PostgresApplier::forget_statements(const Until& until) {
  TRY(pipeline_.finish(until));
  TRY(connection_.execute("DEALLOCATE ALL", until));
  tables_.forget_statements();
  preparer_.forget();
  can_move_ = false;
  triggers_.forget_statement();
  return {};
}

Error PostgresApplier::stop_for(const model::Name& table, const std::string& reason) {
  stopped_ = StoppedTable{table, reason};
  return Error{Fault::differs, "table " + model::display(table) + ": " + reason, recopy};
}

void PostgresApplier::forget_stopped() {
  stopped_.reset();
  unknown_.reset();
  is_of_value_ = false;
}

// Whose failure it is: of the table that the statement was for, of the fence, or of neither.
Error PostgresApplier::explained(const Error& error) {
  if (stopped_ || !pipeline_.failed()) return error;
  const Subject& subject = *static_cast<const Subject*>(*pipeline_.failed());
  if (&subject == &of_fence && error.fault == Fault::differs) return fenced_out(owner_);
  if (subject.table == nullptr) return error;
  const std::string& sqlstate = connection_.sqlstate();
  if (error.fault == Fault::differs || is_about_table(sqlstate)) {
    is_of_value_ = sqlstate == malformed_value;
    return stop_for(subject.table->name, refusal(subject.what, error, sqlstate, connection_.diagnosis()));
  }
  return of_table(*subject.table, error);
}

Error PostgresApplier::of_table(const Table& table, Error error) const {
  const model::Name& name = table.plan ? table.plan->name : table.name;
  const std::string right =
      right_to_give(name, connection_.reported("session_authorization"), connection_.sqlstate(), error.what);
  if (!right.empty()) error.hint = right;
  return within("table " + model::display(table.name), error);
}

Error PostgresApplier::end_of_transaction(const Error& error) {
  const bool has_fired = !stopped_ && error.fault == Fault::differs && pipeline_.failed() == &TriggerWatch::tag;
  Error told = explained(error);
  const Until enough{Deadline::after(Seconds{5}), {}};
  is_open_ = false;
  kept_.clear();
  kept_bytes_ = 0;
  reached_ = Reached(position_);
  static_cast<void>(pipeline_.finish(enough));
  connection_.roll_back();
  if (usable()) static_cast<void>(forget_statements(enough));
  if (has_fired) {
    const Result<StoppedTable> found = triggers_.found(connection_, enough);
    told = found ? stop_for(found->table, found->reason) : found.error();
  }
  triggers_.forget_transaction();
  return told.fault == Fault::fenced && !recopied_.empty() ? no_more_ours(told, enough) : told;
}

// Under the same epoch it is the stream that has stopped or renamed one of the tables.
Error PostgresApplier::no_more_ours(const Error& fenced, const Until& until) {
  if (!usable()) return fenced;
  const Result<Rows> mine = connection_.query(look_at_row, {owner_.key, std::to_string(owner_.epoch)}, until);
  if (!mine || mine->size() == 0) return fenced;
  return {Fault::transient, "the ledger does not say any more that all of these tables are copied again"};
}

}  // namespace

Result<std::unique_ptr<pipeline::Applier>> open_applier(Connection connection, const Owner& owner, const Until& until,
                                                        Descriptions* descriptions) {
  TRY(connection.execute(session_settings, until));
  // Waits for a commit of ours that a lost session has left behind.
  const Rows mine =
      TRY(connection.query(std::string(look_at_row) + " FOR UPDATE", {owner.key, std::to_string(owner.epoch)}, until));
  const Scope scope = TRY(read_scope(connection, owner.key, until));
  if (mine.size() == 0) return fenced_out(owner);
  return std::unique_ptr<pipeline::Applier>(
      std::make_unique<PostgresApplier>(std::move(connection), owner, scope, descriptions));
}

Result<std::unique_ptr<pipeline::Applier>> open_recopy_applier(Connection connection, const Owner& owner,
                                                               const std::vector<model::Name>& tables,
                                                               const Until& until) {
  TRY(connection.execute(session_settings, until));
  const Rows mine = TRY(connection.query(look_at_row, {owner.key, std::to_string(owner.epoch)}, until));
  if (mine.size() == 0) return fenced_out(owner);
  const Scope scope = TRY(read_scope(connection, owner.key, tables, until));
  return std::unique_ptr<pipeline::Applier>(
      std::make_unique<PostgresApplier>(std::move(connection), owner, scope, nullptr));
}

}  // namespace tributary::postgres::apply

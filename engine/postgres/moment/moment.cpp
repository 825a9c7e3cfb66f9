#include "engine/postgres/moment/moment.h"

#include <utility>

#include "engine/base/backoff.h"
#include "engine/base/log.h"
#include "engine/base/pause.h"
#include "engine/postgres/client/lsn_of.h"
#include "engine/postgres/client/session_settings.h"
#include "engine/postgres/client/sql.h"
#include "engine/postgres/ledger/control_schema.h"
#include "engine/postgres/ledger/stream_ledger.h"
#include "engine/postgres/moment/asker.h"
#include "engine/postgres/moment/log_end.h"
#include "engine/postgres/replication/slot.h"

namespace tributary::postgres::moment {
namespace {

constexpr const char* purpose = "moment";
constexpr const char* begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr const char* export_snapshot = "SELECT pg_catalog.pg_export_snapshot()";
constexpr Milliseconds look_at_position{20};
constexpr Backoff::Limits between_tries{Milliseconds{200}, 1.5, Milliseconds{2'000}, 0.5};
// What a writer of the source is waited for; then the server itself gives up.
constexpr std::string_view lock_not_available = "55P03";

Result<std::string> begin_here(Connection& session, const Until& until) {
  TRY(session.execute(begin, until));
  return TRY(session.query_row(export_snapshot, {}, until)).str(0, 0);
}

Result<Connection> open_ledger_session(Parameters target, const Until& until) {
  target["application_name"] = std::string("tributary/") + purpose;
  Connection session = TRY(open_data_session(target, until));
  TRY(session.execute("SET synchronous_commit = off", until));
  return session;
}

// What a try came to.
enum class Try { taken, again, refused };

struct SlotTry {
  std::optional<NewSlot> slot;
  Try otherwise = Try::again;
};

}  // namespace

class Taking {
 public:
  Taking(const MomentEnds& ends, const MomentLimits& limits) : ends_(ends), limits_(limits) {}

  Result<std::unique_ptr<Moment>> take(const Until& until);

 private:
  Result<void> open(const Until& until);
  Result<bool> is_followed(const Until& until);
  Result<void> take_beside_stream(const Until& until);
  Result<Try> try_exactly(Asker& asker, const Until& until);
  Result<Connection> open_slot_session(const Until& until);
  Result<SlotTry> make_slot(Connection& session, Asker& asker, const Until& until);
  Result<void> take_source(const NewSlot& slot, const Until& until);
  Result<bool> take_target(Asker& asker, model::Lsn cut, const Until& until);
  Result<void> take_loosely(Asker& asker, const Until& until);
  Result<void> await_applied(Asker& asker, model::Lsn goal, const Until& until);
  Result<void> roll_back(const Until& until);

  const MomentEnds& ends_;
  const MomentLimits& limits_;
  std::unique_ptr<Moment> moment_;
  std::optional<Connection> ledger_;
};

Result<std::unique_ptr<Moment>> Taking::take(const Until& until) {
  TRY(open(until));
  if (TRY(is_followed(until))) {
    TRY(take_beside_stream(until));
  } else {
    moment_->source_snapshot_ = TRY(begin_here(moment_->source_, until));
    moment_->target_snapshot_ = TRY(begin_here(moment_->target_, until));
  }
  return std::move(moment_);
}

// Both speak the encoding of the source's sessions.
Result<void> Taking::open(const Until& until) {
  Connection source = TRY(open_source_session(ends_.source, purpose, until));
  Parameters parameters = ends_.target;
  parameters["client_encoding"] = source.reported("client_encoding");
  Connection target = TRY(open_source_session(parameters, purpose, until));
  moment_.reset(new Moment(std::move(source), std::move(target)));
  return {};
}

Result<bool> Taking::is_followed(const Until& until) {
  if (ends_.key.empty()) return false;
  ledger_ = TRY(open_ledger_session(ends_.target, until));
  const std::optional<int> version = TRY(read_control_version(*ledger_, until));
  if (!version || *version < first_version_with_streams) return false;
  if (*version > control_version) return too_new(*version);
  const std::optional<StreamRow> stream = TRY(read_stream(*ledger_, ends_.key, until));
  if (!stream || stream->released) return false;
  if (*version < control_version)
    return Error{Fault::invalid, "the ledger is one of an older engine", "let tributary sync of this version run once"};
  return true;
}

Result<void> Taking::take_beside_stream(const Until& until) {
  const std::unique_ptr<Asker> asker = TRY(Asker::open(std::move(*ledger_), ends_.key, limits_.answer, until));
  Backoff pauses{between_tries};
  Try tried = Try::again;
  for (int count = 0; count < limits_.tries && tried == Try::again; ++count) {
    if (count > 0 && !pause_for(pauses.next(), until.stop))
      return Error{Fault::cancelled, "stopped between two tries to read both ends at one position"};
    tried = TRY(try_exactly(*asker, until));
    TRY(asker->let_go(until));
  }
  if (tried != Try::taken) TRY(take_loosely(*asker, until));
  moment_->held_ = asker->held();
  return {};
}

// The slot is begun when the stream stands, which might be past the slot's position otherwise. A source that takes this
// session's other one and not that for a slot lacks the right or the room for it.
Result<Try> Taking::try_exactly(Asker& asker, const Until& until) {
  Result<Connection> opened = open_slot_session(until);
  if (!opened && opened.error().fault == Fault::cancelled) return opened.error();
  if (!TRY(asker.ask(limits_.standstill, until))) return Try::again;
  if (!opened) {
    TRY(asker.let_go(until));
    log::debug("no session for a slot", {{"error", describe(opened.error())}});
    return Try::refused;
  }
  std::optional<Connection> session(std::move(opened).value());
  const SlotTry made = TRY(make_slot(*session, asker, until));
  if (!made.slot) return made.otherwise;
  if (!TRY(asker.cut(made.slot->position, until))) return Try::again;
  TRY(take_source(*made.slot, until));
  session.reset();
  if (TRY(take_target(asker, made.slot->position, until))) return Try::taken;
  TRY(roll_back(until));
  return Try::again;
}

Result<Connection> Taking::open_slot_session(const Until& until) {
  Connection session = TRY(open_replication_session(ends_.source, purpose, until));
  TRY(session.execute("SET lock_timeout = " + std::to_string(limits_.standstill.count()), until));
  return session;
}

// The stream is let go before anything is cleaned up.
Result<SlotTry> Taking::make_slot(Connection& session, Asker& asker, const Until& until) {
  const SlotRequest request{stream_object_name(ends_.key + "/moment/" + asker.name(), ""), true, limits_.standstill};
  Result<std::optional<Rows>> answer = std::optional<Rows>{};
  {
    Running running = TRY(session.begin(create_slot_statement(request), until));
    answer = running.wait(limits_.standstill, until);
    if (!answer || !*answer) TRY(asker.let_go(until));
  }
  if (answer && *answer) return SlotTry{TRY(read_new_slot(**answer)), Try::taken};
  if (!session.usable())
    TRY(moment_->source_.query("SELECT pg_catalog.pg_terminate_backend($1::int)",
                               {std::to_string(session.told_backend())}, until));
  if (answer) return SlotTry{};
  if (answer.error().fault == Fault::cancelled) return answer.error();
  log::debug("no slot", {{"error", describe(answer.error())}});
  const bool is_refused = !session.sqlstate().empty() && session.sqlstate() != lock_not_available;
  return SlotTry{{}, is_refused ? Try::refused : Try::again};
}

// The slot's snapshot lives as long as its session has nothing else to do.
Result<void> Taking::take_source(const NewSlot& slot, const Until& until) {
  Connection& source = moment_->source_;
  TRY(source.execute(std::string(begin) + "; SET TRANSACTION SNAPSHOT " + quote_literal(slot.snapshot), until));
  moment_->source_snapshot_ = TRY(source.query_row(export_snapshot, {}, until)).str(0, 0);
  return moment_->target_.execute(begin, until);
}

Result<bool> Taking::take_target(Asker& asker, model::Lsn cut, const Until& until) {
  if (!TRY(asker.await_cut(until))) return false;
  const std::optional<std::string> snapshot = TRY(export_at_cut(moment_->target_, ends_.key, asker.name(), cut, until));
  TRY(asker.let_go(until));
  if (!snapshot) return false;
  moment_->target_snapshot_ = *snapshot;
  moment_->position_ = cut;
  return true;
}

Result<void> Taking::roll_back(const Until& until) {
  TRY(moment_->source_.execute("ROLLBACK", until));
  return moment_->target_.execute("ROLLBACK", until);
}

Result<void> Taking::take_loosely(Asker& asker, const Until& until) {
  moment_->is_exact_ = false;
  moment_->source_snapshot_ = TRY(begin_here(moment_->source_, until));
  const model::Lsn goal = TRY(read_log_end(moment_->source_, until));
  while (true) {
    TRY(await_applied(asker, goal, until));
    moment_->target_snapshot_ = TRY(begin_here(moment_->target_, until));
    const std::optional<StreamRow> seen = TRY(read_stream(moment_->target_, ends_.key, until));
    if (seen && seen->position.applied >= goal) return {};
    TRY(moment_->target_.execute("ROLLBACK", until));
  }
}

Result<void> Taking::await_applied(Asker& asker, model::Lsn goal, const Until& until) {
  EngineWatch watch(asker.session(), ends_.key, EngineWatch::Sign::present, limits_.answer);
  while (true) {
    const std::optional<StreamRow> stream = TRY(read_stream(asker.session(), ends_.key, until));
    if (!stream || stream->released)
      return Error{Fault::transient, "the stream of replication " + ends_.key + " was released meanwhile",
                   "try again: nothing follows any more"};
    if (stream->position.applied >= goal) return {};
    TRY(watch.look(until));
    if (!pause_for(look_at_position, until.stop))
      return Error{Fault::cancelled, "stopped while waiting for the target to have what the source has"};
  }
}

Result<std::unique_ptr<Moment>> take_moment(const MomentEnds& ends, const MomentLimits& limits, const Until& until) {
  return Taking(ends, limits).take(until);
}

}  // namespace tributary::postgres::moment

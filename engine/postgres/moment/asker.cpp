#include "engine/postgres/moment/asker.h"

#include <algorithm>
#include <random>
#include <utility>

#include "engine/base/digest.h"
#include "engine/base/pause.h"
#include "engine/postgres/ledger/session_lock.h"

namespace tributary::postgres::moment {
namespace {

constexpr Milliseconds look_at_lock{20};
constexpr Milliseconds look_at_engine{1'000};
// How often the row is read: the stream may stand meanwhile, but not for long where it takes long to get there.
constexpr Milliseconds shortest_pause{2};
constexpr Milliseconds longest_pause{10};
constexpr Seconds farewell{1};

Error no_engine(const std::string& key, Seconds waited) {
  return {
      Fault::transient,
      "no engine follows replication " + key + ": none has answered within " + std::to_string(waited.count()) + " s",
      "start it, or let it go on where it is paused or cannot reach the source; its own log says more"};
}

Error stopped() {
  return {Fault::cancelled, "stopped while waiting for the engine that follows"};
}

std::string new_name() {
  std::random_device random;
  return digest(std::to_string(random()) + "/" + std::to_string(random()));
}

}  // namespace

EngineWatch::EngineWatch(Connection& session, std::string key, Sign sign, Seconds patience)
    : session_(session),
      key_(std::move(key)),
      sign_(sign),
      patience_(patience),
      due_(Deadline::after(look_at_engine)),
      enough_(Deadline::after(patience)) {}

Result<void> EngineWatch::look(const Until& until) {
  if (!due_.passed()) return {};
  due_ = Deadline::after(look_at_engine);
  const auto ask = sign_ == Sign::present ? is_session_locked : is_amid_transaction;
  if (TRY(ask(session_, key_, until))) enough_ = Deadline::after(patience_);
  return enough_.passed() ? Result<void>(no_engine(key_, patience_)) : Result<void>();
}

Result<std::unique_ptr<Asker>> Asker::open(Connection session, const std::string& key, Seconds answer,
                                           const Until& until) {
  std::unique_ptr<Asker> asker(new Asker(std::move(session), key, answer));
  const Deadline enough = Deadline::after(answer);
  while (!TRY(lock_holds(asker->session_, key, until))) {
    if (enough.passed())
      return Error{Fault::transient, "somebody else holds the stream of replication " + key + " at a moment of his own",
                   "let him finish; his session on the target has the advisory lock '_tributary/hold/" + key + "'"};
    if (!pause_for(look_at_lock, until.stop)) return stopped();
  }
  return asker;
}

Asker::~Asker() {
  static_cast<void>(let_go({Deadline::after(farewell), {}}));
}

Result<bool> Asker::ask(Milliseconds limit, const Until& until) {
  name_ = new_name();
  is_asking_ = true;
  TRY(ask_for_hold(session_, key_, name_, limit, until));
  return await(HoldState::asked, HoldState::standing, EngineWatch::Sign::busy, Deadline::never(), until);
}

Result<bool> Asker::cut(model::Lsn cut, const Until& until) {
  return write_cut(session_, key_, name_, cut, until);
}

Result<bool> Asker::await_cut(const Until& until) {
  return await(HoldState::cut, HoldState::reached, EngineWatch::Sign::present, Deadline::never(), until);
}

Result<bool> Asker::await(HoldState now, HoldState next, EngineWatch::Sign sign, const Deadline& enough,
                          const Until& until) {
  const SteadyTime since = SteadyClock::now();
  EngineWatch watch(session_, key_, sign, answer_);
  while (true) {
    const std::optional<HoldRow> row = TRY(read_hold(session_, key_, name_, until));
    if (!row || row->state != now) return row && row->state == next;
    if (enough.passed()) return false;
    TRY(watch.look(until));
    const auto waited = std::chrono::duration_cast<Milliseconds>(SteadyClock::now() - since);
    if (!pause_for(std::clamp(waited / 50, shortest_pause, longest_pause), until.stop)) return stopped();
  }
}

Result<void> Asker::let_go(const Until& until) {
  if (!std::exchange(is_asking_, false)) return {};
  TRY(release_hold(session_, key_, name_, until));
  TRY(await(HoldState::released, HoldState::done, EngineWatch::Sign::present, Deadline::after(farewell), until));
  const std::optional<HoldRow> row = TRY(read_hold(session_, key_, name_, until));
  if (row) held_ = std::max(held_, row->stood);
  return forget_hold(session_, key_, name_, until);
}

}  // namespace tributary::postgres::moment

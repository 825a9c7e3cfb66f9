#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/postgres/client/connection.h"
#include "engine/postgres/ledger/hold_ledger.h"

namespace tributary::postgres::moment {

// Whether an engine is there that answers sooner or later, while it is waited for. Borrows its session.
class EngineWatch {
 public:
  enum class Sign {
    present,  // it has the replication: it is on its way to a cut
    busy,     // it is amid a transaction: one that only has the replication may be paused
  };
  EngineWatch(Connection& session, std::string key, Sign sign, Seconds patience);
  // Fault::transient where none was seen for as long as `patience`. Asks once a second at most.
  Result<void> look(const Until& until);

 private:
  Connection& session_;
  const std::string key_;
  const Sign sign_;
  const Seconds patience_;
  Deadline due_;
  Deadline enough_;
};

// One side of the conversation that hold_ledger.h describes, over a session of its own on the target. Where it ends in
// the middle, the stream is let go.
class Asker {
 public:
  // Waits until no other asker is at work, for `answer` at most.
  static Result<std::unique_ptr<Asker>> open(Connection session, const std::string& key, Seconds answer,
                                             const Until& until);
  ~Asker();
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  // Returns when the stream stands. Fault::transient where no engine has noticed within `answer`, counted anew while
  // one is amid a transaction.
  Result<bool> ask(Milliseconds limit, const Until& until);
  Result<bool> cut(model::Lsn cut, const Until& until);
  // Returns when all that was committed below the cut is in the target and the stream stands again.
  Result<bool> await_cut(const Until& until);
  // All three: false where the stream has gone on already.

  // Returns when the stream is known to go on, or after a second. Nothing to do where nobody is asked.
  Result<void> let_go(const Until& until);

  // The longest standing still so far.
  Milliseconds held() const { return held_; }
  const std::string& name() const { return name_; }
  const std::string& key() const { return key_; }
  Seconds answer() const { return answer_; }
  Connection& session() { return session_; }

 private:
  Asker(Connection session, std::string key, Seconds answer)
      : session_(std::move(session)), key_(std::move(key)), answer_(answer) {}
  Result<bool> await(HoldState now, HoldState next, EngineWatch::Sign sign, const Deadline& enough, const Until& until);

  Connection session_;
  const std::string key_;
  const Seconds answer_;
  std::string name_;  // of the row; a new one each time
  bool is_asking_ = false;
  Milliseconds held_{0};
};

}  // namespace tributary::postgres::moment

#pragma once

#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"
#include "engine/pipeline/holds.h"
#include "engine/postgres/client/connection.h"

// The rows of `_tributary.hold`: who reads both ends at one position asks the engine that follows to stand still. Each
// word is a transaction of its own, and none of them proves anything: the proof is that one snapshot of the target
// shows the stream's position where the row says that it was when the cut was reached, since each transaction of the
// stream moves it.
//
//   asker: asked --engine: standing --asker: cut --engine: reached --asker: released --engine: done
//          standing --asker: released       standing, cut, reached --engine: expired
namespace tributary::postgres {

enum class HoldState { asked, standing, cut, reached, released, done, expired };

struct HoldRow {
  HoldState state = HoldState::asked;
  Milliseconds stood{0};  // the longer of both times, as far as they are over
};

// ---- The asker's words. `session` is his own; who has its lock is the only one, and his rows die with it.

// False where somebody else asks.
Result<bool> lock_holds(Connection& session, const std::string& key, const Until& until);
// With the lock; what others have left is forgotten. A limit of more than ten seconds is cut to that.
Result<void> ask_for_hold(Connection& session, const std::string& key, const std::string& asker, Milliseconds limit,
                          const Until& until);
// Nothing where the row is gone.
Result<std::optional<HoldRow>> read_hold(Connection& session, const std::string& key, const std::string& asker,
                                         const Until& until);
// False where the stream has lost its patience.
Result<bool> write_cut(Connection& session, const std::string& key, const std::string& asker, model::Lsn cut,
                       const Until& until);
// Lets go in whatever state it is.
Result<void> release_hold(Connection& session, const std::string& key, const std::string& asker, const Until& until);
Result<void> forget_hold(Connection& session, const std::string& key, const std::string& asker, const Until& until);
// Of one row in the snapshot of a transaction that may read only: its snapshot's exported name, where it shows the
// target exactly at the cut; nothing where it does not.
Result<std::optional<std::string>> export_at_cut(Connection& session, const std::string& key, const std::string& asker,
                                                 model::Lsn cut, const Until& until);

// ---- The words of the engine that follows, over its control session.

Result<std::optional<pipeline::HoldRequest>> read_wanted_hold(Connection& control, const std::string& key,
                                                              const Until& until);
Result<bool> record_standing(Connection& control, const std::string& key, const std::string& asker, model::Lsn applied,
                             const Until& until);
Result<pipeline::HoldWord> read_hold_word(Connection& control, const std::string& key, const std::string& asker,
                                          const Until& until);
Result<bool> record_reached(Connection& control, const std::string& key, const std::string& asker, model::Lsn applied,
                            pipeline::Stood stood, const Until& until);
Result<void> record_hold_end(Connection& control, const std::string& key, const std::string& asker,
                             pipeline::HoldEnd how, pipeline::Stood stood, const Until& until);

}  // namespace tributary::postgres

#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/model/lsn.h"

namespace tributary::pipeline {

// Somebody wants to read both ends at one position, for which the stream is to stand still twice: until he has said
// where (the cut), and, with exactly what was committed below the cut in the target, until he has looked.
struct HoldRequest {
  std::string asker;
  Milliseconds limit{0};  // of each standing still
};

// What the asker has said since.
struct HoldWord {
  enum class Kind { none, cut, gone };  // gone: let go, or not there any more
  Kind kind = Kind::none;
  model::Lsn cut = {};
};

enum class HoldEnd {
  released,  // by the asker
  expired,   // by the limit or a stop: what the asker has seen is worthless
};

using Stood = std::chrono::microseconds;

// The askers of one stream, where its ledger tells of them. Used by the thread that follows, while an applier is held.
class Holds {
 public:
  virtual ~Holds() = default;

  // Who waits longest. To be called while nobody is answered: whatever an earlier engine or stream has left half done
  // is marked as expired, and what askers have left that are gone is forgotten. Cheap.
  virtual Result<std::optional<HoldRequest>> wanted(const Until& until) = 0;
  // The stream stands, and `applied` is committed. False where the asker is gone.
  virtual Result<bool> stand(const HoldRequest& request, model::Lsn applied, const Until& until) = 0;
  virtual Result<HoldWord> hear(const HoldRequest& request, const Until& until) = 0;
  // Everything below the cut is committed, nothing behind it, and the ledger says `applied`. `stood` for the cut. False
  // where the asker is gone.
  virtual Result<bool> reach(const HoldRequest& request, model::Lsn applied, Stood stood, const Until& until) = 0;
  // The stream goes on. `stood` last.
  virtual Result<void> end(const HoldRequest& request, HoldEnd how, Stood stood, const Until& until) = 0;
};

}  // namespace tributary::pipeline

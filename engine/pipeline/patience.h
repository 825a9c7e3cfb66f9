#pragma once

#include <algorithm>
#include <string>

#include "engine/api/spec.h"
#include "engine/base/clock.h"
#include "engine/base/pause.h"
#include "engine/base/result.h"
#include "engine/base/until.h"

namespace tributary::pipeline {

// Of an object of Kubernetes: a command line names no replication.
inline bool is_declared(const api::Spec& spec) {
  return !spec.replication.empty();
}

// Somebody who started the engine by hand waits this long for a fault to pass.
constexpr Seconds patience_by_hand{120};

// Where nobody looks on, a fault has as long as a stall may last.
inline bool is_patient(const api::Spec& spec, SteadyClock::duration idle) {
  if (!is_declared(spec)) return idle < patience_by_hand;
  return spec.snapshot.stall_timeout == Seconds{0} || idle < spec.snapshot.stall_timeout;
}

// How long another engine is waited for to end. Where nobody looks on: longer than a server needs to notice that the
// other one is gone (postgres/session_settings.cpp).
inline Seconds lock_patience(const api::Spec& spec) {
  return is_declared(spec) ? Seconds{120} : Seconds{10};
}

// Asks for the session lock again and again: `ask` answers "" when it is ours, else who holds it, which is the answer
// when the patience is over.
template <class Ask>
Result<std::string> wait_for_lock(Ask&& ask, Milliseconds patience, Milliseconds look_again, const Until& until) {
  const Deadline enough = Deadline::after(patience);
  while (true) {
    std::string holder = TRY(ask());
    if (holder.empty() || enough.passed()) return holder;
    if (!pause_for(std::min(look_again, until.deadline.left()), until.stop) || until.deadline.passed())
      return Error{Fault::cancelled, "stopped while waiting for the session lock"};
  }
}

}  // namespace tributary::pipeline

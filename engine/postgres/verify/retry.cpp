#include "engine/postgres/verify/retry.h"

#include <algorithm>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/pause.h"

namespace tributary::postgres::verify {

bool Retry::wait(const Error& error, const Until& until) {
  if (error.fault != Fault::transient) return false;
  const SteadyTime moved = board_.last_movement();
  if (std::exchange(moved_, moved) != moved) backoff_.reset();
  if (!limits_.is_patient(SteadyClock::now() - moved)) return false;
  const Milliseconds pause = backoff_.next();
  log::warn("retrying", {{"step", "comparing"}, {"error", describe(error)}, {"after_ms", pause.count()}});
  board_.show(api::Phase::waiting, describe(error));
  if (!pause_for(std::min(pause, until.deadline.left()), until.stop) || until.deadline.passed()) return false;
  board_.show(api::Phase::comparing, "trying again");
  return true;
}

}  // namespace tributary::postgres::verify

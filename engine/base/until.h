#pragma once

#include <stop_token>

#include "engine/base/clock.h"

namespace tributary {

// How long a blocking call may take: until its deadline or until a stop is requested, whichever comes first. Handed
// down unchanged through every call that waits; the failure is Fault::transient for the deadline (the peer hangs)
// and Fault::cancelled for the stop.
struct Until {
  Deadline deadline = Deadline::never();
  std::stop_token stop = {};

  // The same stop with an earlier end.
  Until within(Milliseconds span) const {
    const Deadline sooner = Deadline::after(span);
    return {sooner.at() < deadline.at() ? sooner : deadline, stop};
  }
};

}  // namespace tributary

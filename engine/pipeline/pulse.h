#pragma once

#include <thread>

#include "engine/base/clock.h"
#include "engine/pipeline/progress.h"
#include "engine/pipeline/source.h"
#include "engine/pipeline/target.h"

namespace tributary::pipeline {

// Tells the board that an end at work is alive: taking an attempt back, building an index or validating a key on the
// target moves no counter for hours, nor do pg_dump or a scan that finds no row for long on the source. Looks on a
// thread of its own until it is destroyed; all it borrows must outlive it.
class Pulse {
 public:
  Pulse(const Source& source, const Target& target, ProgressBoard& board, Milliseconds period);

 private:
  std::jthread thread_;
};

// How often to look, so that a stall is seen no later than a quarter too late. A zero stall timeout means never.
Milliseconds pulse_period(Seconds stall_timeout);

}  // namespace tributary::pipeline

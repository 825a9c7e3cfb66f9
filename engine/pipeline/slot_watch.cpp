#include "engine/pipeline/slot_watch.h"

#include <utility>

#include "engine/base/contain.h"
#include "engine/base/pause.h"

namespace tributary::pipeline {
namespace {

constexpr Seconds answer_limit{20};

// Whether there is a slot, as far as anybody knows.
bool look(DrainEnds& ends, StreamMeter& meter, const std::stop_token& stop) {
  const Result<SlotHealth> health = contain([&] { return ends.look_at_slot({Deadline::after(answer_limit), stop}); });
  if (stop.stop_requested()) return true;
  if (health) {
    meter.looked(*health, api::StreamState::holding);
    return true;
  }
  const bool gone = health.error().fault == Fault::lost;
  if (gone) {
    meter.released();
  } else {
    meter.troubled(describe(health.error()));
  }
  return !gone;
}

}  // namespace

SlotWatch::SlotWatch(std::unique_ptr<DrainEnds> ends, StreamMeter& meter, Milliseconds period)
    : ends_(std::move(ends)), thread_([this, &meter, period](const std::stop_token& stop) {
        while (look(*ends_, meter, stop) && pause_for(period, stop)) continue;
        ends_.reset();
      }) {}

}  // namespace tributary::pipeline

#include "engine/pipeline/slot_watch.h"

#include <utility>

#include "engine/base/contain.h"
#include "engine/base/pause.h"

namespace tributary::pipeline {
namespace {

constexpr Seconds answer_limit{20};

void look(DrainEnds& ends, StreamMeter& meter, const std::stop_token& stop) {
  const Result<SlotHealth> health = contain([&] { return ends.look_at_slot({Deadline::after(answer_limit), stop}); });
  if (health) meter.looked(*health, api::StreamState::holding);
  if (!health && !stop.stop_requested()) meter.troubled(describe(health.error()));
}

}  // namespace

SlotWatch::SlotWatch(std::unique_ptr<DrainEnds> ends, StreamMeter& meter, Milliseconds period)
    : ends_(std::move(ends)), thread_([this, &meter, period](const std::stop_token& stop) {
        do look(*ends_, meter, stop);
        while (pause_for(period, stop));
      }) {}

}  // namespace tributary::pipeline

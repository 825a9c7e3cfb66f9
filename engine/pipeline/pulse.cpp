#include "engine/pipeline/pulse.h"

#include <algorithm>

#include "engine/base/contain.h"
#include "engine/base/pause.h"

namespace tributary::pipeline {
namespace {

constexpr Milliseconds most_often{500};
constexpr Milliseconds least_often{30'000};
constexpr Seconds answer_limit{20};

void look_until(const std::stop_token& stop, const Target& target, ProgressBoard& board, Milliseconds period) {
  while (pause_for(period, stop)) {
    // A target that does not answer is not at work as far as anybody can tell.
    const Result<bool> at_work = contain([&] { return target.at_work({Deadline::after(answer_limit), stop}); });
    if (at_work && *at_work) board.moved();
  }
}

}  // namespace

Pulse::Pulse(const Target& target, ProgressBoard& board, Milliseconds period) {
  if (period == Milliseconds{0}) return;
  thread_ =
      std::jthread([&target, &board, period](const std::stop_token& stop) { look_until(stop, target, board, period); });
}

Milliseconds pulse_period(Seconds stall_timeout) {
  if (stall_timeout == Seconds{0}) return Milliseconds{0};
  return std::clamp(Milliseconds{stall_timeout} / 4, most_often, least_often);
}

}  // namespace tributary::pipeline

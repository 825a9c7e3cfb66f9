#include "engine/pipeline/pulse.h"

#include <algorithm>

#include "engine/base/contain.h"
#include "engine/base/pause.h"

namespace tributary::pipeline {
namespace {

constexpr Milliseconds most_often{500};
constexpr Milliseconds least_often{30'000};
constexpr Seconds answer_limit{20};

// An end that does not answer is not at work as far as anybody can tell.
template <class End>
bool is_at_work(const End& end, const std::stop_token& stop) {
  const Result<bool> at_work = contain([&] { return end.at_work({Deadline::after(answer_limit), stop}); });
  return at_work && *at_work;
}

}  // namespace

Pulse::Pulse(const Source& source, const Target& target, ProgressBoard& board, Milliseconds period) {
  if (period == Milliseconds{0}) return;
  thread_ = std::jthread([&source, &target, &board, period](const std::stop_token& stop) {
    while (pause_for(period, stop))
      if (is_at_work(target, stop) || is_at_work(source, stop)) board.moved();
  });
}

Milliseconds pulse_period(Seconds stall_timeout) {
  if (stall_timeout == Seconds{0}) return Milliseconds{0};
  return std::clamp(Milliseconds{stall_timeout} / 4, most_often, least_often);
}

}  // namespace tributary::pipeline

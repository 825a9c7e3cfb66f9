#pragma once

#include <functional>

#include "engine/base/backoff.h"
#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/base/until.h"
#include "engine/pipeline/patience.h"
#include "engine/pipeline/progress.h"

namespace tributary::postgres::verify {

// How long a comparison waits for an end that is away.
struct RetryLimits {
  // Whether to try on after so long without any movement.
  std::function<bool(SteadyClock::duration idle)> is_patient = [](SteadyClock::duration idle) {
    return idle < pipeline::patience_by_hand;
  };
  Backoff::Limits pauses = {};
};

// Waits faults out that may pass, as a snapshot does, and shows them meanwhile. Used by one thread.
class Retry {
 public:
  Retry(const RetryLimits& limits, pipeline::ProgressBoard& board)
      : limits_(limits), board_(board), backoff_(limits.pauses), moved_(board.last_movement()) {}

  // Before another try. False where none is worth it: the fault stays, has lasted too long, or `until` ends it.
  bool wait(const Error& error, const Until& until);

 private:
  const RetryLimits& limits_;
  pipeline::ProgressBoard& board_;
  Backoff backoff_;
  SteadyTime moved_;
};

// Asks again where that may help.
template <class Ask>
auto retried(const RetryLimits& limits, pipeline::ProgressBoard& board, const Until& until, Ask&& ask)
    -> decltype(ask()) {
  Retry retry(limits, board);
  while (true) {
    auto answer = ask();
    if (answer || !retry.wait(answer.error(), until)) return answer;
  }
}

}  // namespace tributary::postgres::verify

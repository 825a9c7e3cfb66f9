#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "engine/api/progress.h"
#include "engine/api/report.h"
#include "engine/base/clock.h"
#include "engine/pipeline/progress.h"

// Ends work that takes too long, that no longer moves, or that somebody interrupted.
namespace tributary::cli {

// Why work was stopped.
enum class Cause { none, timeout, stalled, interrupted };

struct Patience {
  Seconds timeout{0};          // for the whole; 0: no end
  Seconds stall_timeout{0};    // without any movement; 0: no end
  Milliseconds grace{20'000};  // from the stop to the end of the process, even if the work does not come back
};

// What the watchdog knows at one moment.
struct Observation {
  SteadyTime started;
  SteadyTime moved;
  SteadyTime now;
  bool interrupted = false;
};

// Pure: whether to stop now, and when to look again if nothing else happens.
Cause judge(const Patience& patience, const Observation& seen);
SteadyTime next_look(const Patience& patience, const Observation& seen);

// Pure: what work that was stopped was at, as the end of a sentence: " while waiting: ...".
std::string occupation(const api::Progress& progress);

// Why and when work was stopped.
struct Stop {
  Cause cause = Cause::none;
  std::string at;           // occupation() at that moment
  const char* signal = "";  // with `interrupted`
};

// Pure: the report of stopped work says why it was stopped and what it was at. One that ended in any other way than
// Failed stays, and so does that of a stall which is a server that cannot be reached.
api::Report with_cause(api::Report report, const Stop& stop, const Patience& patience);

// Watches on a thread of its own until destroyed. Borrows the board. `interrupt_fd` becomes readable on a signal.
class Watchdog {
 public:
  // `give_up` is called on the watchdog's thread when the work did not come back in its grace time.
  Watchdog(Patience patience, const pipeline::ProgressBoard& board, int interrupt_fd,
           std::function<void(const Stop&)> give_up);
  ~Watchdog();

  std::stop_token stop() const { return stop_.get_token(); }
  Stop stopped() const;

 private:
  void run();
  void watch();
  bool wait_until(SteadyTime when, bool signals_too);

  const Patience patience_;
  const pipeline::ProgressBoard& board_;
  const int interrupt_fd_;
  const int wake_fd_;
  const std::function<void(const Stop&)> give_up_;
  std::stop_source stop_;
  mutable std::mutex mutex_;  // guards stopped_
  Stop stopped_;
  std::thread thread_;
};

}  // namespace tributary::cli

#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>

#include "engine/base/clock.h"

namespace tributary::kube {

// Knows since when each piece of work goes on, and complains about one that should long be over: only a restart of the
// process helps it. Thread-safe, and never waits for the work.
class Watchdog {
 public:
  explicit Watchdog(Seconds limit) : limit_(limit) {}

  // While one lives, the work goes on. The watchdog outlives it.
  class Work {
   public:
    Work(Watchdog& watchdog, std::string name, SteadyTime began = SteadyClock::now());
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

   private:
    struct Entry {
      std::string name;
      SteadyTime began;
    };
    friend class Watchdog;
    Watchdog& watchdog_;
    std::list<Entry>::iterator entry_;
  };

  // About the longest; nothing while all is within the limit.
  std::optional<std::string> complaint(SteadyTime now) const;

 private:
  const Seconds limit_;
  mutable std::mutex mutex_;
  std::list<Work::Entry> going_on_;
};

}  // namespace tributary::kube

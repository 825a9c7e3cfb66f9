#pragma once

#include <string>
#include <thread>

namespace tributary::pipeline::testing {

// Ends the process, saying what hangs, unless it is destroyed within a minute.
class Alarm {
 public:
  explicit Alarm(std::string what);

 private:
  std::jthread thread_;
};

// Waits until the process has no more than so many threads: one that was joined is listed a little longer.
void wait_for_threads(std::size_t most);
std::size_t threads_now();

}  // namespace tributary::pipeline::testing

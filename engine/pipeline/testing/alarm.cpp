#include "engine/pipeline/testing/alarm.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>

#include "engine/base/pause.h"

namespace tributary::pipeline::testing {

Alarm::Alarm(std::string what)
    : thread_([what = std::move(what)](const std::stop_token& stop) {
        if (!pause_for(Seconds(60), stop)) return;
        std::fprintf(stderr, "hangs: %s\n", what.c_str());
        std::abort();
      }) {}

std::size_t threads_now() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

void wait_for_threads(std::size_t most) {
  const Alarm alarm("a thread that nobody joined");
  while (threads_now() > most + 1) std::this_thread::yield();
}

}  // namespace tributary::pipeline::testing

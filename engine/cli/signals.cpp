#include "engine/cli/signals.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

namespace tributary::cli {
namespace {

int wake_fd = -1;
std::atomic<int> caught{0};
constexpr unsigned seconds_to_write = 10;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_interrupt(int signal) {
  int none = 0;
  if (!caught.compare_exchange_strong(none, signal)) _exit(1);
  const int saved = errno;
  eventfd_write(wake_fd, 1);
  errno = saved;
}

extern "C" void end_process(int) {
  _exit(1);
}

}  // namespace

Result<int> catch_interrupts() {
  wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  if (wake_fd < 0 || sigaction(SIGINT, &action, nullptr) != 0 || sigaction(SIGTERM, &action, nullptr) != 0 ||
      sigaction(SIGPIPE, &ignore, nullptr) != 0)
    return Error{Fault::failed, std::string("signals cannot be caught: ") + std::strerror(errno)};
  return wake_fd;
}

// The default action would do nothing where we are the first process of a container.
void end_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = end_process;
  for (const int signal : {SIGINT, SIGTERM, SIGALRM}) sigaction(signal, &action, nullptr);
  if (caught.load() != 0) alarm(seconds_to_write);
}

const char* interrupt() {
  switch (caught.load()) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    default:
      return "";
  }
}

}  // namespace tributary::cli

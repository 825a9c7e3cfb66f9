#include "engine/cli/watchdog.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "engine/base/contain.h"
#include "engine/base/log.h"
#include "engine/cli/duration.h"
#include "engine/cli/signals.h"

namespace tributary::cli {
namespace {

constexpr Seconds seldom{3600};

bool readable(const pollfd& one) {
  return (one.revents & POLLIN) != 0;
}

const char* word_of(Cause cause) {
  switch (cause) {
    case Cause::none:
      return "none";
    case Cause::timeout:
      return "timeout";
    case Cause::stalled:
      return "stall timeout";
    case Cause::interrupted:
      return "interrupt";
  }
  std::abort();
}

}  // namespace

Cause judge(const Patience& patience, const Observation& seen) {
  if (seen.interrupted) return Cause::interrupted;
  if (patience.timeout > Seconds(0) && seen.now - seen.started >= patience.timeout) return Cause::timeout;
  if (patience.stall_timeout > Seconds(0) && seen.now - seen.moved >= patience.stall_timeout) return Cause::stalled;
  return Cause::none;
}

SteadyTime next_look(const Patience& patience, const Observation& seen) {
  SteadyTime when = seen.now + seldom;
  if (patience.timeout > Seconds(0)) when = std::min(when, seen.started + patience.timeout);
  if (patience.stall_timeout > Seconds(0)) when = std::min(when, seen.moved + patience.stall_timeout);
  return when;
}

std::string occupation(const api::Progress& progress) {
  std::string text = std::string(" while ") + api::word_of(progress.phase);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  if (!progress.message.empty()) return text + ": " + progress.message;
  for (const api::DatabaseProgress& database : progress.databases)
    if (!database.active.empty()) return text + " table " + database.name + "." + database.active.front().name;
  return text;
}

api::Report with_cause(api::Report report, const Stop& stop, const Patience& patience) {
  if (report.exit_code != api::ExitCode::failed) return report;
  switch (stop.cause) {
    case Cause::none:
      break;
    case Cause::timeout:
      report.reason = "Timeout";
      report.message = "not done within the timeout of " + duration_text(patience.timeout) + stop.at;
      report.hint = "raise the timeout and run it again";
      break;
    case Cause::stalled:
      if (api::is_outage(report.reason)) break;
      report.reason = "Stalled";
      report.message = "nothing moved for " + duration_text(patience.stall_timeout) + stop.at;
      report.hint = "look for locks and long transactions at both ends and at the network, then run it again";
      break;
    case Cause::interrupted:
      report.reason = "Interrupted";
      report.message = std::string("interrupted by ") + stop.signal + stop.at;
      report.hint = "run it again";
      break;
  }
  return report;
}

Watchdog::Watchdog(Patience patience, const pipeline::ProgressBoard& board, int interrupt_fd,
                   std::function<void(const Stop&)> give_up)
    : patience_(patience),
      board_(board),
      interrupt_fd_(interrupt_fd),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      give_up_(std::move(give_up)),
      thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  eventfd_write(wake_fd_, 1);
  thread_.join();
  close(wake_fd_);
}

Stop Watchdog::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

// Without a watchdog nothing would end work that hangs.
void Watchdog::run() {
  const Result<void> watched = contain([this]() -> Result<void> {
    watch();
    return {};
  });
  if (!watched) _exit(static_cast<int>(api::ExitCode::failed));
}

void Watchdog::watch() {
  Observation seen{.started = SteadyClock::now(), .moved = {}, .now = {}};
  Cause cause = Cause::none;
  while (true) {
    seen.moved = std::max(board_.last_movement(), seen.started);
    seen.now = SteadyClock::now();
    seen.interrupted = *interrupt() != '\0';
    cause = judge(patience_, seen);
    if (cause != Cause::none) break;
    if (!wait_until(next_look(patience_, seen), true)) return;
  }
  const Stop stop{cause, occupation(board_.snapshot()), interrupt()};
  {
    const std::lock_guard lock(mutex_);
    stopped_ = stop;
  }
  log::warn("stopping", {{"cause", word_of(cause)}});
  stop_.request_stop();
  const SteadyTime end = SteadyClock::now() + patience_.grace;
  while (SteadyClock::now() < end) {
    if (!wait_until(end, false)) return;
  }
  give_up_(stop);
}

// False when the watchdog is being destroyed. Once a signal came its descriptor stays readable.
bool Watchdog::wait_until(SteadyTime when, bool signals_too) {
  const auto left = std::chrono::ceil<Milliseconds>(when - SteadyClock::now());
  pollfd both[] = {{wake_fd_, POLLIN, 0}, {signals_too ? interrupt_fd_ : -1, POLLIN, 0}};
  poll(both, 2, static_cast<int>(std::max(left, Milliseconds(0)).count()));
  return !readable(both[0]);
}

}  // namespace tributary::cli

#include "engine/cli/display.h"

#include <unistd.h>

#include "engine/base/contain.h"
#include "engine/base/log.h"
#include "engine/cli/terminal.h"
#include "engine/cli/view.h"

namespace tributary::cli {
namespace {

constexpr Milliseconds frame{200};
constexpr Milliseconds glance{500};
constexpr Seconds between_summaries{30};

void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = ::write(STDERR_FILENO, bytes.data(), bytes.size());
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
}

}  // namespace

Ticker::Ticker(Milliseconds period, std::function<void()> tick)
    : thread_([this, period, tick = std::move(tick)] {
        std::unique_lock lock(mutex_);
        while (!changed_.wait_for(lock, period, [this] { return stopped_; })) {
          lock.unlock();
          // What cannot be shown this time may be the next.
          static_cast<void>(contain([&]() -> Result<void> {
            tick();
            return {};
          }));
          lock.lock();
        }
      }) {}

void Ticker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  std::call_once(joined_, [this] { thread_.join(); });
}

LiveDisplay::LiveDisplay(const pipeline::ProgressBoard& board) : board_(board), ticker_(frame, [this] { draw(); }) {
  log::write_to([this](std::string_view line) { write_line(line); });
}

LiveDisplay::~LiveDisplay() {
  stop();
}

void LiveDisplay::stop() {
  ticker_.stop();
  log::write_to({});
  const std::lock_guard lock(mutex_);
  if (!stopped_) write_all(painter_.erase(screen_of(STDERR_FILENO).width));
  stopped_ = true;
}

void LiveDisplay::draw() {
  const api::Progress progress = board_.snapshot();
  const Screen screen = screen_of(STDERR_FILENO);
  const std::lock_guard lock(mutex_);
  speeds_.observe(SteadyClock::now(), progress);
  lines_ = view(progress, speeds_, screen);
  write_all(painter_.paint(lines_, screen.width));
}

void LiveDisplay::write_line(std::string_view line) {
  const std::size_t width = screen_of(STDERR_FILENO).width;
  const std::lock_guard lock(mutex_);
  std::string bytes = painter_.erase(width) + std::string(line) + "\n";
  write_all(bytes + painter_.paint(lines_, width));
}

LogDisplay::LogDisplay(const pipeline::ProgressBoard& board) : board_(board), ticker_(glance, [this] { look(); }) {}

void LogDisplay::look() {
  const api::Progress progress = board_.snapshot();
  const SteadyTime now = SteadyClock::now();
  speeds_.observe(now, progress);
  const std::string phase = api::word_of(progress.phase);
  const bool waits_anew = progress.phase == api::Phase::waiting && progress.message != message_;
  const std::string text = summary(progress, speeds_);
  if (phase != phase_ || waits_anew) {
    if (progress.message.empty()) {
      log::info("phase", {{"phase", phase}});
    } else {
      log::info("phase", {{"phase", phase}, {"message", progress.message}});
    }
  } else if (now - said_ < between_summaries || text == summary_) {
    return;
  } else {
    log::info("progress", {{"summary", text}});
  }
  phase_ = phase;
  message_ = progress.message;
  summary_ = text;
  said_ = now;
}

}  // namespace tributary::cli

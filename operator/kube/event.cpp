#include "operator/kube/event.h"

#include <atomic>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "operator/kube/kinds.h"

namespace tributary::kube {
namespace {

constexpr std::size_t most_waiting = 1000;
constexpr Milliseconds longest_sleep{30'000};  // what is due by the times of series waits no longer
constexpr std::size_t most_note = 1024;
constexpr std::size_t most_name = 200;

std::string hexadecimal(std::uint64_t number) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(number >> shift) & 15];
  return text;
}

}  // namespace

Object event_object(const Object& regarding, const EventNote& note, const std::string& controller,
                    const std::string& instance, WallTime now, const std::string& suffix) {
  const std::string space = regarding.space().empty() ? "default" : regarding.space();
  return Object(
      Json{{"metadata", {{"namespace", space}, {"name", first_bytes(regarding.name(), most_name) + "." + suffix}}},
           {"eventTime", micro_time(now)},
           {"reportingController", controller},
           {"reportingInstance", first_bytes(instance, 128)},
           {"type", note.kind == EventKind::warning ? "Warning" : "Normal"},
           {"reason", first_bytes(note.reason, 128)},
           {"action", first_bytes(note.action, 128)},
           {"note", first_bytes(note.note, most_note, "...")},
           {"regarding",
            {{"apiVersion", regarding.api_version()},
             {"kind", regarding.kind()},
             {"namespace", regarding.space()},
             {"name", regarding.name()},
             {"uid", regarding.uid()},
             {"resourceVersion", regarding.resource_version()}}}});
}

Events::Events(Transport& transport, std::string controller, std::string instance, EventLimits limits)
    : transport_(transport),
      controller_(std::move(controller)),
      instance_(std::move(instance)),
      limits_(limits),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

Events::~Events() {
  thread_.request_stop();
}

void Events::emit(const Object& regarding, const EventNote& note) {
  static std::atomic<std::uint64_t> counter = 0;
  const WallTime now = std::chrono::system_clock::now();
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  const std::string suffix = hexadecimal(static_cast<std::uint64_t>(nanos) + counter++);
  const std::lock_guard lock(mutex_);
  if (closed_ || told_.size() + unsent_ >= most_waiting) {
    log::warn("event dropped", {{"reason", note.reason}, {"object", regarding.key().text()}});
    return;
  }
  told_.push_back(event_object(regarding, note, controller_, instance_, now, suffix));
  changed_.notify_all();
}

void Events::run(std::stop_token stop) {
  const Client client(transport_, {}, stop);
  EventSeries series;
  std::deque<Pending> again;  // all wait for as long, so the first is due first
  for (bool last = false; !last && !stop.stop_requested();) {
    Round round = collect(series, again, stop);
    last = round.last;
    for (Pending& pending : round.due) {
      if (last) pending.tries = limits_.tries;
      if (!settle(client, pending)) again.push_back(std::move(pending));
    }
  }
  const std::lock_guard lock(mutex_);
  is_through_ = true;
  changed_.notify_all();
}

// Waits until there is something to send; at the end all there is.
Events::Round Events::collect(EventSeries& series, std::deque<Pending>& again, std::stop_token stop) {
  Round round;
  std::deque<Pending>& due = round.due;
  const auto add = [&](std::vector<EventWrite> writes) {
    for (EventWrite& write : writes) due.push_back({.write = std::move(write)});
  };
  std::unique_lock lock(mutex_);
  unsent_ = again.size();
  const SteadyTime next = again.empty() ? SteadyTime::max() : again.front().due;
  const Milliseconds wait = Deadline::after(longest_sleep).no_later_than(next).left();
  changed_.wait_for(lock, stop, wait, [&] { return closed_ || !told_.empty(); });
  const WallTime now = std::chrono::system_clock::now();
  while (!again.empty() && (closed_ || again.front().due <= SteadyClock::now())) {
    due.push_back(std::move(again.front()));
    again.pop_front();
  }
  for (const Object& event : std::exchange(told_, {})) {
    if (std::optional<EventWrite> write = series.note(event, now)) due.push_back({.write = std::move(*write)});
  }
  add(series.due(now));
  if (closed_) add(series.rest());
  unsent_ = again.size() + due.size();
  round.last = closed_;
  return round;
}

// Whether nothing more is to be done for it: it was written, or given up.
bool Events::settle(const Client& client, Pending& pending) const {
  const Object& event = pending.write.event;
  Result<Object> written = pending.write.repeats ? client.merge_patch(kinds::events, event.key(), series_patch(event))
                                                 : client.create(kinds::events, event);
  // An Event is kept for an hour.
  if (pending.write.repeats && !written.ok() && written.error().fault == Fault::missing) {
    written = client.create(kinds::events, event);
  }
  if (written.ok() || written.error().fault == Fault::cancelled) return true;
  if (written.error().fault == Fault::conflict && pending.tries > 0) return true;  // the answer alone was lost
  if (written.error().fault == Fault::transient && ++pending.tries < limits_.tries) {
    pending.due = SteadyClock::now() + limits_.retry_wait;
    return false;
  }
  log::warn("event not written", {{"object", event.key().text()}, {"error", describe(written.error())}});
  return true;
}

void Events::finish(Until until) {
  std::unique_lock lock(mutex_);
  if (std::exchange(closed_, true)) return;
  changed_.notify_all();
  if (!changed_.wait_for(lock, until.stop, until.deadline.left(), [&] { return is_through_; }))
    log::warn("events are left unwritten at the end");
}

}  // namespace tributary::kube

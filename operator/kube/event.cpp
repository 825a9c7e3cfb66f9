#include "operator/kube/event.h"

#include <atomic>
#include <utility>

#include "engine/base/log.h"
#include "engine/base/text.h"
#include "operator/kube/kinds.h"

namespace tributary::kube {
namespace {

constexpr std::size_t most_waiting = 1000;
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

Events::Events(Transport& transport, std::string controller, std::string instance)
    : transport_(transport),
      controller_(std::move(controller)),
      instance_(std::move(instance)),
      waiting_(most_waiting),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

Events::~Events() {
  thread_.request_stop();
  waiting_.close();
}

void Events::emit(const Object& regarding, const EventNote& note) {
  static std::atomic<std::uint64_t> counter = 0;
  const WallTime now = std::chrono::system_clock::now();
  const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  const std::string suffix = hexadecimal(static_cast<std::uint64_t>(nanos) + counter++);
  if (!waiting_.offer(event_object(regarding, note, controller_, instance_, now, suffix)))
    log::warn("event dropped", {{"reason", note.reason}, {"object", regarding.key().text()}});
}

void Events::run(std::stop_token stop) {
  const Client client(transport_, {}, stop);
  while (const std::optional<Object> event = waiting_.take(stop)) {
    const Result<Object> created = client.create(kinds::events, *event);
    if (!created.ok() && !stop.stop_requested())
      log::warn("event not written", {{"object", event->key().text()}, {"error", describe(created.error())}});
  }
  const std::lock_guard lock(mutex_);
  is_through_ = true;
  changed_.notify_all();
}

void Events::finish(Until until) {
  waiting_.close();
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, until.stop, until.deadline.left(), [&] { return is_through_; }))
    log::warn("events are left unwritten at the end");
}

}  // namespace tributary::kube

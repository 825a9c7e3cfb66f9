#include "operator/replication/listen.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/serve/ask.h"
#include "operator/replication/pod_template.h"

namespace tributary::replication {
namespace {

constexpr Milliseconds answer_time{2'000};
constexpr Milliseconds after_an_answer{4'000};  // less than what decide() waits between two looks
constexpr Milliseconds after_silence{1'000};
constexpr Seconds counts_for{60};
constexpr std::size_t largest_answer = std::size_t{1} << 20;

Result<api::Progress> ask(const std::string& ip, std::stop_token stop) {
  const serve::Question question{.address = ip, .port = status_port, .path = "/status", .most = largest_answer};
  const serve::Answer answer = TRY(serve::ask(question, {Deadline::after(answer_time), std::move(stop)}));
  if (answer.status / 100 != 2) return Error{Fault::transient, "the engine answers " + std::to_string(answer.status)};
  return api::progress_from_json(answer.body);
}

}  // namespace

std::string engine_url(const std::string& ip) {
  const std::string host = ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
  return "http://" + host + ":" + std::to_string(status_port);
}

AskEngine ask_over_http() {
  return ask;
}

std::optional<Voice> Listener::listen(const std::string& uid, const std::string& identity, const std::vector<Pod>& pods,
                                      WallTime now, std::stop_token stop) {
  const auto pod = std::find_if(pods.begin(), pods.end(), [](const Pod& candidate) {
    return !candidate.deleting && candidate.engine.state == ContainerState::running && !candidate.ip.empty();
  });
  if (pod == pods.end()) {
    forget(uid);
    return std::nullopt;
  }
  if (auto voice = recent(uid, *pod, now)) return voice;
  Result<api::Progress> answer = ask_(pod->ip, std::move(stop));
  const bool heard = answer.ok() && answer->replication == identity;
  if (!heard) {
    log::debug("engine does not answer",
               {{"pod", pod->name}, {"error", answer.ok() ? "another replication answers" : answer.error().what}});
  }
  const std::lock_guard lock(mutex_);
  Memory& memory = memory_[uid];
  memory.pod = pod->uid;
  memory.asked = now;
  if (heard) {
    memory.figures = figures_of(*answer);
    memory.heard = now;
    memory.voice = {.progress = std::move(answer).value()};
  } else {
    memory.voice = {.silent_since = memory.voice.silent_since.value_or(now)};
  }
  return memory.voice;
}

std::optional<Voice> Listener::recent(const std::string& uid, const Pod& pod, WallTime now) {
  const std::lock_guard lock(mutex_);
  Memory& memory = memory_[uid];
  if (memory.pod != pod.uid) memory = {.pod = pod.uid};
  if (!memory.asked || now < *memory.asked) return std::nullopt;
  const bool fresh = now - *memory.asked < (memory.voice.progress ? after_an_answer : after_silence);
  return fresh ? std::optional(memory.voice) : std::nullopt;
}

Figures Listener::figures(const std::string& uid, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto found = memory_.find(uid);
  const bool counts = found != memory_.end() && found->second.heard <= now && now - found->second.heard < counts_for;
  return counts ? found->second.figures : Figures{};
}

void Listener::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  memory_.erase(uid);
}

}  // namespace tributary::replication

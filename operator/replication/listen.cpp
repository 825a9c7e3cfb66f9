#include "operator/replication/listen.h"

#include <algorithm>

#include "engine/base/log.h"
#include "operator/kube/transport.h"
#include "operator/replication/pod_template.h"

namespace tributary::replication {
namespace {

constexpr Milliseconds answer_time{2'000};
constexpr std::size_t largest_answer = std::size_t{1} << 20;

std::string url_of(const std::string& ip) {
  const std::string host = ip.find(':') == std::string::npos ? ip : "[" + ip + "]";
  return "http://" + host + ":" + std::to_string(status_port);
}

Result<api::Progress> ask(const std::string& ip, std::stop_token stop) {
  kube::ClusterConfig engine;
  engine.server = url_of(ip);
  const auto transport = kube::open_rest_transport(engine, {.idle = answer_time, .body_bytes = largest_answer});
  kube::Request request;
  request.path = "/status";
  const kube::Response response = TRY(transport->send(request, Deadline::after(answer_time), std::move(stop)));
  if (!response.ok()) return Error{Fault::transient, "the engine answers " + std::to_string(response.status)};
  return api::progress_from_json(response.body);
}

}  // namespace

AskEngine ask_over_http() {
  return ask;
}

std::optional<Voice> Listener::listen(const std::string& uid, const std::vector<Pod>& pods, WallTime now,
                                      std::stop_token stop) {
  const auto pod = std::find_if(pods.begin(), pods.end(), [](const Pod& candidate) {
    return !candidate.deleting && candidate.engine.state == ContainerState::running && !candidate.ip.empty();
  });
  if (pod == pods.end()) return std::nullopt;
  Result<api::Progress> answer = ask_(pod->ip, std::move(stop));
  if (answer.ok() && answer->replication == uid) {
    forget(uid);
    return Voice{.progress = std::move(answer).value()};
  }
  log::debug("engine does not answer",
             {{"pod", pod->name}, {"error", answer.ok() ? "another replication answers" : answer.error().what}});
  return Voice{.silent_since = silent_since(uid, *pod, now)};
}

WallTime Listener::silent_since(const std::string& uid, const Pod& pod, WallTime now) {
  const std::lock_guard lock(mutex_);
  Silence& silence = silent_[uid];
  if (silence.pod != pod.uid) silence = {pod.uid, now};
  return silence.since;
}

void Listener::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  silent_.erase(uid);
}

}  // namespace tributary::replication

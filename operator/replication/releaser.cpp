#include "operator/replication/releaser.h"

#include "engine/base/log.h"
#include "engine/base/seal.h"
#include "operator/kube/transport.h"
#include "operator/replication/listen.h"

namespace tributary::replication {
namespace {

constexpr Seconds tell_time{2};

Result<int> tell(const std::string& ip, const std::string& token, bool forget, Until until) {
  kube::ClusterConfig engine;
  engine.server = engine_url(ip);
  engine.token.text = token;
  const auto transport = kube::open_rest_transport(engine, {.idle = tell_time, .body_bytes = 4096});
  kube::Request request;
  request.method = kube::Method::post;
  request.path = forget ? "/release?forget" : "/release";
  return TRY(transport->send(request, until.deadline, std::move(until.stop))).status;
}

// What does not come from an engine that knows the route and the token is no answer for good either.
ReleaseAnswer meaning_of(int status) {
  if (status == 200) return ReleaseAnswer::released;
  return status == 202 || status >= 500 ? ReleaseAnswer::none : ReleaseAnswer::refused;
}

}  // namespace

TellEngine tell_over_http() {
  return tell;
}

TellEngine fenced(kube::Fence& fence, TellEngine tell) {
  return [&fence, tell = std::move(tell)](const std::string& ip, const std::string& token, bool forget,
                                          Until until) -> Result<int> {
    const kube::Fence::Pass pass = TRY(fence.pass(until.deadline));
    Result<int> answer = tell(ip, token, forget, {pass.deadline(), std::move(until.stop)});
    if (!answer.ok() && kube::may_come(answer.error())) fence.doubt(pass);
    return answer;
  };
}

std::string Releaser::token(const std::string& uid) const {
  return hmac_sha256(key_, uid);
}

std::string Releaser::token_hash(const std::string& uid) const {
  return key_.empty() ? "" : sha256(token(uid));
}

void Releaser::order(const std::string& uid, const std::string& pod_ip, bool forget, bool first) {
  if (first) remember(uid, ReleaseAnswer::none);
  const Result<int> status = tell_(pod_ip, token(uid), forget, {Deadline::after(tell_time), stop_});
  if (!status.ok()) {
    log::debug("engine does not answer an order to release", {{"error", status.error().what}});
    return;
  }
  log::info("ordered an engine to release", {{"uid", uid}, {"answer", *status}});
  if (const ReleaseAnswer answer = meaning_of(*status); answer != ReleaseAnswer::none) remember(uid, answer);
}

void Releaser::remember(const std::string& uid, ReleaseAnswer answer) {
  const std::lock_guard lock(mutex_);
  answers_[uid] = answer;
}

ReleaseAnswer Releaser::answer(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto found = answers_.find(uid);
  return found == answers_.end() ? ReleaseAnswer::none : found->second;
}

void Releaser::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  answers_.erase(uid);
}

}  // namespace tributary::replication

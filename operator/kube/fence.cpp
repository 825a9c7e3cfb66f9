#include "operator/kube/fence.h"

#include <algorithm>
#include <utility>

#include "engine/base/pause.h"

namespace tributary::kube {
namespace {

// With the time that the API server is given, which begins with the request, less than Terms::lease - Terms::renew.
constexpr Seconds promptly{4};

// The API server carries out nothing of a request that takes longer, nor one that is not sent promptly.
Request limited(Request request, Milliseconds span) {
  request.begin_by = SteadyClock::now() + promptly;
  const char separator = request.path.find('?') == std::string::npos ? '?' : '&';
  request.path += separator + ("timeout=" + std::to_string(span.count()) + "ms");
  return request;
}

}  // namespace

Result<Fence::Pass> Fence::pass(Deadline wanted) {
  const std::lock_guard lock(mutex_);
  if (!until_) return Error{Fault::fenced, "this operator does not hold lease " + lease_};
  if (closed_ || SteadyClock::now() >= *until_)
    return Error{Fault::fenced, "this operator does not hold lease " + lease_ + " any more"};
  ++inside_;
  return Pass(this, wanted.no_later_than(*until_));
}

void Fence::doubt(const Pass& pass) {
  const std::lock_guard lock(mutex_);
  // The API server counts from when it has the request.
  doubtful_until_ = std::max(doubtful_until_, pass.deadline().at() + promptly);
}

void Fence::leave() {
  const std::lock_guard lock(mutex_);
  --inside_;
  left_.notify_all();
}

bool Fence::extend(SteadyTime until) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = SteadyClock::now();
  if (closed_ || now >= until_.value_or(until)) {
    closed_ = true;
    return false;
  }
  until_ = until;
  return true;
}

bool Fence::close(Until until) {
  std::unique_lock lock(mutex_);
  closed_ = true;
  if (!left_.wait_for(lock, until.stop, until.deadline.left(), [&] { return inside_ == 0; })) return false;
  if (until.deadline.at() < doubtful_until_) return false;
  lock.unlock();
  return pause_for(std::chrono::ceil<Milliseconds>(doubtful_until_ - SteadyClock::now()), until.stop);
}

Result<Response> FencedTransport::send(const Request& request, Deadline deadline, std::stop_token stop) {
  if (is_read(request)) return inner_.send(request, deadline, std::move(stop));
  const Fence::Pass pass = TRY(fence_.pass(deadline));
  const Milliseconds left = std::max(Milliseconds(1), pass.deadline().left());
  Result<Response> answer = inner_.send(limited(request, left), pass.deadline(), std::move(stop));
  if (!answer.ok() && may_come(answer.error())) fence_.doubt(pass);
  return answer;
}

Result<Opened> FencedTransport::open(const Request& request, const StreamLimits& limits, std::stop_token stop) {
  return inner_.open(request, limits, std::move(stop));
}

}  // namespace tributary::kube

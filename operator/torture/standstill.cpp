#include "operator/torture/standstill.h"

namespace tributary::torture {

void Gate::arm() {
  constexpr int patience = 10;
  const std::lock_guard lock(mutex_);
  renewals_left_ = patience;
}

void Gate::open() {
  const std::lock_guard lock(mutex_);
  renewals_left_ = -1;
  closed_ = false;
  changed_.notify_all();
}

bool Gate::is_closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Gate::pass(const kube::Request& request) {
  std::unique_lock lock(mutex_);
  if (renewals_left_ >= 0 && !is_read(request)) {
    const bool renews = request.path.find("/leases") != std::string::npos;
    if (!renews || --renewals_left_ < 0) {
      renewals_left_ = -1;
      closed_ = true;
    }
  }
  changed_.wait(lock, [&] { return !closed_; });
}

Result<kube::Response> GatedTransport::send(const kube::Request& request, Deadline deadline, std::stop_token stop) {
  gate_.pass(request);
  return inner_.send(request, deadline, std::move(stop));
}

Result<kube::Opened> GatedTransport::open(const kube::Request& request, const kube::StreamLimits& limits,
                                          std::stop_token stop) {
  gate_.pass(request);
  return inner_.open(request, limits, std::move(stop));
}

}  // namespace tributary::torture

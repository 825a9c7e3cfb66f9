#include "operator/kube/metered_transport.h"

#include <utility>

namespace tributary::kube {

void MeteredTransport::begin(const Request& request) {
  if (request.repeats) meter_.request_repeated(request.method, *request.repeats);
}

void MeteredTransport::end(const Request& request, int status, SteadyTime began) {
  meter_.request_ended(request.method, status, SteadyClock::now() - began);
}

Result<Response> MeteredTransport::send(const Request& request, Deadline deadline, std::stop_token stop) {
  begin(request);
  const SteadyTime began = SteadyClock::now();
  Result<Response> answer = inner_.send(request, deadline, std::move(stop));
  end(request, answer.ok() ? answer->status : 0, began);
  return answer;
}

Result<Opened> MeteredTransport::open(const Request& request, const StreamLimits& limits, std::stop_token stop) {
  begin(request);
  const SteadyTime began = SteadyClock::now();
  Result<Opened> answer = inner_.open(request, limits, std::move(stop));
  end(request, answer.ok() ? answer->head.status : 0, began);
  return answer;
}

}  // namespace tributary::kube

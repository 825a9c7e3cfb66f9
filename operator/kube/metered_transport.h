#pragma once

#include "operator/kube/meter.h"
#include "operator/kube/transport.h"

namespace tributary::kube {

// Another transport whose requests are told to a meter. Both outlive it.
class MeteredTransport final : public Transport {
 public:
  MeteredTransport(Transport& inner, Meter& meter) : inner_(inner), meter_(meter) {}

  Result<Response> send(const Request& request, Deadline deadline, std::stop_token stop) override;
  Result<Opened> open(const Request& request, const StreamLimits& limits, std::stop_token stop) override;
  std::string host() const override { return inner_.host(); }

 private:
  void begin(const Request& request);
  void end(const Request& request, int status, SteadyTime began);

  Transport& inner_;
  Meter& meter_;
};

}  // namespace tributary::kube

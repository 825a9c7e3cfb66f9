#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/serve/response.h"
#include "operator/kube/metrics.h"
#include "operator/replication/controller.h"

// What the operator answers over HTTP. Controller and metrics outlive whoever serves these.
namespace tributary::endpoints {

// What only a restart of the process helps, as seen at a time; nothing when all is well.
using Complaint = std::function<std::optional<std::string>(SteadyTime now)>;

// For the kubelet, 200 or 503 with the reason as text:
//   /healthz   nobody complains
//   /readyz    the controller is ready
//   /startupz  the same, once; a stop does not take it back
serve::Routes probes_of(const replication::Controller& controller, Complaint complaint);

// /metrics, for Prometheus. Made at each scrape, on the thread that serves it: not to be served beside probes.
serve::Routes metrics_of(const replication::Controller& controller, const kube::Metrics& metrics);

}  // namespace tributary::endpoints

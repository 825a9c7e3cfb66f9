#include "operator/endpoints/endpoints.h"

#include <atomic>
#include <memory>
#include <utility>

namespace tributary::endpoints {
namespace {

using replication::Controller;
using serve::Response;

Response fine() {
  return {.body = "ok\n"};
}

Response refusal(const std::string& why) {
  return {.status = 503, .body = why + "\n"};
}

Response readiness(const Controller& controller) {
  if (controller.ready()) return fine();
  std::string lines;
  for (const std::string& line : controller.unfilled()) lines += (lines.empty() ? "" : "\n") + line;
  return refusal(lines.empty() ? "all caches are filled; the operator begins or ends" : lines);
}

}  // namespace

serve::Routes probes_of(const Controller& controller, Complaint complaint) {
  const auto started = std::make_shared<std::atomic<bool>>(false);
  return {{"/healthz", {[complaint = std::move(complaint)] {
             const std::optional<std::string> why = complaint(SteadyClock::now());
             return why ? refusal(*why) : fine();
           }}},
          {"/readyz", {[&controller] { return readiness(controller); }}},
          {"/startupz", {[&controller, started] {
             if (controller.ready()) *started = true;
             return *started ? fine() : readiness(controller);
           }}}};
}

serve::Routes metrics_of(const Controller& controller, const kube::Metrics& metrics) {
  return {{"/metrics", {[&controller, &metrics] {
             return Response{
                 .content_type = "text/plain; version=0.0.4; charset=utf-8",
                 .body = metrics.text(controller.queue_figures(), controller.in_hand()) + controller.metrics_text()};
           }}}};
}

}  // namespace tributary::endpoints
